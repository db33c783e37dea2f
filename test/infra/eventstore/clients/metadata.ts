import * as assert from 'uvu/assert'
import type { Expectation } from './library.ts'
import { collect, numbers, refused, revisions, streamName, type Test, type World } from './world.ts'

export function metadata(test: Test, world: () => World): void {
  async function five(): Promise<string> {
    const { write, tick } = world()
    const stream = streamName('metadata')
    await write(
      stream,
      [0, 1, 2, 3, 4].map((n) => tick(n)),
    )
    return stream
  }

  test('metadata is given back as it was set, own keys included', async () => {
    const { client } = world()
    const stream = await five()
    assert.is((await client.getStreamMetadata(stream)).metadata, undefined)
    await client.setStreamMetadata(stream, { maxAge: 3_600, cacheControl: 5, acl: { readRoles: ['$all'] }, owner: 'us' })
    const { metadata, streamName } = await client.getStreamMetadata<{ owner: string }>(stream)
    assert.is(streamName, stream)
    assert.is(Number(metadata!.maxAge), 3_600)
    assert.is(metadata!.owner, 'us')
    assert.equal(metadata!.acl!.readRoles, ['$all'])
  })

  test('$maxCount and $tb hide events at once, in both directions, and show them again', async () => {
    const { client } = world()
    const stream = await five()
    const read = async () => numbers(await collect(client.readStream(stream)))
    await client.setStreamMetadata(stream, { maxCount: 2 })
    assert.equal(await read(), [3, 4])
    assert.equal(numbers(await collect(client.readStream(stream, { direction: 'backwards', fromRevision: 'end' }))), [4, 3])
    await client.setStreamMetadata(stream, { truncateBefore: 1 })
    assert.equal(await read(), [1, 2, 3, 4])
    await client.setStreamMetadata(stream, { truncateBefore: 100 })
    assert.equal(await read(), [])
    await client.setStreamMetadata(stream, {})
    assert.equal(await read(), [0, 1, 2, 3, 4])
  })

  test('$maxAge hides what is older', async () => {
    const { client } = world()
    const stream = await five()
    await client.setStreamMetadata(stream, { maxAge: 1 })
    for (;;) {
      const left = await collect(client.readStream(stream))
      if (left.length === 0) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })

  test('metadata is an event of a stream, and has its expectation', async () => {
    const { client, write, jsonEvent } = world()
    const stream = await five()
    const set = (expecting: Expectation, $maxCount: number) =>
      write(`$$${stream}`, jsonEvent({ type: '$metadata', data: { $maxCount } }), { expecting })
    await set('no_stream', 1)
    await refused(set('no_stream', 2), 'wrong-expected-version')
    await set(0n, 3)
    assert.equal(numbers(await collect(client.readStream(stream))), [2, 3, 4])
    assert.equal(revisions(await collect(client.readStream(`$$${stream}`))), [1])
  })
}
