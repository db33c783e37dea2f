import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { append, consumer, type Fixture, often, orders, withGroups } from './groups-fixture.ts'
import { eventually } from './support.ts'

const test = suite('groups: parked messages')

const info = ({ groups }: Fixture) => groups.info('orders', 'group')
const metadata = ({ store }: Fixture) =>
  JSON.parse(store.streams.get('$persistentsubscription-orders::group-parked').metadata.committed.metadata.toString('utf8'))

/** A group of which so many messages are parked, and no consumer. */
async function park(fixture: Fixture, count: number): Promise<void> {
  const { store, groups } = fixture
  await groups.create({ ...orders, settings: { ...often, historyBufferSize: 30 } })
  for (let n = 0; n < count; n++) await append(store, 'orders')
  const { received, consumer: one } = consumer(count)
  const group = groups.connect('orders', 'group', one)
  await eventually(() => received.length === count, 'all were delivered')
  group.nack(
    received.map(({ id }) => id),
    'park',
    'not today',
  )
  await eventually(() => info(fixture).parkedMessageCount === count, 'all are parked')
  group.disconnect(one)
}

test('a replay reads no more than there is room for, and leaves nothing out', async () => {
  await withGroups(async (fixture) => {
    await park(fixture, 200)
    fixture.groups.replayParked('orders', 'group', undefined)
    await eventually(() => info(fixture).retryBufferCount === 30, 'the buffer is full')
    assert.is(info(fixture).status, 'ReplayingParkedMessages, Live')
    assert.is(info(fixture).parkedMessageCount, 200, 'what was not read is parked still')
    const { received, consumer: one } = consumer(10)
    const group = fixture.groups.connect('orders', 'group', one)
    const seen: (number | undefined)[] = []
    while (seen.length < 200) {
      await eventually(() => received.length > 0, 'more comes')
      assert.ok(info(fixture).retryBufferCount <= 30)
      const some = received.splice(0)
      seen.push(...some.map(({ origin }) => (origin.kind === 'parked' ? origin.revision : undefined)))
      group.ack(some.map(({ id }) => id))
    }
    assert.equal(
      seen,
      Array.from({ length: 200 }, (_, revision) => revision),
    )
    await eventually(() => info(fixture).parkedMessageCount === 0, 'nothing is parked')
    await fixture.store.writer.drained()
    assert.is(metadata(fixture).$tb, 200)
    assert.is(metadata(fixture).replayingFrom, undefined)
  })
})

test('what was replayed and not acknowledged comes again after a restart, until it is', async () => {
  await withGroups(async (fixture) => {
    const { groups, store } = fixture
    await park(fixture, 3)
    groups.replayParked('orders', 'group', undefined)
    const first = consumer()
    const before = groups.connect('orders', 'group', first.consumer)
    await eventually(() => info(fixture).parkedMessageCount === 0, 'all were taken out')
    before.ack([first.received[0]!.id])
    assert.is(metadata(fixture).replayingFrom, 0)
    await groups.restart()
    assert.is(first.dropped[0]!.kind, 'dropped')

    const second = consumer()
    const after = groups.connect('orders', 'group', second.consumer)
    assert.is(second.received.length, 3)
    after.ack(second.received.slice(0, 2).map(({ id }) => id))
    after.nack([second.received[2]!.id], 'park', 'again')
    await eventually(() => info(fixture).parkedMessageCount === 1, 'the last one is parked anew')
    await store.writer.drained()
    assert.is(metadata(fixture).replayingFrom, undefined)
    await groups.restart()
    const third = consumer()
    groups.connect('orders', 'group', third.consumer)
    assert.is(third.received.length, 0)
    groups.replayParked('orders', 'group', undefined)
    assert.is(third.received.length, 1)
  })
})

test('one replay at a time, up to where it was told', async () => {
  await withGroups(async (fixture) => {
    const { groups } = fixture
    await park(fixture, 50)
    groups.replayParked('orders', 'group', 45)
    groups.replayParked('orders', 'group', 1)
    const { received, consumer: one } = consumer(100)
    groups.connect('orders', 'group', one)
    await eventually(() => received.length === 45, 'the first replay is done')
    groups.replayParked('orders', 'group', undefined)
    groups.replayParked('orders', 'group', undefined)
    await eventually(() => received.length === 50, 'the rest is replayed, once')
    assert.is(new Set(received.map(({ id }) => id)).size, 50)
  })
})

test.run()
