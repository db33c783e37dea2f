import * as assert from 'uvu/assert'
import { isLong } from '../support.ts'
import { collect, revisions, streamName, type Test, type World } from './world.ts'

// As many as fit into the largest append there may be.
const many = isLong ? 30_000 : 10_000

export function batches(test: Test, world: () => World): void {
  test('thousands of events in one append', async () => {
    const { write, tick, client } = world()
    const stream = streamName('batch')
    const events = Array.from({ length: many }, (_, n) => tick(n))
    const { nextExpectedRevision } = await write(stream, events, { expecting: 'no_stream', deadline: 30_000 })
    assert.is(nextExpectedRevision, BigInt(many - 1))
    let read = 0
    for await (const { event } of client.readStream(stream)) assert.is(event!.revision, BigInt(read++))
    assert.is(read, many)
  })

  test('a thousand appends at once, each of several chunks or one, are all answered', async () => {
    const { write, tick, client } = world()
    const stream = streamName('parallel')
    const results = await Promise.all(Array.from({ length: 1_000 }, (_, n) => write(stream, n % 2 ? tick(n) : [tick(n), tick(n)])))
    const last = results.map(({ nextExpectedRevision }) => Number(nextExpectedRevision)).sort((a, b) => a - b)
    assert.is(new Set(last).size, 1_000)
    assert.is(last.at(-1), 1_499)
    const events = await collect(client.readStream(stream))
    assert.equal(
      revisions(events),
      events.map((_, index) => index),
    )
  })
}
