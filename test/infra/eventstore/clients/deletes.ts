import * as assert from 'uvu/assert'
import { collect, numbers, refused, revisions, streamName, type Test, type World } from './world.ts'

export function deletes(test: Test, world: () => World): void {
  test('a soft-deleted stream is not found, and goes on counting when it is written again', async () => {
    const { client, write, tick } = world()
    const stream = streamName('soft')
    await write(stream, [tick(0), tick(1)])
    const { position } = await client.deleteStream(stream, { expectedRevision: 1n })
    assert.ok(position && position.commit > 0n)
    await refused(collect(client.readStream(stream)), 'stream-not-found')
    await refused(write(stream, tick(9), { expecting: 'stream_exists' }), 'stream-deleted')
    assert.is((await write(stream, tick(2), { expecting: 'no_stream' })).nextExpectedRevision, 2n)
    const events = await collect(client.readStream(stream))
    assert.equal(numbers(events), [2])
    assert.equal(revisions(events), [2])
    assert.is(Number((await client.getStreamMetadata(stream)).metadata!.truncateBefore), 2)
  })

  test('a deletion has its expectation too', async () => {
    const { client, write, tick } = world()
    const stream = streamName('expected-deletion')
    await refused(client.deleteStream(stream), 'wrong-expected-version')
    await write(stream, tick(0))
    await refused(client.deleteStream(stream, { expectedRevision: 5n }), 'wrong-expected-version')
    await refused(client.tombstoneStream(stream, { expectedRevision: 'no_stream' }), 'wrong-expected-version')
    await client.deleteStream(stream, { expectedRevision: 'any' })
  })

  test('a tombstone ends a stream for ever', async () => {
    const { client, write, tick } = world()
    const stream = streamName('tombstone')
    await write(stream, tick(0))
    await client.tombstoneStream(stream)
    for (const attempt of [
      () => collect(client.readStream(stream)),
      () => collect(client.readStream(stream, { direction: 'backwards', fromRevision: 'end' })),
      () => write(stream, tick(1)),
      () => write(stream, tick(1), { expecting: 'no_stream' }),
      () => client.deleteStream(stream),
      () => client.tombstoneStream(stream),
    ]) {
      const error = await refused(attempt(), 'stream-deleted')
      assert.is((error as unknown as { streamName: string }).streamName, stream)
    }
    const last = await collect(client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 5 }))
    assert.ok(last.some(({ event }) => event!.streamId === stream && event!.type === '$streamDeleted'))
  })

  test('a stream that was never written can be tombstoned', async () => {
    const { client, write, tick } = world()
    const stream = streamName('never')
    await client.tombstoneStream(stream, { expectedRevision: 'no_stream' })
    await refused(write(stream, tick(0)), 'stream-deleted')
  })
}
