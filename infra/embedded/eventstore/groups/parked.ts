import { firstVisible } from '../engine/limits.ts'
import { readRecord } from '../storage/log.ts'
import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import type { Message } from './message.ts'
import { placeText } from './place.ts'
import { parkedStream, write } from './system-stream.ts'

const administrators = { $r: '$admins', $w: '$admins', $d: '$admins', $mr: '$admins', $mw: '$admins' }

/** Revisions of the parked stream. */
export interface ParkedRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** The messages that a group gave up on, as links in a stream. */
export class ParkedMessages {
  readonly #store: Store
  readonly #stream: string

  constructor(store: Store, key: string) {
    this.#store = store
    this.#stream = parkedStream(key)
  }

  /** What there is now, without what was replayed. */
  get range(): ParkedRange {
    const { committed, limits } = this.#store.streams.get(this.#stream)
    const to = committed.last + 1
    return { from: Math.min(firstVisible(limits, committed.last), to), to }
  }

  get count(): number {
    const { from, to } = this.range
    return to - from
  }

  /** What a replay had taken out and a crash kept from being delivered. */
  get interrupted(): ParkedRange | undefined {
    const { metadata, limits } = this.#store.streams.get(this.#stream).metadata.committed
    if (metadata.length === 0 || limits.softDeleted) return undefined
    try {
      const { $tb: to, replayingFrom: from } = JSON.parse(metadata.toString('utf8'))
      return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to ? { from, to } : undefined
    } catch {
      return undefined
    }
  }

  park(message: Message, reason: string, answer: (error?: Error) => void): void {
    const { log } = this.#store
    const event = message.event === undefined ? undefined : readRecord(log, message.event)!
    const link = message.link === undefined ? undefined : readRecord(log, message.link)!
    const { revision } = (link ?? event)!
    const data = event ? Buffer.from(`${placeText(event.stream, event.revision)}@${event.stream}`) : link!.data
    const why = { added: new Date().toISOString(), reason, ...(revision > 0 && { subscriptionEventNumber: revision }) }
    const metadata = Buffer.from(JSON.stringify(why))
    write(this.#store, this.#stream, [{ type: '$>', isJson: false, data, metadata }], answer)
  }

  /** Goes through parked links, those that were replayed before included. */
  scan({ from, to }: ParkedRange, take: (revision: number, link: StoredRecord) => boolean): void {
    const { log, streams } = this.#store
    const { number } = streams.get(this.#stream)
    if (number === undefined || from >= to) return
    log.scanStream(number, from, to - 1, false, (revision, position) => take(revision, new StoredRecord(log.record(position)!)))
  }

  /**
   * Takes messages out: those below a revision. `replayingFrom` is the first of them that is not done yet, so that a crash
   * between taking out and delivering loses nothing.
   */
  truncate(before: number, replayingFrom: number | undefined, answer: (error?: Error) => void): void {
    const data = Buffer.from(JSON.stringify({ $tb: before, $acl: administrators, replayingFrom }))
    write(this.#store, `$$${this.#stream}`, [{ type: '$metadata', isJson: true, data }], answer)
  }
}
