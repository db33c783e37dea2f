import { Column } from './column.ts'
import { tombstoneRevision } from './record.ts'
import { StreamNames } from './stream-names.ts'
import { StreamPositions } from './stream-positions.ts'

/** What the index knows of a record: 0 for a position without an event, else the number of its stream, `tombstoned` added for a tombstone; or `marked`. */
export type Owner = number
export const marked = 2 ** 32 - 1
export const tombstoned = 2 ** 31

/**
 * Where everything is: the place of each position in the file, and the position of each revision of each stream. All of it
 * follows from the log. About twelve bytes of memory an event and thirty a stream.
 */
export class LogIndex {
  readonly names = new StreamNames()
  readonly #positions = new StreamPositions()
  readonly #tombstones = new Map<number, number>()
  /** Where the record at each position begins; the first position is 1. */
  readonly #starts = new Column('float64')
  readonly #marks = new Column('uint32')
  #end: number

  constructor(start: number) {
    this.#end = start
  }

  /** Behind the last record. */
  get end(): number {
    return this.#end
  }

  get nextPosition(): number {
    return this.#starts.length + 1
  }

  has(position: number): boolean {
    return position >= 1 && position <= this.#starts.length
  }

  /** The first byte of the record at a position that is there, or the end of the log for the one behind it. */
  start(position: number): number {
    return position > this.#starts.length ? this.#end : this.#starts.get(position - 1)
  }

  /** The last position, from one to another, whose record ends within so many bytes; the first in any case. */
  lastWithin(from: number, to: number, bytes: number): number {
    const start = this.start(from)
    let position = from
    while (position < to && this.start(position + 2) - start <= bytes) position++
    return position
  }

  /** The same backwards: the first position, from one down to another. */
  firstWithin(low: number, from: number, bytes: number): number {
    const end = this.start(from + 1)
    let position = from
    while (position > low && end - this.start(position - 1) <= bytes) position--
    return position
  }

  /** Whether the record may come next: its stream is known or the next new one, and goes on. */
  accepts(owner: Owner): boolean {
    const stream = streamOfOwner(owner)
    return stream <= this.names.count + 1 && !this.#tombstones.has(stream)
  }

  /** Adds the next record; a new stream needs the digest of its name. */
  add(size: number, owner: Owner, digest: () => number): void {
    const position = this.nextPosition
    const stream = streamOfOwner(owner)
    if (stream > this.names.count) {
      this.names.add(digest())
      this.#positions.addStream()
    }
    if (owner === marked) this.#marks.push(position)
    else if (owner >= tombstoned) this.#tombstones.set(stream, position)
    else if (owner > 0) this.#positions.add(stream - 1, position)
    this.#starts.push(this.#end)
    this.#end += size
  }

  /** The positions of marks, the newest first. */
  *marksBackwards(): Generator<number> {
    for (let at = this.#marks.length - 1; at >= 0; at--) yield this.#marks.get(at)
  }

  /** How many events a stream has; a tombstone does not count. */
  count(stream: number): number {
    return stream >= 1 && stream <= this.names.count ? this.#positions.count(stream - 1) : 0
  }

  positionOf(stream: number, revision: number): number | undefined {
    if (revision === tombstoneRevision) return this.#tombstones.get(stream)
    return revision >= 0 && revision < this.count(stream) ? this.#positions.get(stream - 1, revision) : undefined
  }

  /** The position of the first record of a stream, which has its name. */
  firstOf(stream: number): number {
    return (this.positionOf(stream, 0) ?? this.#tombstones.get(stream))!
  }

  /** Calls `visit` with the revisions from one to the other, in either direction, until it answers false. */
  scan(stream: number, from: number, to: number, reverse: boolean, visit: (revision: number, position: number) => boolean): void {
    const low = Math.max(from, 0)
    const high = Math.min(to, this.count(stream) - 1)
    const tombstone = to >= tombstoneRevision ? this.#tombstones.get(stream) : undefined
    if (reverse && tombstone !== undefined && !visit(tombstoneRevision, tombstone)) return
    if (low <= high && !(reverse ? this.#down(stream, low, high, visit) : this.#up(stream, low, high, visit))) return
    if (!reverse && tombstone !== undefined) visit(tombstoneRevision, tombstone)
  }

  #up(stream: number, low: number, high: number, visit: (revision: number, position: number) => boolean): boolean {
    for (let next = low; next <= high; ) {
      const { from, to, chunk, at } = this.#positions.run(stream - 1, next)
      for (const end = Math.min(to, high + 1); next < end; next++) if (!visit(next, chunk[at + next - from]!)) return false
    }
    return true
  }

  #down(stream: number, low: number, high: number, visit: (revision: number, position: number) => boolean): boolean {
    for (let next = high; next >= low; ) {
      const { from, chunk, at } = this.#positions.run(stream - 1, next)
      for (const end = Math.max(from, low); next >= end; next--) if (!visit(next, chunk[at + next - from]!)) return false
    }
    return true
  }
}

export const streamOfOwner = (owner: Owner) => (owner === marked ? 0 : owner >= tombstoned ? owner - tombstoned : owner)
