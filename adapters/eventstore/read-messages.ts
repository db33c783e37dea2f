import type { Json } from '../../domain/canonical.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { ProtoReader, textField, uint64Field } from './protobuf.ts'

/** What a subscription reports between events: how far it has got, or (`undefined`) that it caught up. */
export interface Mark {
  readonly passed: bigint | undefined
}

/**
 * Decodes one message of a subscription (`ReadResp` of EventStoreDB's streams.proto); undefined for one that says nothing to us. On the
 * path of every rebuild and every replay, where the client's generated classes and its conversion take as long as all of our folds.
 * Throws RangeError when the bytes are no message.
 */
export function readMessage(bytes: Buffer): RecordedEvent | Mark | undefined {
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        return readEvent(reader.message())
      case 3:
        return { passed: uint64Field(reader.message(), 1) }
      case 8:
        return { passed: undefined }
      default:
        reader.skip()
    }
  }
  return undefined
}

/** `ReadEvent`; undefined without its event, as a link is that leads nowhere. */
function readEvent(reader: ProtoReader): RecordedEvent | undefined {
  let event: RecordedEvent | undefined
  while (reader.next()) {
    if (reader.field === 1) event = readRecorded(reader.message())
    else reader.skip()
  }
  return event
}

function readRecorded(reader: ProtoReader): RecordedEvent {
  let id = ''
  let stream = ''
  let revision = 0
  let position = 0n
  const properties: Properties = { type: '', isJson: false, created: 0 }
  let metadata: Json = null
  let data: Buffer = nothing
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        // We ask for ids as text.
        id = textField(reader.message(), 2)
        break
      case 2:
        stream = textField(reader.message(), 3)
        break
      case 3:
        revision = Number(reader.uint64())
        break
      case 5:
        position = BigInt(reader.uint64())
        break
      case 6:
        readProperty(reader.message(), properties)
        break
      case 7:
        metadata = metadataOf(reader.bytes())
        break
      case 8:
        data = reader.bytes()
        break
      default:
        reader.skip()
    }
  }
  const { type, isJson, created } = properties
  return { id, stream, revision, type, data: dataOf(data, isJson), metadata, position, created: new Date(created) }
}

/** What the map `metadata` of a recorded event holds. */
interface Properties {
  type: string
  isJson: boolean
  /** Milliseconds since 1970. */
  created: number
}

const nothing = Buffer.alloc(0)

function readProperty(reader: ProtoReader, properties: Properties): void {
  let key = ''
  let value = ''
  while (reader.next()) {
    if (reader.field === 1) key = reader.text()
    else if (reader.field === 2) value = reader.text()
    else reader.skip()
  }
  if (key === 'type') properties.type = value
  else if (key === 'content-type') properties.isJson = value === 'application/json'
  // Ticks of 100 ns, which pass 2^53: their last four digits are less than a millisecond.
  else if (key === 'created') properties.created = Number(value.slice(0, -4))
}

/** What is not JSON becomes text, which no event's schema accepts: whoever decodes the event says so. */
function dataOf(bytes: Buffer, isJson: boolean): Json {
  if (!isJson) return bytes.toString('base64')
  const text = bytes.toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function metadataOf(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return bytes.toString('base64')
  }
}
