import { delimitedSize, encodeMessage, varintSize, writeDelimited, writeNumber } from '../../../../adapters/eventstore/protobuf.ts'
import { framePrefix, writeFramePrefix } from '../grpc/frames.ts'
import { idFieldSize, recordId, recordPrefix } from '../storage/record.ts'
import { uuidHalves } from './uuid.ts'

/** A page is sent when it has this many bytes: most of a client's window, and little enough for a thousand slow readers. */
const fullBytes = 48 * 1024
const smallestBytes = 1024

export type UuidForm = 'string' | 'structured'

/** Answers of a read, framed and ready for the network, collected so that many travel in one write. */
export class Page {
  readonly #uuids: UuidForm
  #bytes = Buffer.allocUnsafeSlow(smallestBytes)
  #length = 0

  constructor(uuids: UuidForm) {
    this.#uuids = uuids
  }

  get isFull(): boolean {
    return this.#length >= fullBytes
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** The bytes collected so far, which are the caller's from now on. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    // The next page will be like this one: large in a history, small when events come one by one.
    const size = Math.min(Math.max(smallestBytes, this.#length * 2), fullBytes + fullBytes / 4)
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#length = 0
    return taken
  }

  /** An event: the stored record, with the link that led to it, or the link alone when it leads nowhere. */
  event(event: Buffer | undefined, link: Buffer | undefined, position: number): void {
    const eventSize = event && this.#recordSize(event)
    const linkSize = link && this.#recordSize(link)
    const read =
      (eventSize === undefined ? 0 : delimitedSize(eventSize)) +
      (linkSize === undefined ? 0 : delimitedSize(linkSize)) +
      1 +
      varintSize(position)
    let at = this.#begin(delimitedSize(read))
    const bytes = this.#bytes
    at = writeDelimited(bytes, at, 1, read)
    if (event) at = this.#writeRecord(writeDelimited(bytes, at, 1, eventSize!), event)
    if (link) at = this.#writeRecord(writeDelimited(bytes, at, 2, linkSize!), link)
    this.#length = writeNumber(bytes, at, 3, position)
  }

  /** A message of a group. An event that a link led to carries the link's positions. */
  delivery(event: Buffer | undefined, link: Buffer | undefined, position: number, retries: number): void {
    const positions = link ? 2 * (1 + varintSize(position)) : 0
    const eventSize = event && this.#recordSize(event) + positions
    const linkSize = link && this.#recordSize(link)
    const read =
      (eventSize === undefined ? 0 : delimitedSize(eventSize)) +
      (linkSize === undefined ? 0 : delimitedSize(linkSize)) +
      (1 + varintSize(position)) +
      (1 + varintSize(retries))
    let at = this.#begin(delimitedSize(read))
    const bytes = this.#bytes
    at = writeDelimited(bytes, at, 1, read)
    if (event) {
      at = this.#writeRecord(writeDelimited(bytes, at, 1, eventSize!), event)
      // Of a field that comes twice, the last value counts.
      if (link) at = writeNumber(bytes, writeNumber(bytes, at, 4, position), 5, position)
    }
    if (link) at = this.#writeRecord(writeDelimited(bytes, at, 2, linkSize!), link)
    this.#length = writeNumber(bytes, writeNumber(bytes, at, 3, position), 5, retries)
  }

  confirmation(subscription: string): void {
    const name = Buffer.from(subscription)
    let at = this.#begin(delimitedSize(delimitedSize(name.length)))
    at = writeDelimited(this.#bytes, at, 2, delimitedSize(name.length))
    at = writeDelimited(this.#bytes, at, 1, name.length)
    this.#length = at + name.copy(this.#bytes, at)
  }

  checkpoint(commit: number, prepare: number): void {
    const size = 2 + varintSize(commit) + varintSize(prepare)
    let at = this.#begin(delimitedSize(size))
    at = writeDelimited(this.#bytes, at, 3, size)
    at = writeNumber(this.#bytes, at, 1, commit)
    this.#length = writeNumber(this.#bytes, at, 2, prepare)
  }

  streamNotFound(stream: string): void {
    const name = Buffer.from(stream)
    const identifier = delimitedSize(name.length)
    let at = this.#begin(delimitedSize(delimitedSize(identifier)))
    at = writeDelimited(this.#bytes, at, 4, delimitedSize(identifier))
    at = writeDelimited(this.#bytes, at, 1, identifier)
    at = writeDelimited(this.#bytes, at, 3, name.length)
    this.#length = at + name.copy(this.#bytes, at)
  }

  firstStreamPosition(revision: number): void {
    const at = this.#begin(1 + varintSize(revision))
    this.#length = writeNumber(this.#bytes, at, 5, revision)
  }

  lastStreamPosition(revision: number): void {
    const at = this.#begin(1 + varintSize(revision))
    this.#length = writeNumber(this.#bytes, at, 6, revision)
  }

  caughtUp(): void {
    const at = this.#begin(2)
    this.#length = writeDelimited(this.#bytes, at, 8, 0)
  }

  /** Makes room for a message, which may be in other bytes than before; writes the prefix of its frame; answers where the message goes. */
  #begin(size: number): number {
    const end = this.#length + framePrefix + size
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    writeFramePrefix(this.#bytes, this.#length, size)
    return this.#length + framePrefix
  }

  #recordSize(record: Buffer): number {
    const size = record.length - recordPrefix
    return this.#uuids === 'string' ? size : size - idFieldSize + structuredIdSize(record)
  }

  #writeRecord(at: number, record: Buffer): number {
    if (this.#uuids === 'string') return at + record.copy(this.#bytes, at, recordPrefix)
    const id = structuredId(record)
    at += id.copy(this.#bytes, at)
    return at + record.copy(this.#bytes, at, recordPrefix + idFieldSize)
  }
}

const structuredIdSize = (record: Buffer) => structuredId(record).length

/** The id field of a record with the id as two numbers. */
function structuredId(record: Buffer): Buffer {
  const [high, low] = uuidHalves(recordId(record))
  return encodeMessage([1, encodeMessage([1, encodeMessage([1, high], [2, low])])])
}
