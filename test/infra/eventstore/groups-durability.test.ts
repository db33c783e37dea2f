import {
  persistentSubscriptionToAllSettingsFromDefaults as allSettings,
  END,
  EventStoreDBClient,
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
  streamNameFilter,
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

/** What a client knows of one group: which events it has acknowledged or had parked, and how far the checkpoint was. */
class Reader {
  readonly acknowledged = new Set<number>()
  readonly #parked = new Set<number>()
  readonly #group: 'stream' | 'all'
  heard = 0
  checkpoint = -1

  constructor(group: 'stream' | 'all') {
    this.#group = group
  }

  create(client: EventStoreDBClient): Promise<void> {
    const often = { checkPointLowerBound: 1, checkPointUpperBound: 7, checkPointAfter: 200, historyBufferSize: 60 }
    if (this.#group === 'stream') return client.createPersistentSubscriptionToStream('orders', 'group', settings(often))
    const filter = streamNameFilter({ prefixes: ['orders'] })
    return client.createPersistentSubscriptionToAll('group', allSettings({ startFrom: START, ...often }), { filter })
  }

  replay(client: EventStoreDBClient): Promise<void> {
    return this.#group === 'stream'
      ? client.replayParkedMessagesToStream('orders', 'group')
      : client.replayParkedMessagesToAll('group')
  }

  /** Everything up to the checkpoint was acknowledged or parked, and it never goes back. */
  async check(client: EventStoreDBClient): Promise<void> {
    const found = await this.#revisionOfCheckpoint(client)
    assert.ok(found >= this.checkpoint, `the checkpoint went back from ${this.checkpoint} to ${found}`)
    for (let revision = 0; revision <= found; revision++)
      assert.ok(this.acknowledged.has(revision) || this.#parked.has(revision), `${revision} is owed below the checkpoint ${found}`)
    this.checkpoint = found
  }

  /** Reads until the server dies. Some messages it wants parked, some again. */
  async run(client: EventStoreDBClient, parks: boolean): Promise<void> {
    const options = { bufferSize: 1 + below(20) }
    const subscription =
      this.#group === 'stream'
        ? client.subscribeToPersistentSubscriptionToStream('orders', 'group', options)
        : client.subscribeToPersistentSubscriptionToAll('group', options)
    try {
      for await (const message of subscription) {
        const revision = Number(message.event!.revision)
        const chance = random()
        this.heard++
        if (parks && chance < 0.1) {
          this.#parked.add(revision)
          await subscription.nack('park', 'not today', message)
        } else if (parks && chance < 0.2) await subscription.nack('retry', 'once more', message)
        else {
          this.acknowledged.add(revision)
          await subscription.ack(message)
        }
      }
    } catch {
      // the server was killed
    }
  }

  async #revisionOfCheckpoint(client: EventStoreDBClient): Promise<number> {
    if (this.#group === 'stream') {
      const { stats } = await client.getPersistentSubscriptionToStreamInfo('orders', 'group')
      return Number(stats.lastCheckpointedEventRevision ?? -1)
    }
    const { stats } = await client.getPersistentSubscriptionToAllInfo('group')
    const position = stats.lastCheckpointedEventPosition?.commit ?? -1n
    let last = -1
    for await (const { event } of client.readStream('orders'))
      if (event!.position!.commit <= position) last = Number(event!.revision)
    return last
  }
}

test('killed in the middle of a delivery, again and again: every event comes, and the checkpoint never goes back or ahead', async () => {
  const directory = scratch()
  const rounds = isLong ? 100 : 3
  const readers = [new Reader('stream'), new Reader('all')]
  const appended = new Set<number>()
  for (let round = 0; round <= rounds; round++) {
    const isLast = round === rounds
    await life(directory, async (client, store) => {
      if (round === 0) for (const reader of readers) await reader.create(client)
      await client.appendToStream('orders', tick(0)).then(({ nextExpectedRevision }) => appended.add(Number(nextExpectedRevision)))
      for (const reader of readers) await reader.check(client)
      let going = !isLast
      const writing = (async () => {
        while (going) {
          const { nextExpectedRevision } = await client.appendToStream('orders', [tick(1), tick(2), tick(3)])
          for (let n = 0n; n < 3n; n++) appended.add(Number(nextExpectedRevision - n))
        }
      })().catch(() => {})
      const enough = readers.map((reader) => reader.heard + 20 + below(150))
      const reading = readers.map((reader) => reader.run(client, !isLast))
      if (isLast) {
        for (const reader of readers) await reader.replay(client)
        const all = () => readers.every(({ acknowledged }) => [...appended].every((revision) => acknowledged.has(revision)))
        await eventually(all, 'every event has come')
      } else await eventually(() => readers.every(({ heard }, n) => heard >= enough[n]!), 'some events have come')
      going = false
      store.process.kill('SIGKILL')
      await Promise.all([writing, ...reading])
    })
  }
  for (const { checkpoint } of readers) assert.ok(checkpoint > 0, 'the checkpoint advanced')
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
