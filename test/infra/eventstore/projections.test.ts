// The projections of the system: every event linked exactly once and in order, whatever happens to the server.
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLong, randomFrom, scratch, seed, standalone, tick, withStore } from './support.ts'

const test = suite(`system projections (seed ${seed})`)
const random = randomFrom(seed)

/** The data of each event of a stream; nothing when there is no such stream. */
async function dataOf(client: EventStoreDBClient, stream: string): Promise<string[]> {
  const data: string[] = []
  try {
    for await (const { event, link } of client.readStream(stream)) {
      const { data: bytes } = (link ?? event)!
      data.push(bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : JSON.stringify(bytes))
    }
  } catch (error) {
    if ((error as { type?: string }).type !== 'stream-not-found') throw error
  }
  return data
}

/** Polls until the projections have looked at everything that was appended before. */
async function projected(client: EventStoreDBClient): Promise<void> {
  const { position } = await client.appendToStream('marker', tick(1, 'Marked'))
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const all = await client.listProjections()
    const running = all.filter(({ status }) => status === 'Running')
    if (running.every((projection) => BigInt(/^C:(\d+)/.exec(projection.position)![1]!) >= position!.commit)) return
  }
  throw new Error('the projections did not catch up')
}

interface Source {
  readonly stream: string
  readonly revision: bigint
  readonly type: string
}

/** What the log holds of users' streams, in its order. */
async function sources(client: EventStoreDBClient): Promise<Source[]> {
  const found: Source[] = []
  for await (const { event } of client.readAll()) {
    if (!event!.streamId.startsWith('$')) found.push({ stream: event!.streamId, revision: event!.revision, type: event!.type })
  }
  return found
}

/** Holds every derived stream to what the log says. */
async function check(client: EventStoreDBClient): Promise<number> {
  await projected(client)
  const all = await sources(client)
  const expected = new Map<string, string[]>()
  const expect = (stream: string, data: string) => expected.set(stream, [...(expected.get(stream) ?? []), data])
  for (const { stream, revision, type } of all) {
    expect(`$et-${type}`, `${revision}@${stream}`)
    const category = stream.includes('-') ? stream.split('-')[0]! : undefined
    if (category) expect(`$ce-${category}`, `${revision}@${stream}`)
    if (category && revision === 0n) expect(`$category-${category}`, stream)
  }
  for (const [stream, data] of expected) assert.equal(await dataOf(client, stream), data, stream)
  const created = all.filter(({ revision }) => revision === 0n).map(({ stream }) => `0@${stream}`)
  assert.equal(
    (await dataOf(client, '$streams')).filter((data) => !data.startsWith('0@$')),
    created,
  )
  return all.length
}

test('kill -9 at random moments: every event is linked once, in the order of the log', async () => {
  const directory = scratch()
  let count = 0
  for (let round = 0; round < (isLong ? 60 : 3); round++) {
    const store = await standalone(['--db', directory, '--start-standard-projections'])
    const client = EventStoreDBClient.connectionString(store.connectionString)
    let going = true
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; going; n++) {
        const stream = `${['orders', 'carts', 'plain'][writer % 3]}${writer % 4 === 3 ? '' : `-${round}-${n % 5}`}`
        const events = Array.from({ length: 1 + (n % 4) }, () => tick(n, `Type${n % 3}`))
        if (!(await client.appendToStream(stream, events).catch(() => undefined))) return
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 400))
    await store.kill('SIGKILL')
    going = false
    await Promise.all(writers)
    await client.dispose()
  }
  const store = await standalone(['--db', directory, '--start-standard-projections'])
  const client = EventStoreDBClient.connectionString(store.connectionString)
  try {
    count = await check(client)
  } finally {
    await client.dispose()
    assert.is(await store.kill('SIGTERM'), 0)
  }
  assert.ok(count > 100, `${count} events were written`)
})

test('a projection that was off catches up, one that is reset begins again, and what is hidden stays hidden', async () => {
  await withStore(async (client) => {
    await client.appendToStream('orders-1', [tick(1), tick(2)])
    assert.equal(
      (await client.listProjections()).map(({ status }) => status),
      ['Stopped', 'Stopped', 'Stopped', 'Stopped', 'Stopped'],
    )
    assert.equal(await dataOf(client, '$ce-orders'), [])
    for (const name of ['$by_category', '$streams', '$by_event_type', '$stream_by_category']) await client.enableProjection(name)
    await check(client)
    await client.disableProjection('$by_category')
    await client.appendToStream('orders-2', tick(3))
    await client.resetProjection('$by_category')
    assert.equal(await dataOf(client, '$ce-orders'), ['0@orders-1', '1@orders-1'])
    await client.enableProjection('$by_category')
    await check(client)
    await client.appendToStream('orders-1', tick(4))
    await check(client)
  })
})

test('links are followed once, and correlation ids may be numbers', async () => {
  await withStore(async (client) => {
    for (const name of ['$by_category', '$by_event_type', '$by_correlation_id']) await client.enableProjection(name)
    const link = (data: string) => ({
      ...jsonEvent({ type: '$>', data: {} }),
      contentType: 'application/octet-stream' as const,
      data: Buffer.from(data),
    })
    await client.appendToStream('target', [tick(1), tick(2)])
    await client.appendToStream('links-1', ['01@target', '-1@target', '9@target', 'nonsense', '0@links-1'].map(link) as never)
    await projected(client)
    await client.appendToStream('target', [
      { ...tick(3), metadata: { $correlationId: 7 } },
      { ...tick(4), metadata: { $correlationId: {} } },
    ])
    await projected(client)
    assert.equal(await dataOf(client, '$ce-links'), ['1@target', '1@target', '9@target', 'nonsense', '01@target'])
    assert.equal(await dataOf(client, '$bc-7'), ['2@target'])
    assert.equal(await dataOf(client, '$bc-[object Object]'), [])
    assert.equal(await dataOf(client, '$et-Ticked'), ['0@target', '1@target', '2@target', '3@target'])
  })
})

test.run()
