import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { GroupFailure } from '../../../infra/embedded/eventstore/groups/failure.ts'
import { append, consumer, often, orders, withGroups } from './groups-fixture.ts'
import { settings } from './groups-support.ts'
import { eventually } from './support.ts'

const test = suite('groups: faults')

const kindOf = (change: Promise<void>) => change.then(() => 'done').catch((error: GroupFailure) => error.kind)

test('while the disk is full groups are neither made nor changed, and those there are go on', async () => {
  await withGroups(async ({ store, groups, faults }) => {
    await groups.create({ ...orders, settings: often })
    faults.isFull = true
    assert.is(await kindOf(groups.create({ ...orders, group: 'another', settings })), 'not-stored')
    assert.is(await kindOf(groups.update({ ...orders, settings })), 'not-stored')
    assert.is(await kindOf(groups.remove('orders', 'group')), 'not-stored')
    assert.equal(
      groups.list().map(({ definition }) => [definition.group, definition.settings.maxCheckpointCount]),
      [['group', 1]],
    )
    faults.isFull = false
    await append(store, 'orders')
    const { received, consumer: one } = consumer()
    groups.connect('orders', 'group', one)
    assert.is(received.length, 1)
    assert.is(await kindOf(groups.create({ ...orders, group: 'another', settings })), 'done')
  })
})

test('what cannot be parked comes again, and a checkpoint that cannot be written is written later', async () => {
  await withGroups(async ({ store, groups, faults }) => {
    await groups.create({ ...orders, settings: often })
    await append(store, 'orders')
    await append(store, 'orders')
    const { received, consumer: one } = consumer()
    const group = groups.connect('orders', 'group', one)
    faults.isFull = true
    group.nack([received[0]!.id], 'park', 'broken')
    group.ack([received[1]!.id])
    await eventually(() => received.length === 3, 'it comes again')
    assert.is(received[2]!.id, received[0]!.id)
    group.ack([received[2]!.id])
    await store.writer.drained()
    assert.is(groups.info('orders', 'group').lastCheckpointed, undefined)
    faults.isFull = false
    group.check()
    await eventually(() => groups.info('orders', 'group').lastCheckpointed === 1, 'the checkpoint is written')
    assert.is(groups.info('orders', 'group').parkedMessageCount, 0)
  })
})

test('a damaged record ends the consumers of its group with its name, and nothing else', async () => {
  await withGroups(async ({ store, groups, faults }) => {
    await groups.create({ ...orders, settings })
    await groups.create({ ...orders, stream: 'bills', settings })
    const [one, other, late] = [consumer(), consumer(), consumer()]
    groups.connect('orders', 'group', one.consumer)
    groups.connect('bills', 'group', other.consumer)
    await append(store, 'orders')
    await eventually(() => one.received.length === 1, 'an event is delivered')
    faults.damaged = store.feed.position + 1
    await append(store, 'orders')
    await eventually(() => one.dropped.length === 1, 'the consumer is dropped')
    assert.is(one.dropped[0]!.kind, 'broken')
    assert.match(one.dropped[0]!.message, `position ${faults.damaged}`)
    groups.connect('orders', 'group', late.consumer)
    assert.is(late.dropped.length, 1)
    await append(store, 'bills')
    await eventually(() => other.received.length === 1, 'another group goes on')
    faults.damaged = -1
    await groups.restart()
    const again = consumer()
    groups.connect('orders', 'group', again.consumer)
    assert.is(again.received.length, 2)
  })
})

test.run()
