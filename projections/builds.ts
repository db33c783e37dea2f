import { setTimeout as sleep } from 'node:timers/promises'
import { type Builder, BuildUnderWay, type Built, build } from './build.ts'
import type { Projection } from './projection.ts'
import { prepareHome } from './schema.ts'
import type { Condition } from './status.ts'

/** The builds of one process, one after the other. */
export interface Builds {
  /** Resolves with what became of each; throws what the build throws, with nothing changed. */
  rebuild(names: readonly string[], signal: AbortSignal): Promise<readonly Built[]>
  /** Builds in the background what no other process has built by then, however often it takes. */
  buildAtLast(names: readonly string[], signal: AbortSignal): void
  /** Of a projection that is being built, or that cannot be. */
  conditionOf(name: string): Condition | undefined
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
}

export interface BuildsOptions extends Pick<Builder, 'db' | 'copyTransaction' | 'source'> {
  readonly projections: readonly Projection[]
  /** Told after each build, whatever came of it; `built` is empty when it failed. */
  readonly onEnd: (built: readonly Built[]) => Promise<void>
  /** Told of a build in the background that failed. */
  readonly onFailure: (names: readonly string[], error: unknown) => void
}

const retryMs = { first: 100, last: 2_000, alone: 500 }

export function createBuilds({ projections, onEnd, onFailure, ...engines }: BuildsOptions): Builds {
  const conditions = new Map<string, Condition>()
  let last: Promise<unknown> = Promise.resolve()

  function setAll(names: readonly string[], detail?: string): void {
    for (const name of names) conditions.set(name, { state: 'building', detail })
  }

  function enqueue(names: readonly string[], signal: AbortSignal, isNeeded: Builder['isNeeded']): Promise<readonly Built[]> {
    setAll(names)
    const built = last.then(() => buildNow(names, signal, isNeeded))
    last = built.catch(() => {})
    return built
  }

  async function buildNow(names: readonly string[], signal: AbortSignal, isNeeded: Builder['isNeeded']) {
    const onProgress = (count: number) => setAll(names, `${count} events read`)
    let built: readonly Built[] = []
    try {
      await prepareHome(engines.db)
      built = await whenAlone({ ...engines, signal, isNeeded, onProgress }, names)
      return built
    } finally {
      for (const name of names) conditions.delete(name)
      for (const { name, serving, poison } of built)
        if (poison && !serving) conditions.set(name, { state: 'halted', detail: poison.error, poison })
      await onEnd(built)
    }
  }

  async function whenAlone(builder: Builder, names: readonly string[]): Promise<readonly Built[]> {
    const chosen = projections.filter(({ name }) => names.includes(name))
    for (;;) {
      builder.signal.throwIfAborted()
      try {
        return await build(builder, chosen)
      } catch (error) {
        if (!(error instanceof BuildUnderWay)) throw error
        await sleep(retryMs.alone, undefined, { signal: builder.signal })
      }
    }
  }

  async function tryAgain(names: readonly string[], signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        await enqueue(names, signal, ({ version }, former) => former?.version !== version)
        return
      } catch (error) {
        if (signal.aborted) return
        onFailure(names, error)
        setAll(names, error instanceof Error ? error.message : String(error))
        const delay = Math.min(retryMs.first * 2 ** tries, retryMs.last)
        await sleep(delay, undefined, { signal }).catch(() => {})
      }
    }
  }

  return {
    rebuild: (names, signal) => enqueue(names, signal, () => true),
    buildAtLast: (names, signal) => void tryAgain(names, signal),
    conditionOf: (name) => conditions.get(name),
    settled: async () => void (await last),
  }
}
