import type { DerivedWrite } from '../engine/writer.ts'
import type { Store } from '../store.ts'
import { type Chunk, readChunk } from './chunk.ts'
import { Ledger, type Projection } from './ledger.ts'
import { Resets } from './resets.ts'

// Whoever appends comes first: while others write, the projections work for a tenth of the time at most, and gather what comes meanwhile.
const restWhileBusy = 9
/** Positions that the log may grow by between two works without counting as that. */
const quietly = 8
/** What is written within this time after the first is worked on together. */
const gatheringMs = 20
const restAfterFailureMs = 1_000

/** Positions that may be looked at again after a crash because nothing was derived from their events. */
const uncheckpointed = 10_000

/**
 * The system projections. They read the log in order and append what their rules derive, together with how far they have come, in one
 * transaction: after a crash they go on exactly where they were.
 */
export class Projections {
  readonly #store: Store
  readonly #ledger: Ledger
  readonly #resets: Resets
  readonly #stopListening: () => void
  /** Where the log ended when the last work began, and how many events that added. */
  #last = { end: 0, added: 0 }
  #timer: NodeJS.Timeout | undefined
  #isWriting = false
  #isClosed = false

  constructor(store: Store) {
    this.#store = store
    this.#ledger = new Ledger(store)
    this.#resets = new Resets(store)
    this.#stopListening = store.feed.onAny(() => this.#schedule(gatheringMs))
    this.#schedule(0)
  }

  /** While something is written, the positions are those before it. */
  list(): readonly Projection[] {
    const all = this.#ledger.list()
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
    const { status, fault } = this.#ledger.get(name)
    if (status !== 'Running' || fault !== undefined) await this.#change(name, { status: 'Running', fault: undefined })
  }

  async enableAll(): Promise<void> {
    await Promise.all(this.list().map(({ name }) => this.enable(name)))
  }

  disable(name: string, status: 'Stopped' | 'Aborted'): Promise<void> {
    return this.#change(name, { status })
  }

  /** Begins again at the start of the log: what it derived before is hidden as it is derived anew. */
  async reset(name: string): Promise<void> {
    this.#resets.forget()
    await this.#change(name, { position: 0, resets: this.#ledger.get(name).resets + 1 })
  }

  close(): void {
    this.#isClosed = true
    this.#stopListening()
    clearTimeout(this.#timer)
  }

  async #change(name: string, change: Partial<Projection>): Promise<void> {
    await this.#ledger.write([], [{ ...this.#ledger.get(name), ...change }])
    this.#schedule(gatheringMs)
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
    const isBusy = this.end - this.#last.end - this.#last.added > quietly
    this.#last = { end: this.end, added: 0 }
    const started = performance.now()
    const written = this.#advance(this.#behind())
    const workMs = performance.now() - started
    this.#isWriting = true
    const isStored = await written.then(yes, no)
    this.#isWriting = false
    if (!isStored) this.#resets.forget()
    const restMs = isBusy ? Math.max(gatheringMs, workMs * restWhileBusy) : workMs
    this.#schedule(isStored ? restMs : restAfterFailureMs)
  }

  /** Reads on, and writes what comes of it. */
  async #advance(behind: readonly Projection[]): Promise<void> {
    const derived = this.#derive(behind)
    if (!derived) return
    const { position, count, writes } = derived
    const advanced = behind.map((projection) =>
      projection.position < position
        ? { ...projection, position, eventsProcessed: projection.eventsProcessed + count }
        : projection,
    )
    const isDue = writes.length > 0 || advanced.some(({ checkpoint }) => position - checkpoint >= uncheckpointed)
    if (isDue) await this.#ledger.write(writes, advanced)
    else this.#ledger.set(advanced)
  }

  /** A damaged record ends those that would have to read it, and says so. */
  #derive(behind: readonly Projection[]): { position: number; count: number; writes: readonly DerivedWrite[] } | undefined {
    if (behind.length === 0) return undefined
    try {
      const chunk = readChunk(this.#store, behind, this.end)
      return { ...chunk, writes: this.#writesOf(chunk) }
    } catch (error) {
      this.#ledger.set(behind.map((projection) => ({ ...projection, fault: (error as Error).message })))
      return undefined
    }
  }

  #writesOf({ derived }: Chunk): DerivedWrite[] {
    for (const { events } of derived.values()) this.#last.added += events.length
    return Array.from(derived, ([stream, { by, events }]) => ({ stream, events, isFresh: this.#resets.isOfBefore(stream, by) }))
  }
}

const yes = () => true
const no = () => false
