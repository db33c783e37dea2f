import { once } from 'node:events'
import { EventStoreDBClient, excludeSystemEvents, jsonEvent, START, streamNameFilter } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { anonymousBytes, eventually, isLong, randomFrom, scratch, seed, standalone, tick, withStore } from './support.ts'

const test = suite(`eventstore concurrency (seed ${seed})`)
const random = randomFrom(seed)

const manyAppends = isLong ? 10_000 : 3000
test(`${manyAppends} appends at once to one stream all succeed, each at a revision of its own`, async () => {
  await withStore(async (client) => {
    const appends = Array.from({ length: manyAppends }, (_, n) => client.appendToStream('ticks', tick(n)))
    const results = await Promise.all(appends)
    assert.is(new Set(results.map(({ nextExpectedRevision }) => nextExpectedRevision)).size, manyAppends)
    const byRevision = results.sort((a, b) => Number(a.nextExpectedRevision - b.nextExpectedRevision))
    assert.ok(byRevision.every(({ position }, n) => n === 0 || position!.commit > byRevision[n - 1]!.position!.commit))
    let read = 0
    for await (const { event } of client.readStream('ticks')) assert.is(event!.revision, BigInt(read++))
    assert.is(read, manyAppends)
  }, scratch())
})

test('of writers that expect the same revision one wins, again and again', async () => {
  await withStore(async (client) => {
    for (let revision = -1n; revision < 10n; revision++) {
      const expectedRevision = revision < 0n ? 'no_stream' : revision
      const attempts = Array.from({ length: 20 }, (_, n) =>
        client.appendToStream('ticks', tick(n), { expectedRevision }).catch((error) => error.type),
      )
      const results = await Promise.all(attempts)
      assert.is(results.filter((result) => result === 'wrong-expected-version').length, 19)
    }
  })
})

test('subscribers hear every event once and in one order, while writers write and connections come and go', async () => {
  const [subscribers, events, writers] = isLong ? [100, 50_000, 16] : [10, 1_600, 8]
  await withStore(async (client, store) => {
    const heard = Array.from({ length: subscribers }, (): string[] => [])
    let isOver = false

    async function subscriber(log: string[], index: number): Promise<void> {
      let position: { commit: bigint; prepare: bigint } | undefined
      while (log.length < events) {
        // Each connection takes some events and breaks off; the next goes on from there.
        const own = EventStoreDBClient.connectionString(store.connectionString)
        const filter = index % 2 ? streamNameFilter({ prefixes: ['writer-'] }) : excludeSystemEvents()
        const subscription = own.subscribeToAll({ fromPosition: position ?? START, filter })
        const enough = isOver ? events : log.length + 1 + Math.floor(random() * events)
        for await (const { event } of subscription) {
          position = event!.position!
          log.push(`${event!.streamId}@${event!.revision}`)
          if (log.length >= Math.min(enough, events)) break
        }
        await own.dispose()
      }
    }

    const listening = Promise.all(heard.map(subscriber))
    const each = events / writers
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let n = 0; n < each; ) {
          const size = Math.min(each - n, 1 + Math.floor(random() * 4))
          await client.appendToStream(
            `writer-${writer}`,
            Array.from({ length: size }, (_, k) => tick(n + k)),
          )
          n += size
        }
      }),
    )
    isOver = true
    await listening
    const order: string[] = []
    for await (const { event } of client.readAll())
      if (event!.streamId.startsWith('writer-')) order.push(`${event!.streamId}@${event!.revision}`)
    assert.is(order.length, events)
    for (const log of heard) assert.equal(log, order)
  }, scratch())
})

test('a subscriber to a stream hears what others append in the order of its revisions', async () => {
  await withStore(async (client) => {
    const subscription = client.subscribeToStream('ticks', { fromRevision: START })
    const heard: bigint[] = []
    const listening = (async () => {
      for await (const { event } of subscription) if (heard.push(event!.revision) === 1_000) break
    })()
    await Promise.all(Array.from({ length: 500 }, (_, n) => client.appendToStream('ticks', [tick(n), tick(n)])))
    await listening
    assert.equal(
      heard,
      Array.from({ length: 1_000 }, (_, n) => BigInt(n)),
    )
  })
})

test('a filtered subscriber goes on from its last checkpoint and misses nothing', async () => {
  await withStore(async (client) => {
    const checkpoints: { commit: bigint; prepare: bigint }[] = []
    const filter = streamNameFilter({
      prefixes: ['wanted'],
      maxSearchWindow: 5,
      checkpointReached: async (_, position) => {
        checkpoints.push(position)
      },
    })
    for (let n = 0; n < 100; n++) await client.appendToStream(n % 10 === 9 ? 'wanted' : 'other', tick(n))
    const first = client.subscribeToAll({ fromPosition: START, filter })
    const met: number[] = []
    for await (const { event } of first) if (met.push((event!.data as { n: number }).n) === 5) break
    await eventually(() => checkpoints.length > 0, 'a checkpoint is reached')
    const after = checkpoints.at(-1)!
    await first.unsubscribe()
    const second = client.subscribeToAll({ fromPosition: after, filter: streamNameFilter({ prefixes: ['wanted'] }) })
    for await (const { event } of second) {
      const { n } = event!.data as { n: number }
      if (!met.includes(n)) met.push(n)
      if (met.length === 10) break
    }
    assert.equal(met, [9, 19, 29, 39, 49, 59, 69, 79, 89, 99])
  })
})

test('subscribers that take nothing cost no memory while others take everything, and then get everything', async () => {
  const store = await standalone(['--mem-db'])
  const [client, slow, quick] = [0, 0, 0].map(() => EventStoreDBClient.connectionString(store.connectionString))
  const subscribe = (by: EventStoreDBClient) => by.subscribeToStream('large', { fromRevision: START })
  const idle = Array.from({ length: 8 }, () => subscribe(slow!))
  await Promise.all(idle.map((subscription) => once(subscription, 'confirmation')))
  const before = anonymousBytes(store.process.pid!)
  const count = isLong ? 1_000 : 100

  async function hearAll(subscription: ReturnType<typeof subscribe>): Promise<void> {
    let heard = 0n
    for await (const { event } of subscription) {
      assert.is(event!.revision, heard++)
      if (heard === BigInt(count)) break
    }
  }

  const listening = Promise.all([hearAll(subscribe(quick!)), hearAll(subscribe(quick!))])
  for (let n = 0; n < count; n++)
    await client!.appendToStream('large', jsonEvent({ type: 'Large', data: { text: 'x'.repeat(200_000) } }))
  await listening
  // All events to all of them would be 160 MB, or 1.6 GB.
  const grown = anonymousBytes(store.process.pid!) - before
  assert.ok(grown < 80e6, `it grew by ${Math.round(grown / 1e6)} MB`)
  await hearAll(idle[0]!)
  for (const each of [slow!, quick!, client!]) await each.dispose()
  assert.is(await store.kill('SIGTERM'), 0)
})

test.run()
