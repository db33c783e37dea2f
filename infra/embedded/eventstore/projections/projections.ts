import type { DerivedWrite } from '../engine/writer.ts'
import { readRecord } from '../storage/log.ts'
import type { Store } from '../store.ts'
import { type Chunk, type Reading, readChunk, resetsBefore } from './chunk.ts'
import { beginning, loadProgress, type Progress, progressMark } from './progress.ts'
import { rules } from './rules.ts'

export interface Projection extends Reading, Progress {
  readonly name: string
  /** How far it is known to have come after a crash. */
  readonly checkpoint: number
  /** Since this program started. */
  readonly eventsProcessed: number
  /** Why it cannot go on, until it is enabled again. */
  readonly fault: string | undefined
}

// Whoever appends comes first: the projections work for a quarter of the time at most, and gather what comes meanwhile.
const restPerWork = 3
const shortestRestMs = 10
const restAfterFailureMs = 1_000

/** Positions that may be looked at again after a crash because nothing was derived from their events. */
const uncheckpointed = 10_000

/**
 * The system projections. They read the log in order and append what their rules derive, together with how far they have come, in one
 * transaction: after a crash they go on exactly where they were.
 */
export class Projections {
  readonly #store: Store
  readonly #stopListening: () => void
  #all: ReadonlyMap<string, Projection>
  /** Streams of a projection that began again which hold nothing visible from before. */
  #fresh = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isWriting = false
  #isClosed = false

  constructor(store: Store) {
    this.#store = store
    this.#all = this.#load()
    this.#stopListening = store.feed.onAny(() => this.#schedule(shortestRestMs))
    this.#schedule(0)
  }

  /** While something is written, the positions are those before it. */
  list(): readonly Projection[] {
    const all = [...this.#all.values()]
    return this.#isWriting ? all.map((projection) => ({ ...projection, position: projection.checkpoint })) : all
  }

  get(name: string): Projection | undefined {
    return this.list().find((projection) => projection.name === name)
  }

  /** Where the log ends. */
  get end(): number {
    return this.#store.feed.position
  }

  /** Each change resolves once it is durable, and rejects when it was not made. */
  async enable(name: string): Promise<void> {
    const { status, fault } = this.#all.get(name)!
    if (status !== 'Running' || fault !== undefined) await this.#change(name, { status: 'Running', fault: undefined })
  }

  async enableAll(): Promise<void> {
    await Promise.all(Object.keys(rules).map((name) => this.enable(name)))
  }

  disable(name: string, status: 'Stopped' | 'Aborted'): Promise<void> {
    return this.#change(name, { status })
  }

  /** Begins again at the start of the log: what it derived before is hidden as it is derived anew. */
  async reset(name: string): Promise<void> {
    this.#fresh = new Set()
    await this.#change(name, { position: 0, resets: this.#all.get(name)!.resets + 1 })
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening()
    clearTimeout(this.#timer)
  }

  #load(): ReadonlyMap<string, Projection> {
    const stored = loadProgress(this.#store.log)
    const known = Object.entries(rules).map(([name, rule], index): [string, Projection] => {
      const progress = stored[name] ?? beginning
      const former = this.#all?.get(name)
      const { eventsProcessed = 0, fault } = former ?? {}
      return [name, { ...progress, name, rule, number: index + 1, checkpoint: progress.position, eventsProcessed, fault }]
    })
    return new Map(known)
  }

  async #change(name: string, change: Partial<Projection>): Promise<void> {
    await this.#write([], [{ ...this.#all.get(name)!, ...change }])
    this.#schedule(shortestRestMs)
  }

  /** Makes events and the progress that goes with them durable. Rejects when nothing of it was stored, and goes on from what is. */
  #write(derived: readonly DerivedWrite[], changed: readonly Projection[]): Promise<void> {
    this.#set(changed)
    return new Promise((resolve, reject) =>
      this.#store.writer.appendDerived(derived, [progressMark(this.#all.values())], (outcome) => {
        if (outcome.kind !== 'failed') {
          this.#set(changed.map(({ name, position }) => ({ ...this.#all.get(name)!, checkpoint: position })))
          return resolve()
        }
        this.#all = this.#load()
        this.#fresh.clear()
        reject(outcome.error)
      }),
    )
  }

  #set(changed: readonly Projection[]): void {
    this.#all = new Map([...this.#all, ...changed.map((projection) => [projection.name, projection] as const)])
  }

  #schedule(restMs: number): void {
    if (this.#timer || this.#isWriting || this.#isClosed || this.#behind().length === 0) return
    this.#timer = setTimeout(() => this.#work(), restMs)
  }

  #behind(): readonly Projection[] {
    return this.list().filter(({ status, fault, position }) => status === 'Running' && fault === undefined && position < this.end)
  }

  async #work(): Promise<void> {
    this.#timer = undefined
    const started = performance.now()
    const written = this.#advance(this.#behind())
    const workMs = performance.now() - started
    this.#isWriting = true
    const isStored = await written.then(yes, no)
    this.#isWriting = false
    this.#schedule(isStored ? Math.max(shortestRestMs, workMs * restPerWork) : restAfterFailureMs)
  }

  /** Reads on, and writes what comes of it. */
  async #advance(behind: readonly Projection[]): Promise<void> {
    const chunk = this.#read(behind)
    if (!chunk) return
    const { position, count } = chunk
    const advanced = behind.map((projection) =>
      projection.position < position
        ? { ...projection, position, eventsProcessed: projection.eventsProcessed + count }
        : projection,
    )
    if (chunk.derived.size > 0 || advanced.some(({ checkpoint }) => position - checkpoint >= uncheckpointed))
      await this.#write(this.#writesOf(chunk), advanced)
    else this.#set(advanced)
  }

  /** A damaged record ends those that would have to read it, and says so. */
  #read(behind: readonly Projection[]): Chunk | undefined {
    if (behind.length === 0) return undefined
    try {
      return readChunk(this.#store, behind, this.end)
    } catch (error) {
      this.#set(behind.map((projection) => ({ ...projection, fault: (error as Error).message })))
      return undefined
    }
  }

  #writesOf({ derived }: Chunk): DerivedWrite[] {
    return [...derived].map(([stream, { by, events }]) => ({
      stream,
      events,
      isFresh: by.resets > 0 && this.#isOfBefore(stream, by),
    }))
  }

  /** Whether a stream still shows what was derived before the last reset. */
  #isOfBefore(name: string, { resets }: Reading): boolean {
    if (this.#fresh.has(name)) return false
    this.#fresh.add(name)
    const { number, committed } = this.#store.streams.get(name)
    if (number === undefined || committed.last < 0) return false
    const newest = readRecord(this.#store.log, this.#store.log.positionOf(number, committed.last)!)!
    return resetsBefore(newest) < resets
  }
}

const yes = () => true
const no = () => false
