import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { BACKWARDS, END, EventStoreDBClient, FORWARDS, START } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedEventStore } from '../../../infra/embedded/eventstore/start.ts'
import { scratch, tick, withStore } from './support.ts'

const test = suite('embedded event store')

async function everything(client: EventStoreDBClient) {
  const events = []
  for await (const { event } of client.readAll({ direction: FORWARDS, fromPosition: START })) {
    if (event) events.push({ ...event, created: event.created.getTime() })
  }
  return events
}

/** The error that must come. */
async function refusal(refused: Promise<unknown>): Promise<Error & { type?: string }> {
  try {
    await refused
  } catch (error) {
    return error as Error
  }
  throw new Error('it was not refused')
}

test('what was appended is there after a restart, and positions go on', async () => {
  const directory = scratch()
  let before: Awaited<ReturnType<typeof everything>> = []
  await withStore(async (client) => {
    for (let n = 0; n < 5; n++) await client.appendToStream('ticks', [tick(n), tick(n)])
    await client.tombstoneStream('gone')
    await client.appendToStream('nothing', [])
    before = await everything(client)
  }, directory)
  await withStore(async (client) => {
    assert.equal(await everything(client), before)
    const { position, nextExpectedRevision } = await client.appendToStream('ticks', tick(9))
    assert.is(nextExpectedRevision, 10n)
    assert.ok(position!.commit > before.at(-1)!.position!.commit + 1n, 'the position given to the empty append is not used again')
    assert.is((await refusal(client.appendToStream('gone', tick(1)))).type, 'stream-deleted')
  }, directory)
})

test('a request repeated after a restart is recognised', async () => {
  const directory = scratch()
  const event = tick(1)
  const answers: unknown[] = []
  for (let round = 0; round < 2; round++) {
    await withStore(async (client) => {
      const { nextExpectedRevision, position } = await client.appendToStream('ticks', event)
      answers.push({ nextExpectedRevision, position })
    }, directory)
  }
  assert.equal(answers[1], answers[0])
})

test('a data directory has one owner, and is free when that closes', async () => {
  const directory = scratch()
  const first = await startEmbeddedEventStore({ directory, port: 0 })
  assert.match(
    (await refusal(startEmbeddedEventStore({ directory, port: 0 }))).message,
    `the data directory ${directory} is in use by another event store`,
  )
  await first.close()
  await first.close()
  const second = await startEmbeddedEventStore({ directory, port: 0 })
  await second.close()
})

test('a port in use is named, and the directory is free again', async () => {
  const directory = scratch()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  assert.match((await refusal(startEmbeddedEventStore({ directory, port }))).message, `127.0.0.1:${port}: the port is in use`)
  other.close()
  await (await startEmbeddedEventStore({ directory, port: 0 })).close()
})

test('a directory that cannot be one is named', async () => {
  const { message } = await refusal(startEmbeddedEventStore({ directory: '/dev/null/eventstore', port: 0 }))
  assert.match(message, '/dev/null')
})

test('files that are no log are refused by name', async () => {
  const directory = scratch()
  writeFileSync(join(directory, 'log'), 'nonsense'.repeat(2_000))
  const { message } = await refusal(startEmbeddedEventStore({ directory, port: 0 }))
  assert.match(message, `the log in ${directory} cannot be opened`)
})

test('a log of the former format is refused, and what to do is said', async () => {
  const directory = scratch()
  writeFileSync(join(directory, 'log.mdb'), '')
  const { message } = await refusal(startEmbeddedEventStore({ directory, port: 0 }))
  assert.match(message, /former format.*export it with the version that wrote it/)
  assert.equal(readdirSync(directory).sort(), ['hold', 'log.mdb'], 'nothing was made of it')
})

test('in memory nothing is left, not even while it runs', async () => {
  const temporary = () => readdirSync(process.env.TMPDIR ?? '/tmp').filter((name) => name.startsWith('duxnet-eventstore-mem'))
  const before = temporary()
  await withStore(async (client) => {
    await client.appendToStream('ticks', tick(1))
    assert.equal(temporary(), before)
    assert.is((await everything(client)).filter(({ streamId }) => streamId === 'ticks').length, 1)
  })
})

test('the first events are of the system, and clients meet their own after them', async () => {
  await withStore(async (client) => {
    const seeded = await everything(client)
    assert.ok(seeded.length >= 3)
    assert.ok(seeded.every(({ type }) => type.startsWith('$')))
    await client.appendToStream('ticks', tick(1))
    for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }))
      assert.is(event?.streamId, 'ticks')
  })
})

test('close ends open subscriptions, which clients notice', async () => {
  const store = await startEmbeddedEventStore({ directory: undefined, port: 0 })
  const client = EventStoreDBClient.connectionString(store.connectionString)
  const subscription = client.subscribeToAll({ fromPosition: START })
  await new Promise((resolve) => subscription.once('confirmation', resolve))
  const ended = new Promise<Error>((resolve) => subscription.once('error', resolve))
  await store.close()
  assert.is(((await ended) as { type?: string }).type, 'unavailable')
  await client.dispose()
})

test.run()
