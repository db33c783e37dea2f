import * as assert from 'uvu/assert'
import { acking, groupOf, n, until } from './group-world.ts'
import { refused, streamName, type Test, type World } from './world.ts'

/** Persistent subscriptions: how they are made, changed and ended, and what they read. */
export function groups(test: Test, world: () => World): void {
  test('a group is made once, changed and deleted, and is missed by name', async () => {
    const { client, persistentSubscriptionToStreamSettingsFromDefaults } = world()
    const { stream, name, info } = await groupOf(world(), 0)
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({
      startFrom: 'start',
      maxRetryCount: 3,
      resolveLinkTos: true,
    })
    await refused(client.createPersistentSubscriptionToStream(stream, name, settings), 'persistent-subscription-exists')
    await client.updatePersistentSubscriptionToStream(stream, name, settings)
    const found = await info()
    assert.is(found.eventSource, stream)
    assert.is(found.groupName, name)
    assert.is(found.settings.maxRetryCount, 3)
    assert.is(found.settings.resolveLinkTos, true)
    assert.ok((await client.listPersistentSubscriptionsToStream(stream)).some(({ groupName }) => groupName === name))
    assert.ok((await client.listAllPersistentSubscriptions()).some(({ groupName }) => groupName === name))
    await client.deletePersistentSubscriptionToStream(stream, name)
    const missing = 'persistent-subscription-does-not-exist'
    await refused(client.deletePersistentSubscriptionToStream(stream, name), missing)
    await refused(client.updatePersistentSubscriptionToStream(stream, name, settings), missing)
    await refused(info(), missing)
    const error = await refused(acking(client.subscribeToPersistentSubscriptionToStream(stream, name), 1), missing)
    assert.is((error as unknown as { groupName: string }).groupName, name)
  })

  test('a group knows its consumers, and how many it may have', async () => {
    const { client } = world()
    const { connect, info } = await groupOf(world(), 0, { maxSubscriberCount: 1 })
    const only = connect()
    only.on('data', () => {})
    await until(async () => (await info()).connections.length === 1, 'it is connected')
    assert.is((await info()).connections[0]!.connectionName, client.connectionName)
    await refused(acking(connect(), 1), 'maximum-subscribers-reached')
    await only.unsubscribe()
  })

  test('a deleted group drops its consumers', async () => {
    const { client } = world()
    const { stream, name, connect, info } = await groupOf(world(), 0)
    const dropped = refused(acking(connect(), 1), 'persistent-subscription-dropped')
    await until(async () => (await info()).connections.length === 1, 'it is connected')
    await client.deletePersistentSubscriptionToStream(stream, name)
    await dropped
  })

  test('a restart of the subsystem drops consumers, and groups go on where they were', async () => {
    const { client } = world()
    const { connect } = await groupOf(world(), 6, { checkPointLowerBound: 1, checkPointUpperBound: 1 })
    await acking(connect(1), 3)
    await client.restartPersistentSubscriptionSubsystem()
    const taken = await untilServed(() => acking(connect(), 3))
    assert.ok(taken.every((delivery) => n(delivery) <= 5))
    assert.ok(taken.some((delivery) => n(delivery) >= 3))
  })

  test('a group on $all has a filter', async () => {
    const { client, write, tick, streamNameFilter, persistentSubscriptionToAllSettingsFromDefaults } = world()
    const [prefix, name] = [streamName('all-grouped'), streamName('group')]
    await write(`${prefix}-a`, [tick(0), tick(1)])
    await write(streamName('elsewhere'), tick(9))
    await write(`${prefix}-b`, tick(2))
    const settings = persistentSubscriptionToAllSettingsFromDefaults({ startFrom: 'start' })
    await client.createPersistentSubscriptionToAll(name, settings, { filter: streamNameFilter({ prefixes: [prefix] }) })
    const taken = await acking(client.subscribeToPersistentSubscriptionToAll(name), 3)
    assert.equal(taken.map(n), [0, 1, 2])
    assert.is((await client.getPersistentSubscriptionToAllInfo(name)).eventSource, '$all')
    await client.deletePersistentSubscriptionToAll(name)
  })

  test('a group follows links where it was told to', async () => {
    const { write, tick, binaryEvent } = world()
    const target = streamName('linked')
    await write(target, tick(7))
    const { stream, connect } = await groupOf(world(), 0, { resolveLinkTos: true })
    const taken = acking(connect(), 1)
    await write(stream, binaryEvent({ type: '$>', data: Buffer.from(`0@${target}`) }))
    const [delivery] = await taken
    assert.is(n(delivery!), 7)
    assert.is(delivery!.link!.streamId, stream)
  })
}

/** While the subsystem restarts it serves nobody. */
async function untilServed<T>(attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}
