import type { StoredRecord } from '../storage/record.ts'
import type { ParkedMessages, ParkedRange } from './parked.ts'

/**
 * The replay of parked messages: reads them as there is room, then takes them out of the parked stream, and notes there
 * that some are not done until they are.
 */
export class Replay {
  readonly #parked: ParkedMessages
  #range: ParkedRange | undefined
  #next = 0
  /** Revisions that were read and are not done, in order. */
  readonly #open = new Set<number>()
  /** What was taken out lies below this. */
  #takenOut = 0
  #noted: 'nothing' | 'all done' | 'some open' | 'failed' = 'nothing'

  /** Goes on with what a crash interrupted. */
  constructor(parked: ParkedMessages) {
    this.#parked = parked
    const { interrupted } = parked
    if (interrupted) this.#begin(interrupted)
  }

  get isReading(): boolean {
    return this.#range !== undefined
  }

  /** Replays what is parked now, up to a revision (exclusive). While a replay reads, another one changes nothing. */
  start(stopAt: number | undefined): void {
    if (this.#range) return
    const { from, to } = this.#parked.range
    const range = { from: Math.max(from, this.#takenOut), to: Math.min(to, stopAt ?? to) }
    if (range.from < range.to) this.#begin(range)
  }

  /** Reads on, so many messages at most. */
  read(room: number, take: (revision: number, link: StoredRecord) => void): void {
    const range = this.#range
    if (!range || room <= 0) return
    let left = room
    this.#parked.scan({ from: this.#next, to: range.to }, (revision, link) => {
      this.#next = revision + 1
      this.#open.add(revision)
      take(revision, link)
      return --left > 0
    })
    if (left > 0 || this.#next >= range.to) this.#finish(range)
  }

  done(revision: number): void {
    this.#open.delete(revision)
    if (this.#open.size === 0 && !this.#range && this.#noted === 'some open') this.#note()
  }

  /** Tries again what could not be stored. */
  check(): void {
    if (this.#noted === 'failed') this.#note()
  }

  #begin(range: ParkedRange): void {
    this.#range = range
    this.#next = range.from
  }

  #finish({ to }: ParkedRange): void {
    this.#range = undefined
    this.#takenOut = to
    this.#note()
  }

  #note(): void {
    const [first] = this.#open
    this.#noted = first === undefined ? 'all done' : 'some open'
    this.#parked.truncate(this.#takenOut, first, (error) => {
      if (error) this.#noted = 'failed'
    })
  }
}
