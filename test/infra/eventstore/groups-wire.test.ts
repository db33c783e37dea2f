import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encodeRecord } from '../../../infra/embedded/eventstore/storage/record.ts'
import { persistent, shared } from '../../../infra/embedded/eventstore/wire/generated.ts'
import { readVerdict } from '../../../infra/embedded/eventstore/wire/group-messages.ts'
import { Page } from '../../../infra/embedded/eventstore/wire/page.ts'
import { uuidHalves } from '../../../infra/embedded/eventstore/wire/uuid.ts'
import { seed } from './support.ts'

const test = suite(`groups: on the wire (seed ${seed})`)

const places = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const records = fc.record({
  id: fc.uuid(),
  stream: fc.string({ minLength: 1, unit: 'grapheme' }),
  revision: places,
  position: places,
  data: fc.uint8Array({ maxLength: 300 }),
})
type Described = typeof records extends fc.Arbitrary<infer T> ? T : never

const stored = ({ id, stream, revision, position, data }: Described) =>
  encodeRecord({
    id,
    stream: Buffer.from(stream),
    revision,
    position,
    type: Buffer.from('Ticked'),
    isJson: true,
    created: 1_700_000_000_000,
    metadata: Buffer.from('{}'),
    data: Buffer.from(data),
  })

type Recorded = InstanceType<typeof persistent.ReadResp.ReadEvent.RecordedEvent>

function describe(event: Recorded) {
  const halves = event.getId()!.getStructured()
  const id = halves
    ? [halves.getMostSignificantBits(), halves.getLeastSignificantBits()]
        .map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'))
        .join('')
    : event.getId()!.getString().replaceAll('-', '')
  return {
    id,
    stream: Buffer.from(event.getStreamIdentifier()!.getStreamName_asU8()).toString('utf8'),
    revision: Number(event.getStreamRevision()),
    positions: [Number(event.getCommitPosition()), Number(event.getPreparePosition())],
    data: Buffer.from(event.getData_asU8()).toString('hex'),
  }
}

const wanted = ({ id, stream, revision, data }: Described, position: number) => ({
  id: id.replaceAll('-', ''),
  stream,
  revision,
  positions: [position, position],
  data: Buffer.from(data).toString('hex'),
})

test('messages of a group are what the generated classes read, with ids in either form', () => {
  fc.assert(
    fc.property(
      records,
      fc.option(records, { nil: undefined }),
      fc.boolean(),
      fc.nat(),
      fc.constantFrom('string', 'structured'),
      (event, link, isResolved, retries, uuids) => {
        const page = new Page(uuids as 'string' | 'structured')
        const hasEvent = isResolved || !link
        const { position } = link ?? event
        page.delivery(hasEvent ? stored(event) : undefined, link && stored(link), position, retries)
        const frame = page.take()
        assert.is(frame.readUInt32BE(1), frame.length - 5)
        const message = persistent.ReadResp.deserializeBinary(frame.subarray(5)).getEvent()!
        assert.equal(message.getEvent() && describe(message.getEvent()!), hasEvent ? wanted(event, position) : undefined)
        assert.equal(message.getLink() && describe(message.getLink()!), link && wanted(link, position))
        assert.equal([Number(message.getCommitPosition()), message.getRetryCount()], [position, retries])
      },
    ),
    { seed },
  )
})

test('acknowledgements are read as the generated classes write them', () => {
  const { Nack, Ack } = persistent.ReadReq
  fc.assert(
    fc.property(
      fc.array(fc.uuid()),
      fc.integer({ min: 0, max: 4 }),
      fc.string(),
      fc.boolean(),
      (ids, action, reason, structured) => {
        const uuids = ids.map((id) => {
          if (!structured) return new shared.UUID().setString(id)
          const [high, low] = uuidHalves(id).map((half) => String(BigInt.asIntN(64, half)))
          return new shared.UUID().setStructured(
            new shared.UUID.Structured().setMostSignificantBits(high!).setLeastSignificantBits(low!),
          )
        })
        const nack = new persistent.ReadReq().setNack(new Nack().setIdsList(uuids).setAction(action).setReason(reason))
        assert.equal(readVerdict(Buffer.from(nack.serializeBinary())), { kind: 'nack', ids, action, reason })
        const ack = new persistent.ReadReq().setAck(new Ack().setIdsList(uuids).setId(Buffer.from('group')))
        assert.equal(readVerdict(Buffer.from(ack.serializeBinary())), { kind: 'ack', ids, action: 0, reason: '' })
      },
    ),
    { seed },
  )
  const options = new persistent.ReadReq().setOptions(new persistent.ReadReq.Options().setGroupName('group'))
  assert.is(readVerdict(Buffer.from(options.serializeBinary())), undefined)
})

test.run()
