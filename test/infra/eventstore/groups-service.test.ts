import { randomUUID } from 'node:crypto'
import {
  EventStoreDBClient,
  jsonEvent,
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
} from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { anonymousBytes, eventually, scratch, standalone, tick, withStore } from './support.ts'

const test = suite('groups: service')

const fromStart = (options: Parameters<typeof persistentSubscriptionToStreamSettingsFromDefaults>[0] = {}) =>
  persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...options })

/** Acknowledges messages until somebody has enough of them. */
async function consume(subscription: PersistentSubscriptionToStream, take: (revision: number) => boolean): Promise<void> {
  for await (const message of subscription) {
    await subscription.ack(message)
    if (!take(Number(message.event!.revision))) break
  }
  await subscription.unsubscribe()
}

test('a group whose names are beyond ASCII works, and is named in failures', async () => {
  await withStore(async (client) => {
    await client.appendToStream('größe', tick(1))
    await client.createPersistentSubscriptionToStream('größe', 'gruppe-ü', fromStart())
    await consume(client.subscribeToPersistentSubscriptionToStream('größe', 'gruppe-ü'), () => false)
    const error = await client.createPersistentSubscriptionToStream('größe', 'gruppe-ü', fromStart()).catch((error) => error)
    assert.is(error.type, 'persistent-subscription-exists')
    assert.is(decodeURIComponent(error.streamName), 'größe')
    assert.is(decodeURIComponent(error.groupName), 'gruppe-ü')
  })
})

test('what somebody else writes among the definitions of groups does no harm', async () => {
  const directory = scratch()
  await withStore(async (client) => {
    await client.createPersistentSubscriptionToStream('orders', 'kept', fromStart())
    const config = '$persistentSubscriptionConfig'
    await client.appendToStream(config, jsonEvent({ type: '$persistentSubscriptionDefined', data: { stream: 'orders' } }))
    await client.appendToStream(config, jsonEvent({ type: '$persistentSubscriptionDeleted', data: { group: 1 } }))
    await client.appendToStream(config, tick(1))
    await client.appendToStream('$persistentsubscription-orders::kept-checkpoint', tick(1))
  }, directory)
  await withStore(async (client) => {
    const groups = await client.listAllPersistentSubscriptions()
    assert.equal(
      groups.map(({ groupName }) => groupName),
      ['kept'],
    )
    await client.appendToStream('orders', tick(1))
    await consume(client.subscribeToPersistentSubscriptionToStream('orders', 'kept'), () => false)
  }, directory)
})

test('two events with one id are both delivered', async () => {
  await withStore(async (client) => {
    const id = randomUUID()
    for (let n = 0; n < 3; n++) {
      const event = jsonEvent({ id: n === 1 ? randomUUID() : id, type: 'Ticked', data: { n } })
      await client.appendToStream('orders', event, { expectedRevision: n === 0 ? 'no_stream' : BigInt(n - 1) })
    }
    await client.createPersistentSubscriptionToStream('orders', 'group', fromStart())
    const heard: number[] = []
    const subscription = client.subscribeToPersistentSubscriptionToStream('orders', 'group')
    await consume(subscription, (revision) => heard.push(revision) < 3)
    assert.equal(heard.sort(), [0, 1, 2])
  })
})

test('a consumer that takes nothing costs no memory and holds up nobody', async () => {
  const store = await standalone(['--mem-db'])
  const writer = EventStoreDBClient.connectionString(store.connectionString)
  const slow = EventStoreDBClient.connectionString(store.connectionString)
  const groups = Array.from({ length: 8 }, (_, n) => `group-${n}`)
  for (const group of groups)
    await writer.createPersistentSubscriptionToStream('large', group, fromStart({ messageTimeout: 1_000, maxRetryCount: 1_000 }))
  // Each asks for more at a time than there is, and takes none of it.
  const idle = groups.map((group) => slow.subscribeToPersistentSubscriptionToStream('large', group, { bufferSize: 10_000 }))
  await Promise.all(idle.map((subscription) => new Promise((resolve) => subscription.once('confirmation', resolve))))
  const before = anonymousBytes(store.process.pid!)
  const count = 100
  for (let n = 0; n < count; n++)
    await writer.appendToStream('large', jsonEvent({ type: 'Large', data: { text: 'x'.repeat(200_000) } }))
  // All events to all groups would be 160 MB.
  const grown = anonymousBytes(store.process.pid!) - before
  assert.ok(grown < 80e6, `it grew by ${Math.round(grown / 1e6)} MB`)

  const heard = new Set<number>()
  const fast = writer.subscribeToPersistentSubscriptionToStream('large', groups[0]!)
  consume(fast, (revision) => heard.add(revision).size < count)
  await eventually(() => heard.size === count, 'the other consumer of the group has heard everything')
  await slow.dispose()
  await writer.dispose()
  assert.is(await store.kill('SIGTERM'), 0)
})

test.run()
