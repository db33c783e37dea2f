import type { Resolved } from '../engine/links.ts'
import type { Settings } from './settings.ts'
import type { Source } from './source.ts'

/** Messages read before others get their turn. */
const longestPage = 100

/** Where what is read goes to. */
export interface Reading {
  /** Messages that wait for their first delivery. */
  readonly buffered: number
  /** Whether there is room for a batch of history. */
  readonly acceptsBatch: boolean
  found(place: number, event: Resolved): void
  passed(place: number): void
}

/**
 * Reads the source of a group as far as there is room. While the group keeps pace it is live, and takes events as they are
 * written; when its buffer is full it falls behind, leaves events in the log, and reads them in batches once there is room.
 */
export class Intake {
  readonly #source: Source
  readonly #settings: Settings
  readonly #reading: Reading
  /** Where the source ended when this run began: what lies beyond was seen as it was written. */
  readonly #firstEnd: number
  /** The place to look at next. */
  #next: number
  #isLive = false
  /** Events since it became live. */
  #sinceLive = 0
  #lastFound: number | undefined

  constructor(source: Source, settings: Settings, reading: Reading, first: number, checkpoint: number | undefined) {
    this.#source = source
    this.#settings = settings
    this.#reading = reading
    this.#firstEnd = source.end
    this.#next = checkpoint === undefined ? first : checkpoint + 1
    this.#lastFound = checkpoint
  }

  get isLive(): boolean {
    return this.#isLive
  }

  get canGoOn(): boolean {
    return !this.#isLive && this.#reading.acceptsBatch
  }

  /** The newest place of an event of the group, as far as it is known. */
  get lastKnown(): number | undefined {
    return this.#isLive ? this.#lastFound : (this.#source.newestEvent(this.#next) ?? this.#lastFound)
  }

  /** As EventStoreDB counts it: events that came live stay in its live buffer after they were delivered, up to its size. */
  get liveBufferCount(): number {
    const unread = this.#isLive ? 0 : Math.max(0, this.#source.end - Math.max(this.#next, this.#firstEnd + 1) + 1)
    return Math.max(0, Math.min(this.#settings.liveBufferSize, this.#sinceLive + unread))
  }

  read(): void {
    let left = this.#room
    if (left > 0)
      this.#next = this.#source.scan(this.#next, this.#liveFrom, (place, event) => {
        if (event) {
          this.#reading.found(place, event)
          this.#lastFound = place
          if (this.#isLive) this.#sinceLive++
          left--
        } else this.#reading.passed(place)
        return left > 0
      })
    const isLive = this.#next > this.#source.end
    if (isLive && !this.#isLive) this.#sinceLive = 0
    this.#isLive = isLive
  }

  get #room(): number {
    const { historyBufferSize, readBatchSize } = this.#settings
    if (this.#isLive) return historyBufferSize - this.#reading.buffered
    return this.#reading.acceptsBatch ? Math.max(1, Math.min(readBatchSize, longestPage)) : 0
  }

  /** Of a group that fell behind, only so many events count as live as its live buffer would hold. */
  get #liveFrom(): number {
    if (this.#isLive) return this.#next
    return Math.max(this.#firstEnd + 1, this.#source.newest(this.#settings.liveBufferSize))
  }
}
