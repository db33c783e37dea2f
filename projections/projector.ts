import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Built, CopyTransaction } from './build.ts'
import { createBuilds } from './builds.ts'
import { type Checkpoint, type Problem, readCheckpoints, writeProblem } from './checkpoints.ts'
import { Fenced, follow, type Target, targetOf } from './follow.ts'
import { isLogDiverged, type LogSource } from './log-source.ts'
import type { Projection } from './projection.ts'
import type { ReadModels } from './read.ts'
import { dropRetired, prepareHome } from './schema.ts'
import { conditionOf, headOf, type ProjectionStatus, statusOf } from './status.ts'

export interface ProjectorOptions {
  readonly projections: readonly Projection[]
  readonly source: LogSource
  /** Of a user who may create schemas. */
  readonly db: Kysely<ReadModels>
  readonly copyTransaction: CopyTransaction
  readonly clock: () => Date
  /** Told after each commit, when what was written can be read. */
  readonly onAdvance?: (projection: string, position: bigint) => void
  readonly log?: ProjectorLog
  /** Most events in one transaction. */
  readonly batchMax?: number
}

/** Where the projector tells what an operator should know; a pino logger is one. */
export interface ProjectorLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Projector {
  /**
   * Builds what is missing or of another version, and follows the log with the rest, through every outage of Postgres and of the log.
   * Resolves when `signal` is aborted and nothing is under way any more.
   */
  run(signal: AbortSignal): Promise<void>
  /**
   * Builds new generations, beside those that serve, and switches to them. Resolves with what became of each; throws what
   * Postgres or the log throws, with nothing changed. One build runs at a time; others wait.
   */
  rebuild(names: readonly string[] | 'all', signal?: AbortSignal): Promise<readonly Built[]>
  status(): Promise<readonly ProjectionStatus[]>
}

const retryMs = { first: 100, last: 2_000 }
const stepBackMs = 1_000

/** The one who writes read models. Several at once do no harm, but each fences the others off. It may run again after it ended. */
export function createProjector(options: ProjectorOptions): Projector {
  const { projections, source, db, copyTransaction, clock, onAdvance, log, batchMax = 1_000 } = options
  /** As last read or written. */
  let checkpoints = new Map<string, Checkpoint>()
  /** Halted at an event that this process has tried: it tries again after a rebuild or in its next life. */
  const halted = new Set<string>()
  let waitingFor: string | undefined = 'for its first look at the checkpoints'
  let failures = 0
  let restart = () => {}
  let over = new AbortController()
  const builds = createBuilds({ projections, source, db, copyTransaction, onEnd: followAnew, onFailure: buildFailed })

  async function run(signal: AbortSignal): Promise<void> {
    over = new AbortController()
    halted.clear()
    const end = () => over.abort(signal.reason)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const session = new AbortController()
      restart = () => session.abort()
      const within = AbortSignal.any([signal, session.signal])
      try {
        await open(isFirst)
        const targets = projections.flatMap((projection) => targetsOf(projection))
        waitingFor = undefined
        if (targets.length) await follow({ db, source, clock, batchMax, onAdvance: advanced, onProblem: stopped }, targets, within)
        await aborted(within)
      } catch (error) {
        if (!within.aborted) await recover(error, within)
      } finally {
        session.abort()
      }
    }
    await builds.settled()
    signal.removeEventListener('abort', end)
  }

  async function open(isFirst: boolean): Promise<void> {
    await prepareHome(db)
    if (isFirst) await dropRetired(db)
    checkpoints = new Map(await readCheckpoints(db))
    // Versions are compared at the start only: two programs of different versions must not build against each other for ever.
    const outdated = projections.filter(({ name, version }) => {
      const found = checkpoints.get(name)
      return !builds.conditionOf(name) && (!found || (isFirst && found.version !== version))
    })
    if (outdated.length)
      builds.buildAtLast(
        outdated.map(({ name }) => name),
        over.signal,
      )
  }

  function targetsOf(projection: Projection): Target[] {
    const checkpoint = checkpoints.get(projection.name)
    if (checkpoint?.version !== projection.version || checkpoint.problem?.kind === 'diverged') return []
    return checkpoint.problem && halted.has(projection.name) ? [] : [targetOf(projection, checkpoint)]
  }

  function advanced({ checkpoint }: Target): void {
    failures = 0
    checkpoints.set(checkpoint.name, checkpoint)
    onAdvance?.(checkpoint.name, checkpoint.position)
  }

  async function stopped({ checkpoint }: Target, problem: Problem): Promise<void> {
    const { name, position } = checkpoint
    log?.error({ projection: name, position: String(position), problem }, `projection ${name} ${problem.kind}`)
    if (problem.kind === 'halted') halted.add(name)
    checkpoints.set(name, { ...checkpoint, problem })
    await writeProblem(db, checkpoint, problem)
  }

  /** Waits a little before the next try; the longer, the more often it failed. */
  async function recover(error: unknown, signal: AbortSignal): Promise<void> {
    let delay = Math.min(retryMs.first * 2 ** failures++, retryMs.last)
    try {
      if (error instanceof Fenced) {
        const found = await readCheckpoints(db)
        const isReplaced = error.names.some((name) => found.get(name)?.generation !== checkpoints.get(name)?.generation)
        // A new generation is ours to follow. A checkpoint that merely moved is somebody's who is at work: he may have it.
        delay = isReplaced ? 0 : stepBackMs
      }
      if (isLogDiverged(error)) {
        const { place } = error
        const lost = projections
          .flatMap((projection) => targetsOf(projection))
          .filter(({ checkpoint }) => checkpoint.position === place.position && checkpoint.eventId === place.eventId)
        for (const target of lost) await stopped(target, { kind: 'diverged', detail: error.message })
        if (lost.length) return
      }
    } catch {
      // Postgres is away: what could not be read or recorded will be found again.
    }
    waitingFor = messageOf(error)
    log?.warn({ err: error, delayMs: delay }, 'projections wait')
    await sleep(delay, undefined, { signal }).catch(() => {})
  }

  /** After a build: the next session follows the new generations. */
  async function followAnew(built: readonly Built[]): Promise<void> {
    for (const { name, serving, poison } of built) {
      if (poison) log?.error({ projection: name, poison, serving }, `the build of ${name} halted`)
      else log?.info({ projection: name }, `${name} was built`)
      if (poison) halted.add(name)
      else halted.delete(name)
    }
    // Where Postgres is away, the next session reads them.
    checkpoints = new Map(await readCheckpoints(db).catch(() => checkpoints))
    for (const { name } of built) onAdvance?.(name, checkpoints.get(name)?.position ?? -1n)
    restart()
  }

  function buildFailed(names: readonly string[], error: unknown): void {
    log?.warn({ err: error, projections: names }, 'a build failed and will be tried again')
  }

  async function rebuild(chosen: readonly string[] | 'all', signal?: AbortSignal): Promise<readonly Built[]> {
    const names = projections.map(({ name }) => name)
    const wanted = chosen === 'all' ? names : chosen
    const unknown = wanted.filter((name) => !names.includes(name))
    if (unknown.length) throw new RangeError(`no projection ${unknown.join(', ')}; there are: ${names.join(', ')}`)
    return builds.rebuild(wanted, signal ? AbortSignal.any([signal, over.signal]) : over.signal)
  }

  async function status(): Promise<readonly ProjectionStatus[]> {
    const head = await headOf(source)
    const now = clock()
    return projections.map((projection) => {
      const checkpoint = checkpoints.get(projection.name)
      const condition = builds.conditionOf(projection.name) ?? conditionOf(projection, checkpoint)
      const isWaiting = condition.state === 'live' && waitingFor !== undefined
      return statusOf(projection, checkpoint, isWaiting ? { state: 'waiting', detail: waitingFor } : condition, head, now)
    })
  }

  return { run, rebuild, status }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
