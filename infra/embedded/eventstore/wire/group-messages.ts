import { ProtoReader } from '../../../../adapters/eventstore/protobuf.ts'
import { readUuid } from './uuid.ts'

/** What a consumer says of messages that it was sent. */
export interface Verdict {
  readonly kind: 'ack' | 'nack'
  /** Canonical. */
  readonly ids: readonly string[]
  /** Of a nack, as it was sent. */
  readonly action: number
  readonly reason: string
}

/** Undefined when the message is something else. Throws RangeError when an id is none. */
export function readVerdict(message: Buffer): Verdict | undefined {
  const reader = new ProtoReader(message)
  let verdict: Verdict | undefined
  while (reader.next()) {
    if (reader.field === 2) verdict = readParts('ack', reader.message())
    else if (reader.field === 3) verdict = readParts('nack', reader.message())
    else reader.skip()
  }
  return verdict
}

function readParts(kind: Verdict['kind'], reader: ProtoReader): Verdict {
  const ids: string[] = []
  let action = 0
  let reason = ''
  while (reader.next()) {
    if (reader.field === 2) {
      const id = readUuid(reader.message())
      if (id !== undefined) ids.push(id)
    } else if (kind === 'nack' && reader.field === 3) action = reader.varint()
    else if (kind === 'nack' && reader.field === 4) reason = reader.text()
    else reader.skip()
  }
  return { kind, ids, action, reason }
}
