import { delimitedSize, ProtoReader, varintSize, writeDelimited, writeNumber } from '../../../../adapters/eventstore/protobuf.ts'
import { headerSize } from './header.ts'

/**
 * A stored record is a header (`header.ts`) and the `RecordedEvent` message that readers get, with its fields in this order: id
 * (text form), stream, revision, prepare, commit, metadata type, created, content-type, custom metadata, data. Reading an event
 * is then one copy.
 */
export const recordPrefix = headerSize

/** The revision of a tombstone, MAXI64, has no exact number; this stands for it everywhere in memory. */
export const tombstoneRevision = 2 ** 63
const tombstoneRevisionBytes = Buffer.from('18ffffffffffffffff7f', 'hex')

/** The id field: two tags with lengths, and 36 characters. */
export const idFieldSize = 40
const idStart = recordPrefix + 4
const idEnd = recordPrefix + idFieldSize
const typeKey = Buffer.from('type')
const createdKey = Buffer.from('created')
const contentTypeKey = Buffer.from('content-type')
const jsonType = 'application/json'
const json = Buffer.from(jsonType)
const octets = Buffer.from('application/octet-stream')

export interface NewRecord {
  /** Canonical lower-case UUID. */
  readonly id: string
  readonly stream: Buffer
  readonly revision: number
  readonly position: number
  readonly type: Buffer
  readonly isJson: boolean
  /** Milliseconds since 1970, the server's clock. */
  readonly created: number
  readonly metadata: Buffer
  readonly data: Buffer
}

/** A record whose header is still empty. */
export function encodeRecord(record: NewRecord): Buffer {
  const { revision, position, stream, type, metadata, data } = record
  const contentType = record.isJson ? json : octets
  const created = `${record.created}0000` // in ticks of 100 ns
  const isTombstone = revision === tombstoneRevision
  const size =
    recordPrefix +
    idFieldSize +
    delimitedSize(delimitedSize(stream.length)) +
    (isTombstone ? tombstoneRevisionBytes.length : 1 + varintSize(revision)) +
    2 * (1 + varintSize(position)) +
    entrySize(typeKey, type.length) +
    entrySize(createdKey, created.length) +
    entrySize(contentTypeKey, contentType.length) +
    (metadata.length > 0 ? delimitedSize(metadata.length) : 0) +
    (data.length > 0 ? delimitedSize(data.length) : 0)
  const bytes = Buffer.allocUnsafe(size)
  let at = recordPrefix
  at = writeDelimited(bytes, at, 1, idFieldSize - 2)
  at = writeDelimited(bytes, at, 2, record.id.length)
  at += bytes.write(record.id, at, 'latin1')
  at = writeDelimited(bytes, at, 2, delimitedSize(stream.length))
  at = writeDelimited(bytes, at, 3, stream.length)
  at += stream.copy(bytes, at)
  at = isTombstone ? at + tombstoneRevisionBytes.copy(bytes, at) : writeNumber(bytes, at, 3, revision)
  at = writeNumber(bytes, at, 4, position)
  at = writeNumber(bytes, at, 5, position)
  at = writeEntry(bytes, at, typeKey, type.length)
  at += type.copy(bytes, at)
  at = writeEntry(bytes, at, createdKey, created.length)
  at += bytes.write(created, at, 'latin1')
  at = writeEntry(bytes, at, contentTypeKey, contentType.length)
  at += contentType.copy(bytes, at)
  if (metadata.length > 0) {
    at = writeDelimited(bytes, at, 7, metadata.length)
    at += metadata.copy(bytes, at)
  }
  if (data.length > 0) {
    at = writeDelimited(bytes, at, 8, data.length)
    data.copy(bytes, at)
  }
  return bytes
}

const entrySize = (key: Buffer, length: number) => delimitedSize(delimitedSize(key.length) + delimitedSize(length))

function writeEntry(target: Buffer, at: number, key: Buffer, length: number): number {
  at = writeDelimited(target, at, 6, delimitedSize(key.length) + delimitedSize(length))
  at = writeDelimited(target, at, 1, key.length)
  at += key.copy(target, at)
  return writeDelimited(target, at, 2, length)
}

/** A stored record taken apart: where its parts lie is found in one pass, and they are decoded when asked for. */
export class StoredRecord {
  readonly bytes: Buffer
  readonly revision: number
  readonly position: number
  readonly #name: Span
  readonly #entries: Span[] = []
  readonly #metadata: Span
  readonly #data: Span

  constructor(bytes: Buffer) {
    const reader = new ProtoReader(bytes, recordPrefix + idFieldSize)
    let [revision, position] = [0, 0]
    let [name, metadata, data] = [nowhere, nowhere, nowhere]
    while (reader.next()) {
      if (reader.field === 2) name = afterLength(bytes, reader.span(), 1)
      else if (reader.field === 3) revision = reader.varint()
      else if (reader.field === 5) position = reader.varint()
      else if (reader.field === 6) this.#entries.push(reader.span())
      else if (reader.field === 7) metadata = reader.span()
      else if (reader.field === 8) data = reader.span()
      else reader.skip()
    }
    this.bytes = bytes
    this.revision = revision
    this.position = position
    this.#name = name
    this.#metadata = metadata
    this.#data = data
  }

  get id(): string {
    return this.bytes.toString('latin1', idStart, idEnd)
  }

  get stream(): string {
    return this.#text(this.#name)
  }

  get type(): string {
    return this.#text(this.#value(0))
  }

  /** Milliseconds since 1970. */
  get created(): number {
    return Number(this.#text(this.#value(1)).slice(0, -4))
  }

  get isJson(): boolean {
    return this.#text(this.#value(2)) === jsonType
  }

  get metadata(): Buffer {
    return this.bytes.subarray(...this.#metadata)
  }

  get data(): Buffer {
    return this.bytes.subarray(...this.#data)
  }

  streamStartsWith(prefix: Buffer): boolean {
    return this.#startsWith(this.#name, prefix)
  }

  typeStartsWith(prefix: Buffer): boolean {
    return this.#startsWith(this.#value(0), prefix)
  }

  #startsWith([start, end]: Span, prefix: Buffer): boolean {
    if (prefix.length > end - start) return false
    for (let at = 0; at < prefix.length; at++) if (this.bytes[start + at] !== prefix[at]) return false
    return true
  }

  #text([start, end]: Span): string {
    return this.bytes.toString('utf8', start, end)
  }

  /** The value of one of the three metadata entries, whose keys are shorter than 128 bytes. */
  #value(entry: number): Span {
    const span = this.#entries[entry]!
    return afterLength(this.bytes, span, 3 + this.bytes[span[0] + 1]!)
  }
}

/** Start and end within the bytes of a record. */
type Span = readonly [start: number, end: number]

const nowhere: Span = [0, 0]

/** What is left of a span behind the length at an offset in it. */
function afterLength(bytes: Buffer, [start, end]: Span, offset: number): Span {
  let at = start + offset
  while (bytes[at]! >= 0x80) at++
  return [at + 1, end]
}

const dollar = 0x24

/** Whether a record's stream is one of the system, without taking the record apart. */
export function isOfSystem(record: Buffer): boolean {
  let at = recordPrefix + idFieldSize + 1
  while (record[at]! >= 0x80) at++
  at += 2
  while (record[at]! >= 0x80) at++
  return record[at + 1] === dollar
}

/** The id of a record's event, without taking the record apart. */
export const recordId = (record: Buffer) => record.toString('latin1', idStart, idEnd)
