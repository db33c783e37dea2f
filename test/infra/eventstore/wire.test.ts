import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeMessage } from '../../../adapters/eventstore/protobuf.ts'
import { any, noStream, streamExists } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { type FrameError, FrameReader, framed } from '../../../infra/embedded/eventstore/grpc/frames.ts'
import { headerText, percentEncoded } from '../../../infra/embedded/eventstore/grpc/status.ts'
import { flag, isWhole, seal } from '../../../infra/embedded/eventstore/storage/header.ts'
import { encodeRecord, StoredRecord, tombstoneRevision } from '../../../infra/embedded/eventstore/storage/record.ts'
import {
  readBatchMessage,
  refusedReply,
  structuredCorrelation,
  tooLarge,
  writtenReply,
  wrongRevision,
} from '../../../infra/embedded/eventstore/wire/batch-append.ts'
import { shared, streams } from '../../../infra/embedded/eventstore/wire/generated.ts'
import { Page } from '../../../infra/embedded/eventstore/wire/page.ts'
import { canonicalUuid } from '../../../infra/embedded/eventstore/wire/uuid.ts'
import { seed } from './support.ts'

const require = createRequire(import.meta.url)
const {
  Empty,
}: typeof import('google-protobuf/google/protobuf/empty_pb.js') = require('google-protobuf/google/protobuf/empty_pb.js')
const {
  Timestamp,
}: typeof import('google-protobuf/google/protobuf/timestamp_pb.js') = require('google-protobuf/google/protobuf/timestamp_pb.js')
const {
  Duration,
}: typeof import('google-protobuf/google/protobuf/duration_pb.js') = require('google-protobuf/google/protobuf/duration_pb.js')

const test = suite(`eventstore wire (seed ${seed})`)
const check = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, holds), { seed, numRuns: 300 })

const text = fc.string({ unit: 'grapheme' })
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const event = fc.record({
  id: fc.uuid(),
  type: text.filter((type) => type !== ''),
  isJson: fc.boolean(),
  metadata: bytes,
  data: bytes,
})

// The generated classes are what every other program encodes and decodes with.

function identifier(stream: string) {
  const result = new shared.StreamIdentifier()
  result.setStreamName(Buffer.from(stream))
  return result
}

function uuid(id: string, isStructured: boolean) {
  return isStructured ? shared.UUID.deserializeBinary(structuredCorrelation(id)) : new shared.UUID().setString(id)
}

test('a batch append is read as it was written', () => {
  const request = fc.record({
    correlation: fc.uuid(),
    isStructured: fc.boolean(),
    stream: text,
    expected: fc.constantFrom<number | bigint>(any, noStream, streamExists, 0, 7, 2 ** 40, 2n ** 63n - 1n),
    deadline: fc.option(fc.integer({ min: 0, max: 4_000_000_000 })),
    events: fc.array(event, { maxLength: 5 }),
    isFinal: fc.boolean(),
  })
  check(request, ({ correlation, isStructured, stream, expected, deadline, events, isFinal }) => {
    const options = new streams.BatchAppendReq.Options().setStreamIdentifier(identifier(stream))
    if (expected === any) options.setAny(new Empty())
    else if (expected === noStream) options.setNoStream(new Empty())
    else if (expected === streamExists) options.setStreamExists(new Empty())
    else options.setStreamPosition(String(expected))
    if (deadline !== null) options.setDeadline(new Timestamp().setSeconds(deadline).setNanos(500_000_000))
    const proposed = events.map(({ id, type, isJson, metadata, data }) => {
      const message = new streams.BatchAppendReq.ProposedMessage()
        .setId(uuid(id, isStructured))
        .setCustomMetadata(metadata)
        .setData(data)
      message
        .getMetadataMap()
        .set('content-type', isJson ? 'application/json' : 'text/plain')
        .set('type', type)
        .set('unknown', 'x')
      return message
    })
    const message = new streams.BatchAppendReq()
      .setCorrelationId(uuid(correlation, isStructured))
      .setOptions(options)
      .setProposedMessagesList(proposed)
      .setIsFinal(isFinal)
    const read = readBatchMessage(Buffer.from(message.serializeBinary()), 0)
    assert.is(read.correlation.id, correlation)
    assert.is(read.isFinal, isFinal)
    assert.is(read.options!.stream, stream)
    assert.is(read.options!.expected, expected)
    assert.is(read.options!.deadline, deadline === null ? undefined : deadline * 1000 + 500)
    assert.equal(
      read.events.map((one) => ({ ...one, type: one.type.toString(), metadata: [...one.metadata], data: [...one.data] })),
      events.map((one) => ({ ...one, metadata: [...one.metadata], data: [...one.data] })),
    )
    assert.is(
      read.dataBytes,
      events.reduce((sum, { data }) => sum + data.length, 0),
    )
  })
})

test('the deadline of newer clients, which the generated classes lack, is a duration from now', () => {
  const duration = new Duration().setSeconds(-5).setNanos(-500_000_000)
  const options = encodeMessage([1, encodeMessage([3, 'ticks'])], [4, ''], [7, duration.serializeBinary()])
  const message = encodeMessage([1, uuid(randomUUID(), false).serializeBinary()], [2, options], [4, 1])
  assert.is(readBatchMessage(message, 10_000).options!.deadline, 4_500)
})

test('an event that is none is refused with its reason, and the rest of the message is read all the same', () => {
  const id = uuid(randomUUID(), false).serializeBinary()
  const type = encodeMessage([1, 'type'], [2, 'Ticked'])
  const contentType = encodeMessage([1, 'content-type'], [2, 'application/json'])
  const zero = encodeMessage([2, '00000000-0000-0000-0000-000000000000'])
  for (const [reason, proposed] of [
    ["'type' is missing", encodeMessage([1, id], [2, contentType])],
    ["'content-type' is missing", encodeMessage([1, id], [2, type])],
    ['has no id', encodeMessage([2, type], [2, contentType])],
    ['neither text nor structured', encodeMessage([1, ''], [2, type], [2, contentType])],
    ['Unrecognized Guid', encodeMessage([1, encodeMessage([2, 'order-1'])], [2, type], [2, contentType])],
    ['Empty eventId', encodeMessage([1, zero], [2, type], [2, contentType])],
    ['Empty eventType', encodeMessage([1, id], [2, encodeMessage([1, 'type'], [2, ''])], [2, contentType])],
  ] as const) {
    const read = readBatchMessage(encodeMessage([1, id], [3, proposed], [4, 1]), 0)
    assert.match(read.refused!.message, reason)
    assert.is(read.isFinal, true)
  }
  assert.is(readBatchMessage(encodeMessage([4, 1]), 0).correlation.id, undefined)
  assert.throws(() => readBatchMessage(Buffer.from('0a', 'hex'), 0), 'ends within')
})

test('answers to a batch append are what the generated classes read', () => {
  check(
    fc.record({ id: fc.uuid(), stream: text, revision: fc.integer({ min: -1 }), position: fc.option(fc.maxSafeNat()) }),
    (written) => {
      const correlation = Buffer.from(uuid(written.id, true).serializeBinary())
      const position = written.position ?? undefined
      const frame = writtenReply(correlation, written.stream, written.revision, position)
      const reply = streams.BatchAppendResp.deserializeBinary(frame.subarray(5))
      assert.equal(Buffer.from(reply.getCorrelationId()!.serializeBinary()), correlation)
      assert.is(Buffer.from(reply.getStreamIdentifier()!.getStreamName_asU8()).toString(), written.stream)
      const success = reply.getSuccess()!
      assert.is(success.hasNoStream(), written.revision < 0)
      if (written.revision >= 0) assert.is(success.getCurrentRevision(), String(written.revision))
      assert.is(success.hasNoPosition(), position === undefined)
      if (position !== undefined) assert.is(success.getPosition()!.getCommitPosition(), String(position))
    },
  )
  const refused = streams.BatchAppendResp.deserializeBinary(refusedReply(undefined, undefined, tooLarge(1_048_576)).subarray(5))
  assert.not(refused.hasStreamIdentifier())
  assert.not(refused.hasCorrelationId())
  const details = refused.getError()!.getDetails()!
  assert.match(details.getTypeUrl(), 'event_store.client.MaximumAppendSizeExceeded')
  assert.is(shared.MaximumAppendSizeExceeded.deserializeBinary(details.getValue_asU8()).getMaxappendsize(), 1_048_576)
  const wrong = shared.WrongExpectedVersion.deserializeBinary(wrongRevision(2n ** 63n - 1n, 4).value)
  assert.is(wrong.getExpectedStreamPosition(), '9223372036854775807')
  assert.is(wrong.getCurrentStreamRevision(), '4')
})

const stored = fc.record({
  id: fc.uuid(),
  stream: text.map((name) => Buffer.from(name)),
  revision: fc.oneof(fc.maxSafeNat(), fc.constant(tombstoneRevision)),
  position: fc.maxSafeNat(),
  type: text.map((type) => Buffer.from(type)),
  isJson: fc.boolean(),
  created: fc.integer({ min: 1, max: 4_000_000_000_000 }),
  metadata: bytes,
  data: bytes,
})

test('a record is read as it was written, and a page of them is what the generated classes read', () => {
  check(fc.array(stored, { minLength: 1, maxLength: 4 }), (all) => {
    for (const form of ['string', 'structured'] as const) {
      const page = new Page(form)
      for (const [index, one] of all.entries()) {
        const record = encodeRecord(one)
        const read = new StoredRecord(record)
        assert.equal(
          [read.id, read.stream, read.revision, read.position, read.type, read.isJson, read.created],
          [one.id, one.stream.toString(), one.revision, one.position, one.type.toString(), one.isJson, one.created],
        )
        assert.equal([read.metadata, read.data], [one.metadata, one.data])
        page.event(index % 2 ? undefined : record, index % 2 ? record : undefined, one.position)
      }
      const read = messages(page.take())
      assert.is(read.length, all.length)
      for (const [index, one] of all.entries()) {
        const sent = read[index]!.getEvent()!
        const recorded = index % 2 ? sent.getLink()! : sent.getEvent()!
        assert.is(sent.getCommitPosition(), String(one.position))
        assert.is(Buffer.from(recorded.getStreamIdentifier()!.getStreamName_asU8()).toString(), one.stream.toString())
        assert.is(recorded.getStreamRevision(), one.revision === tombstoneRevision ? '9223372036854775807' : String(one.revision))
        assert.is(recorded.getCommitPosition(), String(one.position))
        assert.is(recorded.getPreparePosition(), String(one.position))
        assert.equal([...recorded.getMetadataMap().toArray()].sort(), [
          ['content-type', one.isJson ? 'application/json' : 'application/octet-stream'],
          ['created', `${one.created}0000`],
          ['type', one.type.toString()],
        ])
        assert.equal(Buffer.from(recorded.getData_asU8()), one.data)
        assert.equal(Buffer.from(recorded.getCustomMetadata_asU8()), one.metadata)
        const id = Buffer.from(recorded.getId()!.serializeBinary())
        assert.equal(id, form === 'string' ? Buffer.from(uuid(one.id, false).serializeBinary()) : structuredCorrelation(one.id))
      }
    }
  })
})

function messages(frames: Buffer) {
  const found: InstanceType<typeof streams.ReadResp>[] = []
  new FrameReader(1 << 24).push(frames, (message) => found.push(streams.ReadResp.deserializeBinary(message)))
  return found
}

test('the other messages of a page', () => {
  const page = new Page('string')
  page.confirmation('an id')
  page.checkpoint(300, 0)
  page.streamNotFound('größe')
  page.firstStreamPosition(1)
  page.lastStreamPosition(2 ** 40)
  page.caughtUp()
  const [confirmation, checkpoint, notFound, first, last, caughtUp] = messages(page.take())
  assert.is(confirmation!.getConfirmation()!.getSubscriptionId(), 'an id')
  assert.equal(checkpoint!.getCheckpoint()!.toObject(), { commitPosition: '300', preparePosition: '0' })
  assert.is(Buffer.from(notFound!.getStreamNotFound()!.getStreamIdentifier()!.getStreamName_asU8()).toString(), 'größe')
  assert.is(first!.getFirstStreamPosition(), '1')
  assert.is(last!.getLastStreamPosition(), String(2 ** 40))
  assert.ok(caughtUp!.hasCaughtUp())
  assert.ok(page.isEmpty)
})

test('a page grows with an event that is larger than it', () => {
  const page = new Page('string')
  const record = encodeRecord({ ...fc.sample(stored, { seed, numRuns: 1 })[0]!, data: Buffer.alloc(1_000_000, 'x') })
  page.caughtUp()
  page.event(record, undefined, 1)
  assert.ok(page.isFull)
  assert.is(messages(page.take())[1]!.getEvent()!.getEvent()!.getData().length, 1_000_000)
})

test('a page grows at any message', () => {
  for (let length = 0; length < 1_100; length++) {
    for (const add of ['caughtUp', 'firstStreamPosition', 'lastStreamPosition'] as const) {
      const page = new Page('string')
      page.confirmation('x'.repeat(length))
      if (add === 'caughtUp') page.caughtUp()
      else page[add](300)
      const [confirmation, added] = messages(page.take())
      assert.is(confirmation!.getConfirmation()!.getSubscriptionId().length, length)
      const what = {
        caughtUp: added!.hasCaughtUp(),
        firstStreamPosition: added!.hasFirstStreamPosition(),
        lastStreamPosition: added!.hasLastStreamPosition(),
      }
      assert.ok(what[add], `${add} behind ${length} bytes`)
    }
  }
})

test('a flipped bit in a record is noticed', () => {
  check(fc.tuple(stored, fc.nat(), fc.nat(2 ** 31 - 1)), ([one, place, stream]) => {
    const record = encodeRecord(one)
    seal(record, one.position, stream, flag.event)
    assert.ok(isWhole(record, one.position))
    assert.not(isWhole(record, one.position + 1), 'it is good in its own place only')
    const bit = place % (record.length * 8)
    record[bit >> 3]! ^= 1 << (bit & 7)
    assert.not(isWhole(record, one.position))
  })
})

test('frames are cut out of chunks of any size', () => {
  const sizes = fc.tuple(fc.array(bytes, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }))
  check(sizes, ([payloads, cuts]) => {
    const whole = Buffer.concat(payloads.map(framed))
    const reader = new FrameReader(1 << 20)
    const found: Buffer[] = []
    for (let at = 0, turn = 0; at < whole.length; turn++) {
      const end = at + cuts[turn % cuts.length]!
      reader.push(whole.subarray(at, end), (message) => found.push(Buffer.from(message)))
      at = end
    }
    assert.equal(found, payloads)
    assert.not(reader.incomplete)
  })
})

test('a message that is too large or compressed is refused as soon as that is known', () => {
  const refusal = (chunk: Buffer) => {
    try {
      new FrameReader(100).push(chunk, () => assert.unreachable())
    } catch (error) {
      return error
    }
    return undefined
  }
  assert.ok((refusal(Buffer.from('0000000065', 'hex')) as FrameError).tooLarge)
  assert.not((refusal(Buffer.from('010000000100', 'hex')) as FrameError).tooLarge)
  assert.is(refusal(Buffer.from('0000000064', 'hex')), undefined)
})

test('names travel in trailers as they are, or percent-encoded', () => {
  for (const plain of ['orders-1', '$ce-a', '%41', 'a b', '"{}"']) assert.is(headerText(plain), plain)
  for (const name of ['größe', '注文', '🦜', ' leading', 'trailing ', 'line\nbreak', '100 % größe', '\u0001'])
    assert.is(decodeURIComponent(headerText(name)), name)
  assert.is(percentEncoded('100 %'), '100 %25')
})

test('ids are read in every form that EventStoreDB takes', () => {
  const id = '6f2a0b1c-1111-4222-8333-444455556666'
  for (const form of [id, id.toUpperCase(), `{${id}}`, `(${id})`, id.replaceAll('-', ''), ` ${id} `])
    assert.is(canonicalUuid(form), id)
  for (const none of [
    '',
    'order-1',
    id.slice(1),
    `${id}0`,
    `{${id}`,
    id.replaceAll('-', '').slice(1),
    `{${id.replaceAll('-', '')}}`,
  ])
    assert.is(canonicalUuid(none), undefined, none)
})

test.run()
