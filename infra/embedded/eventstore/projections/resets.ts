import { readRecord } from '../storage/log.ts'
import type { Store } from '../store.ts'
import { type Reading, resetsBefore } from './chunk.ts'

/** Which streams still show what was derived before the last reset of their projection. Each is looked up once. */
export class Resets {
  readonly #store: Store
  readonly #known = new Set<string>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Answers true once; the caller hides what the stream holds then. */
  isOfBefore(name: string, { resets }: Reading): boolean {
    if (resets === 0 || this.#known.has(name)) return false
    this.#known.add(name)
    const { log, streams } = this.#store
    const { number, committed } = streams.get(name)
    if (number === undefined || committed.last < 0) return false
    return resetsBefore(readRecord(log, log.positionOf(number, committed.last)!)!) < resets
  }

  /** After another reset, or when nothing came of hiding. */
  forget(): void {
    this.#known.clear()
  }
}
