import shared from '@eventstore/db-client/generated/shared_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readMessage } from '../../adapters/eventstore/read-messages.ts'
import { property } from '../support/property.ts'

const messages = suite('messages of a subscription')

const { ReadResp } = streams
const decoded = (response: streams.ReadResp) => readMessage(Buffer.from(response.serializeBinary()))

interface Told {
  readonly id: string
  readonly stream: string
  readonly revision: bigint
  readonly position: bigint
  readonly properties: readonly (readonly [key: string, value: string])[]
  readonly metadata: Uint8Array
  readonly data: Uint8Array
}

/** As the server would send it, by the classes that its schema generates. */
function eventOf({ id, stream, revision, position, properties, metadata, data }: Told) {
  const event = new ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(id))
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)))
    .setStreamRevision(String(revision))
    .setPreparePosition(String(position))
    .setCommitPosition(String(position))
    .setCustomMetadata(metadata)
    .setData(data)
  for (const [key, value] of properties) event.getMetadataMap().set(key, value)
  return event
}

const responseOf = (told: Told) => new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(eventOf(told)))

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

const told: Told = {
  id: '0b4ce2cf-4b9a-4c60-a7cd-6b0b2f0a7a11',
  stream: 'dux_node-a',
  revision: 7n,
  position: 300n,
  properties: [
    ['type', 'NodeRegistered'],
    ['created', '17641000000009999'],
    ['content-type', 'application/json'],
  ],
  metadata: bytes({ actor: 'somebody' }),
  data: bytes({ region: 'Größe 😀' }),
}

messages('an event is what was sent, whatever it holds', () => {
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  return property(
    fc.property(
      fc.uuid(),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
      fc.nat(),
      uint64,
      fc.json(),
      fc.json(),
      (id, stream, revision, position, data, metadata) => {
        const sent = {
          ...told,
          id,
          stream,
          revision: BigInt(revision),
          position,
          data: Buffer.from(data),
          metadata: Buffer.from(metadata),
        }
        const { id: readId, ...rest } = decoded(responseOf(sent)) as unknown as Record<string, unknown>
        assert.is(readId, id)
        assert.equal(rest, {
          stream,
          revision,
          type: 'NodeRegistered',
          data: JSON.parse(data),
          metadata: JSON.parse(metadata),
          position,
          created: new Date(1_764_100_000_000),
        })
      },
    ),
  )
})

messages('what is not JSON is text, and what is missing is null or empty', () => {
  const octets = told.properties.map(([key, value]) => [key, key === 'content-type' ? 'application/octet-stream' : value] as const)
  const read = (changed: Partial<Told>) => decoded(responseOf({ ...told, ...changed })) as unknown as Record<string, unknown>
  assert.is(read({ properties: octets }).data, Buffer.from(told.data).toString('base64'))
  assert.is(read({ data: Buffer.from('{"cut') }).data, '{"cut')
  assert.is(read({ metadata: Buffer.from('\xff', 'latin1') }).metadata, '/w==')
  assert.is(read({ metadata: new Uint8Array() }).metadata, null)
  assert.equal([read({ properties: [] }).type, read({ properties: [] }).created], ['', new Date(0)])
})

messages('marks, and what says nothing to us', () => {
  const checkpoint = new ReadResp.Checkpoint().setCommitPosition(String(2n ** 63n - 1n)).setPreparePosition('0')
  assert.equal(decoded(new ReadResp().setCheckpoint(checkpoint)), { passed: 2n ** 63n - 1n })
  assert.equal(decoded(new ReadResp().setCaughtUp(new ReadResp.CaughtUp())), { passed: undefined })
  assert.is(decoded(new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId('x'))), undefined)
  assert.is(decoded(new ReadResp().setEvent(new ReadResp.ReadEvent().setLink(eventOf(told)))), undefined)
})

messages('bytes that are no message are an error', () => {
  const whole = Buffer.from(responseOf(told).serializeBinary())
  for (const end of [1, 2, 10, whole.length - 1]) assert.throws(() => readMessage(whole.subarray(0, end)), RangeError)
})

messages.run()
