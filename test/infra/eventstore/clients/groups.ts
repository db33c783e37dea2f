import type { PersistentSubscriptionToAll, PersistentSubscriptionToStream } from '@eventstore/db-client'
import * as assert from 'uvu/assert'
import { eventually } from '../support.ts'
import { refused, streamName, type Test, type World } from './world.ts'

type Consumer = PersistentSubscriptionToStream | PersistentSubscriptionToAll
type Delivery = {
  event?: { revision: bigint; data: unknown } | undefined
  link?: { streamId: string } | undefined
  retryCount?: number
}

const n = ({ event }: Delivery) => (event!.data as { n: number }).n

/** Persistent subscriptions. */
export function groups(test: Test, world: () => World): void {
  type Settings = Parameters<World['persistentSubscriptionToStreamSettingsFromDefaults']>[0]

  /** A stream with so many events and a group that begins at its start. */
  async function group(events: number, settings: Settings = {}) {
    const { client, write, tick, persistentSubscriptionToStreamSettingsFromDefaults } = world()
    const [stream, name] = [streamName('grouped'), streamName('group')]
    if (events > 0)
      await write(
        stream,
        Array.from({ length: events }, (_, index) => tick(index)),
      )
    const all = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: 'start', ...settings })
    await client.createPersistentSubscriptionToStream(stream, name, all)
    return {
      stream,
      name,
      connect: (bufferSize = 10) => client.subscribeToPersistentSubscriptionToStream(stream, name, { bufferSize }),
      info: () => client.getPersistentSubscriptionToStreamInfo(stream, name),
    }
  }

  /** Handles deliveries until so many have come, then disconnects: at once, which the last acknowledgement need not survive, or later. */
  async function consume(
    consumer: Consumer,
    count: number,
    handle: (delivery: never) => Promise<unknown>,
    settled = async () => true,
  ): Promise<Delivery[]> {
    const taken: Delivery[] = []
    for await (const delivery of consumer as AsyncIterable<Delivery>) {
      await handle(delivery as never)
      if (taken.push(delivery) === count) break
    }
    await until(settled, 'the server has heard of it')
    await consumer.unsubscribe()
    return taken
  }
  const acking = (consumer: Consumer, count: number) => consume(consumer, count, (delivery) => consumer.ack(delivery))

  test('a group is made once, changed and deleted, and is missed by name', async () => {
    const { client, persistentSubscriptionToStreamSettingsFromDefaults } = world()
    const { stream, name, info } = await group(0)
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

  test('a group delivers history and then what comes, in order, to whoever is connected', async () => {
    const { write, tick } = world()
    const { stream, connect, info } = await group(5)
    const consumer = connect()
    const first = consume(
      consumer,
      5,
      (delivery) => consumer.ack(delivery),
      async () => (await info()).stats.totalInFlightMessages === 0,
    )
    assert.equal((await first).map(n), [0, 1, 2, 3, 4])
    const next = acking(connect(), 2)
    await write(stream, [tick(5), tick(6)])
    assert.equal((await next).map(n), [5, 6])
  })

  test('what is not acknowledged is delivered again, and counted', async () => {
    const { connect } = await group(2)
    const consumer = connect()
    const attempts: [number, number][] = []
    await consume(consumer, 4, async (delivery: Parameters<typeof consumer.ack>[0] & { retryCount: number }) => {
      attempts.push([n(delivery as Delivery), delivery.retryCount])
      if (n(delivery as Delivery) === 0 && delivery.retryCount < 2) await consumer.nack('retry', 'not yet', delivery)
      else await consumer.ack(delivery)
    })
    const zero = attempts.filter(([event]) => event === 0)
    assert.equal(zero, [
      [0, 0],
      [0, 1],
      [0, 2],
    ])
    assert.equal(
      attempts.filter(([event]) => event === 1),
      [[1, 0]],
    )
  })

  test('parked messages wait until they are replayed; skipped ones are gone', async () => {
    const { client } = world()
    const { stream, name, connect, info } = await group(3)
    const consumer = connect()
    const nack = (delivery: Parameters<typeof consumer.ack>[0]) =>
      consumer.nack((['park', 'skip', 'park'] as const)[n(delivery as Delivery)]!, 'because', delivery)
    await consume(consumer, 3, nack, async () => (await info()).stats.parkedMessageCount === 2n)
    const again = connect()
    const replayed = acking(again, 2)
    await client.replayParkedMessagesToStream(stream, name)
    assert.equal((await replayed).map(n).sort(), [0, 2])
    await until(async () => (await info()).stats.parkedMessageCount === 0n, 'no message is parked')
  })

  test('a message that fails too often is parked', async () => {
    const { connect, info } = await group(1, { maxRetryCount: 2 })
    const consumer = connect()
    const isParked = async () => (await info()).stats.parkedMessageCount === 1n
    await consume(consumer, 3, (delivery) => consumer.nack('retry', 'never', delivery), isParked)
  })

  test('what a consumer held when it left goes to the next one', async () => {
    const { another } = world()
    const { stream, name, connect } = await group(5)
    const client = another()
    const leaving = client.subscribeToPersistentSubscriptionToStream(stream, name, { bufferSize: 5 })
    const held: Delivery[] = []
    leaving.on('data', (delivery) => held.push(delivery as Delivery))
    leaving.on('error', () => {})
    await eventually(() => held.length === 5, 'it holds five')
    await client.dispose()
    const taken = await acking(connect(), 5)
    assert.equal(taken.map(n).sort(), [0, 1, 2, 3, 4])
  })

  test('consumers of a group share its events', async () => {
    const { connect } = await group(40, { consumerStrategyName: 'RoundRobin' })
    const heard: number[][] = [[], []]
    const consumers = heard.map((own) => {
      const consumer = connect(2)
      consumer.on('data', (delivery) => {
        own.push(n(delivery as Delivery))
        void consumer.ack(delivery)
      })
      return consumer
    })
    await eventually(() => heard.flat().length === 40, 'all were delivered')
    await Promise.all(consumers.map((consumer) => consumer.unsubscribe()))
    assert.is(new Set(heard.flat()).size, 40)
    for (const own of heard) assert.ok(own.length > 0)
  })

  test('a group knows its consumers, and how many it may have', async () => {
    const { client } = world()
    const { connect, info } = await group(0, { maxSubscriberCount: 1 })
    const only = connect()
    only.on('data', () => {})
    await until(async () => (await info()).connections.length === 1, 'it is connected')
    assert.is((await info()).connections[0]!.connectionName, client.connectionName)
    await refused(acking(connect(), 1), 'maximum-subscribers-reached')
    await only.unsubscribe()
  })

  test('a deleted group drops its consumers', async () => {
    const { client } = world()
    const { stream, name, connect, info } = await group(0)
    const dropped = refused(acking(connect(), 1), 'persistent-subscription-dropped')
    await until(async () => (await info()).connections.length === 1, 'it is connected')
    await client.deletePersistentSubscriptionToStream(stream, name)
    await dropped
  })

  test('a restart of the subsystem drops consumers, and groups go on where they were', async () => {
    const { client } = world()
    const { connect } = await group(6, { checkPointLowerBound: 1, checkPointUpperBound: 1 })
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
    const { stream, connect } = await group(0, { resolveLinkTos: true })
    const taken = acking(connect(), 1)
    await write(stream, binaryEvent({ type: '$>', data: Buffer.from(`0@${target}`) }))
    const [delivery] = await taken
    assert.is(n(delivery!), 7)
    assert.is(delivery!.link!.streamId, stream)
  })
}

/** Asks again and again until it is so. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`)
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
