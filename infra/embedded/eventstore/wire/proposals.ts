import type { ProtoReader } from '../../../../adapters/eventstore/protobuf.ts'
import { any, type Expected, noStream, streamExists } from '../engine/rules.ts'
import type { Proposal } from '../engine/writer.ts'
import { isZeroUuid, readUuid } from './uuid.ts'

// `Append` and `BatchAppend` carry the same two messages: the options and the events.

/** A request that breaks a rule of its shape; the text tells its author which. */
export class BadRequest extends Error {
  /** The metadata key that an event lacks. */
  readonly missingKey: string | undefined

  constructor(message: string, missingKey?: string) {
    super(message)
    this.missingKey = missingKey
  }
}

export interface AppendOptions {
  /** Undefined when no stream was named. */
  readonly stream: string | undefined
  /** Undefined when nothing was said, which is an error. */
  readonly expected: Expected | undefined
  /** The revision as it was sent, if it was: the largest number means `noStream`, and is answered as it came. */
  readonly revision: number | bigint | undefined
  /** Milliseconds since 1970; undefined when none was given. */
  readonly deadline: number | undefined
}

const largestUint64 = 2n ** 64n - 1n

export function readAppendOptions(reader: ProtoReader, now: number): AppendOptions {
  let stream: string | undefined
  let expected: Expected | undefined
  let revision: number | bigint | undefined
  let deadline: number | undefined
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        stream = readStreamName(reader.message())
        break
      case 2:
        revision = reader.uint64()
        expected = revision === largestUint64 ? noStream : revision
        break
      case 3:
        expected = noStream
        reader.skip()
        break
      case 4:
        expected = any
        reader.skip()
        break
      case 5:
        expected = streamExists
        reader.skip()
        break
      case 6:
        deadline = readMilliseconds(reader.message()) // a point in time
        break
      case 7:
        deadline = now + readMilliseconds(reader.message()) // a duration; newer clients send this
        break
      default:
        reader.skip()
    }
  }
  return { stream, expected, revision, deadline }
}

/** Text that is not UTF-8 is read with replacement characters, as .NET does. */
function readStreamName(reader: ProtoReader): string {
  let name = ''
  while (reader.next()) {
    if (reader.field === 3) name = reader.text()
    else reader.skip()
  }
  return name
}

function readMilliseconds(reader: ProtoReader): number {
  let milliseconds = 0
  while (reader.next()) {
    if (reader.field === 1) milliseconds += reader.int64() * 1_000
    else if (reader.field === 2) milliseconds += reader.int64() / 1_000_000
    else reader.skip()
  }
  return milliseconds
}

const nothing: Buffer = Buffer.alloc(0)

/** Throws BadRequest when the event has no id, no type or no content type. */
export function readProposal(reader: ProtoReader): Proposal {
  let id: string | undefined
  let hasId = false
  let type: Buffer | undefined
  let contentType: string | undefined
  let metadata = nothing
  let data = nothing
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        hasId = true
        id = readId(reader.message())
        break
      case 2: {
        const entry = readEntry(reader.message())
        if (entry.key === 'type') type = utf8(entry.value)
        else if (entry.key === 'content-type') contentType = entry.value.toString('latin1')
        break
      }
      case 3:
        metadata = reader.bytes()
        break
      case 4:
        data = reader.bytes()
        break
      default:
        reader.skip()
    }
  }
  if (type === undefined) throw new BadRequest("Required Metadata Property 'type' is missing", 'type')
  if (contentType === undefined) throw new BadRequest("Required Metadata Property 'content-type' is missing", 'content-type')
  if (id === undefined) throw new BadRequest(hasId ? 'The event id is neither text nor structured.' : 'The event has no id.')
  if (isZeroUuid(id)) throw new BadRequest('Empty eventId provided.')
  if (type.length === 0) throw new BadRequest('Empty eventType provided.')
  return { id, type, isJson: contentType === 'application/json', metadata, data }
}

export function readId(reader: ProtoReader): string | undefined {
  try {
    return readUuid(reader)
  } catch (error) {
    throw new BadRequest((error as Error).message)
  }
}

function readEntry(reader: ProtoReader): { key: string; value: Buffer } {
  let key = ''
  let value = nothing
  while (reader.next()) {
    if (reader.field === 1) key = reader.text()
    else if (reader.field === 2) value = reader.bytes()
    else reader.skip()
  }
  return { key, value }
}

/** The bytes themselves when they are UTF-8, else what they are read as. */
function utf8(bytes: Buffer): Buffer {
  for (const byte of bytes) if (byte >= 0x80) return Buffer.from(bytes.toString('utf8'))
  return bytes
}
