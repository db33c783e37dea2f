import {
  END,
  EventStoreDBClient,
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
} from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventually, isLong, randomFrom, type Standalone, scratch, seed, standalone, tick } from './support.ts'

const test = suite(`groups: durability (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)

const settings = (options: Parameters<typeof persistentSubscriptionToStreamSettingsFromDefaults>[0]) =>
  persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...options })

/** Messages of a group, one by one, until somebody breaks off or the server goes. */
async function consume(
  subscription: PersistentSubscriptionToStream,
  take: (revision: number) => Promise<boolean> | boolean,
): Promise<void> {
  try {
    for await (const message of subscription) {
      if (!(await take(Number(message.event!.revision)))) break
      await subscription.ack(message)
    }
    await subscription.unsubscribe()
  } catch {
    // the server was killed
  }
}

/** What runs against one process of the server, from its start to its sudden end. */
async function life(directory: string, run: (client: EventStoreDBClient, store: Standalone) => Promise<void>): Promise<void> {
  const store = await standalone(['--db', directory])
  const client = EventStoreDBClient.connectionString(store.connectionString)
  try {
    await run(client, store)
  } finally {
    await store.kill('SIGKILL')
    await client.dispose().catch(() => {})
  }
}

test('killed in the middle of a delivery, again and again: every event comes, and the checkpoint never goes back or ahead', async () => {
  const directory = scratch()
  const rounds = isLong ? 100 : 3
  const acknowledged = new Set<number>()
  const appended = new Set<number>()
  let checkpoint = -1
  await life(directory, (client) =>
    client.createPersistentSubscriptionToStream(
      'orders',
      'group',
      settings({ checkPointLowerBound: 1, checkPointUpperBound: 7, checkPointAfter: 200, historyBufferSize: 60 }),
    ),
  )
  for (let round = 0; round <= rounds; round++) {
    await life(directory, async (client, store) => {
      const { stats } = await client.getPersistentSubscriptionToStreamInfo('orders', 'group')
      const found = Number(stats.lastCheckpointedEventRevision ?? -1)
      assert.ok(found >= checkpoint, `the checkpoint went back from ${checkpoint} to ${found}`)
      for (let revision = 0; revision <= found; revision++)
        assert.ok(acknowledged.has(revision), `${revision} was not acknowledged`)
      checkpoint = found
      const isLast = round === rounds
      let going = true
      const writing = (async () => {
        while (going && !isLast) {
          const { nextExpectedRevision } = await client.appendToStream('orders', [tick(1), tick(2), tick(3)])
          for (let n = 0n; n < 3n; n++) appended.add(Number(nextExpectedRevision - n))
        }
      })().catch(() => {})
      const until = 20 + below(150)
      let heard = 0
      const subscription = client.subscribeToPersistentSubscriptionToStream('orders', 'group', { bufferSize: 1 + below(20) })
      const reading = consume(subscription, (revision) => {
        acknowledged.add(revision)
        heard++
        return true
      })
      if (isLast) await eventually(() => [...appended].every((revision) => acknowledged.has(revision)), 'every event has come')
      else await eventually(() => heard >= until, 'some events have come')
      going = false
      store.process.kill('SIGKILL')
      await writing
      await reading
    })
  }
  assert.ok(checkpoint > 0, 'the checkpoint advanced')
})

test('a group that begins at the end begins there after a crash too, though it has no checkpoint yet', async () => {
  const directory = scratch()
  await life(directory, async (client) => {
    await client.appendToStream('orders', [tick(1), tick(2)])
    await client.createPersistentSubscriptionToStream('orders', 'group', settings({ startFrom: END }))
    await client.appendToStream('orders', [tick(3), tick(4)])
  })
  await life(directory, async (client) => {
    const heard: number[] = []
    const subscription = client.subscribeToPersistentSubscriptionToStream('orders', 'group')
    await consume(subscription, (revision) => heard.push(revision) < 2)
    assert.equal(heard, [2, 3])
  })
})

test('what was parked, and what was being replayed when the server died, comes', async () => {
  const directory = scratch()
  await life(directory, async (client) => {
    await client.appendToStream('orders', [tick(1), tick(2), tick(3), tick(4)])
    await client.createPersistentSubscriptionToStream('orders', 'group', settings({ checkPointUpperBound: 1 }))
    const subscription = client.subscribeToPersistentSubscriptionToStream('orders', 'group')
    let parked = 0
    for await (const message of subscription) {
      await subscription.nack('park', 'not today', message)
      if (++parked === 4) break
    }
    await parkedCount(client, 4)
    await client.replayParkedMessagesToStream('orders', 'group', { stopAt: 3 })
    await parkedCount(client, 1)
  })
  await life(directory, async (client) => {
    await parkedCount(client, 1)
    const subscription = client.subscribeToPersistentSubscriptionToStream('orders', 'group')
    const heard: number[] = []
    await consume(subscription, (revision) => heard.push(revision) > 0 && heard.length < 3)
    assert.equal(heard, [0, 1, 2])
    await client.replayParkedMessagesToStream('orders', 'group')
    const rest: number[] = []
    const again = client.subscribeToPersistentSubscriptionToStream('orders', 'group')
    await consume(again, (revision) => rest.push(revision) > 0 && !rest.includes(3))
    assert.ok(rest.includes(3))
  })
})

async function parkedCount(client: EventStoreDBClient, wanted: number): Promise<void> {
  let found = -1
  for (const end = Date.now() + 30_000; found !== wanted; ) {
    const { stats } = await client.getPersistentSubscriptionToStreamInfo('orders', 'group')
    found = Number(stats.parkedMessageCount)
    if (Date.now() > end) throw new Error(`${found} messages are parked, not ${wanted}`)
  }
}

test.run()
