import streams, { type BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js'
import type { ExpectedRevision, NewEvent } from '../../commands/ports.ts'
import { delimitedSize, ProtoReader, uint64Field, varintSize, writeDelimited, writeNumber } from './protobuf.ts'

// The two messages that every command waits for, `BatchAppendReq` and `BatchAppendResp` of EventStoreDB's streams.proto. The generated
// classes take ten times as long; they still read whatever is no success.

const uuidLength = 36
const idSize = delimitedSize(uuidLength)
const typeKey = Buffer.from('type')
const contentType = mapEntry(Buffer.from('content-type'), Buffer.from('application/json'))

/** An event as bytes, and how many its message takes. */
interface Encoded {
  readonly id: string
  readonly type: Buffer
  readonly metadata: Buffer
  readonly data: Buffer
  readonly size: number
}

/** The whole request for one append, in one message. Only JSON events; ids are canonical UUIDs. */
export function appendRequest(
  correlationId: string,
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): Buffer {
  const name = Buffer.from(stream)
  const encoded = events.map(encode)
  const streamSize = delimitedSize(name.length)
  const optionsSize = delimitedSize(streamSize) + (expected === 'no_stream' ? 2 : 1 + varintSize(expected))
  const eventsSize = encoded.reduce((sum, { size }) => sum + delimitedSize(size), 0)
  const bytes = Buffer.allocUnsafe(delimitedSize(idSize) + delimitedSize(optionsSize) + eventsSize + 2)

  let at = writeId(bytes, 0, correlationId)
  at = writeDelimited(bytes, at, 2, optionsSize)
  at = writeDelimited(bytes, at, 1, streamSize)
  at = writeBytes(bytes, at, 3, name)
  at = expected === 'no_stream' ? writeDelimited(bytes, at, 3, 0) : writeNumber(bytes, at, 2, expected)
  for (const event of encoded) at = writeEvent(bytes, at, event)
  writeNumber(bytes, at, 4, 1) // it is final
  return bytes
}

function encode({ id, type, data, metadata }: NewEvent): Encoded {
  const bytes = {
    type: mapEntry(typeKey, Buffer.from(type)),
    metadata: Buffer.from(JSON.stringify(metadata)),
    data: Buffer.from(JSON.stringify(data)),
  }
  const parts = [bytes.type, contentType, bytes.metadata, bytes.data]
  return { id, ...bytes, size: parts.reduce((sum, { length }) => sum + delimitedSize(length), delimitedSize(idSize)) }
}

function writeEvent(bytes: Buffer, start: number, { id, type, metadata, data, size }: Encoded): number {
  let at = writeDelimited(bytes, start, 3, size)
  at = writeId(bytes, at, id)
  at = writeBytes(bytes, at, 2, type)
  at = writeBytes(bytes, at, 2, contentType)
  at = writeBytes(bytes, at, 3, metadata)
  return writeBytes(bytes, at, 4, data)
}

/** Field 1, a UUID in its text form. */
function writeId(bytes: Buffer, start: number, id: string): number {
  const at = writeDelimited(bytes, writeDelimited(bytes, start, 1, idSize), 2, uuidLength)
  return at + bytes.write(id, at, 'latin1')
}

function writeBytes(bytes: Buffer, start: number, field: number, value: Buffer): number {
  const at = writeDelimited(bytes, start, field, value.length)
  return at + value.copy(bytes, at)
}

function mapEntry(key: Buffer, value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(delimitedSize(key.length) + delimitedSize(value.length))
  writeBytes(bytes, writeBytes(bytes, 0, 1, key), 2, value)
  return bytes
}

/** What became of an append. */
export type AppendAnswer =
  | { readonly correlationId: string; readonly revision: number; readonly position: bigint }
  /** Anything else, in the generated class. */
  | { readonly correlationId: string; readonly other: BatchAppendResp }

/** Throws RangeError when the bytes are no message. */
export function readAppendAnswer(bytes: Buffer): AppendAnswer {
  const reader = new ProtoReader(bytes)
  let correlationId = ''
  let written: { revision: number; position: bigint } | undefined
  while (reader.next()) {
    if (reader.field === 1) correlationId = readId(reader.message())
    else if (reader.field === 3) written = readSuccess(reader.message())
    else reader.skip()
  }
  return written ? { correlationId, ...written } : { correlationId, other: streams.BatchAppendResp.deserializeBinary(bytes) }
}

/** Undefined without a revision or a position: an append repeated on a deleted stream has none. */
function readSuccess(reader: ProtoReader): { revision: number; position: bigint } | undefined {
  let revision: number | undefined
  let position: bigint | undefined
  while (reader.next()) {
    if (reader.field === 1) revision = Number(reader.uint64())
    else if (reader.field === 3) position = uint64Field(reader.message(), 1)
    else reader.skip()
  }
  return revision === undefined || position === undefined ? undefined : { revision, position }
}

/** A UUID as text, in whichever of its two forms the server sends it. */
function readId(reader: ProtoReader): string {
  while (reader.next()) {
    if (reader.field === 2) return reader.text()
    if (reader.field === 1) return structured(reader.message())
    reader.skip()
  }
  return ''
}

function structured(reader: ProtoReader): string {
  const halves = [0n, 0n]
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) halves[reader.field - 1] = BigInt(reader.uint64())
    else reader.skip()
  }
  const hex = halves.map((half) => half.toString(16).padStart(16, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
