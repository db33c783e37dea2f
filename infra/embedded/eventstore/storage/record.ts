import { crc32 } from 'node:zlib'
import { delimitedSize, ProtoReader, varintSize, writeDelimited, writeNumber } from '../wire/protobuf.ts'

/**
 * A stored record is one format byte, a CRC-32 of what follows, and the `RecordedEvent` message that readers get, with its
 * fields in this order: id (text form), stream, revision, prepare, commit, metadata type, created, content-type, custom metadata, data.
 * Reading an event is then one copy.
 */
export const recordPrefix = 5
const format = 1

/** The revision of a tombstone, MAXI64, has no exact number; this stands for it everywhere in memory. */
export const tombstoneRevision = 2 ** 63
const tombstoneRevisionBytes = Buffer.from('18ffffffffffffffff7f', 'hex')

const idFieldSize = 40
const typeKey = Buffer.from('type')
const createdKey = Buffer.from('created')
const contentTypeKey = Buffer.from('content-type')
const json = Buffer.from('application/json')
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

export class CorruptRecord extends Error {}

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
  bytes[0] = format
  bytes.writeUInt32LE(crc32(bytes.subarray(recordPrefix)), 1)
  return bytes
}

const entrySize = (key: Buffer, length: number) => delimitedSize(delimitedSize(key.length) + delimitedSize(length))

function writeEntry(target: Buffer, at: number, key: Buffer, length: number): number {
  at = writeDelimited(target, at, 6, delimitedSize(key.length) + delimitedSize(length))
  at = writeDelimited(target, at, 1, key.length)
  at += key.copy(target, at)
  return writeDelimited(target, at, 2, length)
}

/** Throws CorruptRecord unless the bytes are what was written. */
export function checkRecord(bytes: Buffer, position: number): void {
  if (bytes.length <= recordPrefix || bytes[0] !== format || crc32(bytes.subarray(recordPrefix)) !== bytes.readUInt32LE(1))
    throw new CorruptRecord(`the record at position ${position} is damaged`)
}

/** The parts of a stored record, found in one pass and decoded only when asked for. */
export class StoredRecord {
  /** The `RecordedEvent` message as it goes over the wire. */
  readonly event: Buffer
  readonly position: number
  readonly revision: number
  readonly #name: Buffer
  readonly #entries: Buffer[] = []
  readonly metadata: Buffer
  readonly data: Buffer

  constructor(bytes: Buffer) {
    this.event = bytes.subarray(recordPrefix)
    const reader = new ProtoReader(this.event, idFieldSize)
    let name: Buffer = this.event
    let revision = 0
    let position = 0
    let metadata: Buffer | undefined
    let data: Buffer | undefined
    while (reader.next()) {
      switch (reader.field) {
        case 2:
          name = reader.bytes()
          break
        case 3:
          revision = reader.varint()
          break
        case 5:
          position = reader.varint()
          break
        case 6:
          this.#entries.push(reader.bytes())
          break
        case 7:
          metadata = reader.bytes()
          break
        case 8:
          data = reader.bytes()
          break
        default:
          reader.skip()
      }
    }
    this.#name = name
    this.revision = revision
    this.position = position
    this.metadata = metadata ?? nothing
    this.data = data ?? nothing
  }

  get id(): string {
    return this.event.toString('latin1', 4, idFieldSize)
  }

  /** The stream's name as bytes. */
  get streamBytes(): Buffer {
    return afterLength(this.#name, 1)
  }

  get stream(): string {
    return this.streamBytes.toString('utf8')
  }

  get typeBytes(): Buffer {
    return entryValue(this.#entries[0]!)
  }

  get type(): string {
    return this.typeBytes.toString('utf8')
  }

  /** Milliseconds since 1970. */
  get created(): number {
    return Number(entryValue(this.#entries[1]!).toString('latin1').slice(0, -4))
  }

  get isJson(): boolean {
    return entryValue(this.#entries[2]!).equals(json)
  }
}

const nothing = Buffer.alloc(0)

/** What follows a tag and a length that start at `at - 1`. */
function afterLength(bytes: Buffer, at: number): Buffer {
  while (bytes[at]! >= 0x80) at++
  return bytes.subarray(at + 1)
}

/** The value of a map entry whose key is shorter than 128 bytes. */
const entryValue = (entry: Buffer) => afterLength(entry, 2 + entry[1]! + 1)
