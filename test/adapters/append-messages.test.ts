import shared from '@eventstore/db-client/generated/shared_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { appendRequest, readAppendAnswer } from '../../adapters/eventstore/append-messages.ts'
import type { NewEvent } from '../../commands/ports.ts'
import { property } from '../support/property.ts'

const messages = suite('messages of an append')

const { BatchAppendReq, BatchAppendResp } = streams
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
const correlationId = '0b4ce2cf-4b9a-4c60-a7cd-6b0b2f0a7a11'

messages('a request is what the generated classes read', () => {
  const json = fc.dictionary(fc.string({ maxLength: 10 }), fc.oneof(fc.string({ maxLength: 300 }), fc.integer(), fc.constant(null)))
  const events = fc.array(
    fc.record({ id: fc.uuid(), type: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), data: json, metadata: json }),
    { maxLength: 4 },
  )
  const expected = fc.oneof(fc.constant('no_stream' as const), fc.nat({ max: Number.MAX_SAFE_INTEGER }))
  return property(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), expected, events, (stream, revision, sent) => {
      const request = BatchAppendReq.deserializeBinary(appendRequest(correlationId, stream, revision, sent as readonly NewEvent[]))
      const options = request.getOptions()!
      assert.is(request.getCorrelationId()!.getString(), correlationId)
      assert.is(request.getIsFinal(), true)
      assert.is(text(options.getStreamIdentifier()!.getStreamName_asU8()), stream)
      assert.is(options.hasNoStream() ? 'no_stream' : Number(options.getStreamPosition()), revision)
      const read = request.getProposedMessagesList().map((message) => {
        assert.is(message.getMetadataMap().get('content-type'), 'application/json')
        return {
          id: message.getId()!.getString(),
          type: message.getMetadataMap().get('type'),
          data: JSON.parse(text(message.getData_asU8())),
          metadata: JSON.parse(text(message.getCustomMetadata_asU8())),
        }
      })
      assert.equal(read, JSON.parse(JSON.stringify(sent)))
    }),
  )
})

/** As the server sends it. */
function answer(response: InstanceType<typeof BatchAppendResp>, id = new shared.UUID().setString(correlationId)) {
  return readAppendAnswer(Buffer.from(response.setCorrelationId(id).serializeBinary()))
}

const success = (revision: bigint, commit: bigint) =>
  new BatchAppendResp.Success()
    .setCurrentRevision(String(revision))
    .setPosition(new shared.AllStreamPosition().setCommitPosition(String(commit)).setPreparePosition(String(commit)))

messages('a success has its revision and position, however large', () => {
  for (const [revision, position] of [
    [0n, 0n],
    [1n, 300n],
    [2n ** 53n - 1n, 2n ** 63n - 1n],
  ] as const)
    assert.equal(answer(new BatchAppendResp().setSuccess(success(revision, position))), {
      correlationId,
      revision: Number(revision),
      position,
    })
})

messages('ids come in two forms', () => {
  const structured = new shared.UUID.Structured()
    .setMostSignificantBits('814256399863368800')
    .setLeastSignificantBits('-6354136104303690223')
  const { correlationId: id } = answer(
    new BatchAppendResp().setSuccess(success(1n, 1n)),
    new shared.UUID().setStructured(structured),
  )
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  assert.is(BigInt(`0x${id.replaceAll('-', '').slice(0, 16)}`), 814256399863368800n)
  assert.is(BigInt.asIntN(64, BigInt(`0x${id.replaceAll('-', '').slice(16)}`)), -6354136104303690223n)
})

messages('whatever is no success comes in the generated class', () => {
  const nowhere = new BatchAppendResp.Success().setNoStream(new shared.Empty()).setNoPosition(new shared.Empty())
  const repeated = answer(new BatchAppendResp().setSuccess(nowhere))
  assert.ok('other' in repeated && repeated.other.hasSuccess())
  const empty = answer(new BatchAppendResp())
  assert.ok('other' in empty && !empty.other.hasError())
})

messages.run()
