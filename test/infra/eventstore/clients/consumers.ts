import * as assert from 'uvu/assert'
import { eventually } from '../support.ts'
import { type Acknowledged, acking, consume, type Delivery, groupOf, n, until } from './group-world.ts'
import type { Test, World } from './world.ts'

/** Persistent subscriptions: what consumers get, and what becomes of it. */
export function consumers(test: Test, world: () => World): void {
  test('a group delivers history and then what comes, in order, to whoever is connected', async () => {
    const { write, tick } = world()
    const { stream, connect, info } = await groupOf(world(), 5)
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
    const { connect } = await groupOf(world(), 2)
    const consumer = connect()
    const attempts: [number, number][] = []
    await consume(consumer, 4, async (delivery: Acknowledged & { retryCount: number }) => {
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
    const { stream, name, connect, info } = await groupOf(world(), 3)
    const consumer = connect()
    const nack = (delivery: Acknowledged) =>
      consumer.nack((['park', 'skip', 'park'] as const)[n(delivery as Delivery)]!, 'because', delivery)
    await consume(consumer, 3, nack, async () => (await info()).stats.parkedMessageCount === 2n)
    const again = connect()
    const replayed = acking(again, 2)
    await client.replayParkedMessagesToStream(stream, name)
    assert.equal((await replayed).map(n).sort(), [0, 2])
    await until(async () => (await info()).stats.parkedMessageCount === 0n, 'no message is parked')
  })

  test('a message that fails too often is parked', async () => {
    const { connect, info } = await groupOf(world(), 1, { maxRetryCount: 2 })
    const consumer = connect()
    const isParked = async () => (await info()).stats.parkedMessageCount === 1n
    await consume(consumer, 3, (delivery) => consumer.nack('retry', 'never', delivery), isParked)
  })

  test('what a consumer held when it left goes to the next one', async () => {
    const { another } = world()
    const { stream, name, connect } = await groupOf(world(), 5)
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
    const { connect } = await groupOf(world(), 40, { consumerStrategyName: 'RoundRobin' })
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
}
