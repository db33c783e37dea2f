// The persistent subscriptions of docs/subscriptions.md, on the embedded event store, as their CLI and the consumer of the guide see them.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { duxnet, until } from '../e2e/program.ts'
import { type TestEventStore, testEventStore } from '../support/engines.ts'

const test = suite<{ store: TestEventStore; client: EventStoreDBClient }>('duxnet subscriptions')
const root = fileURLToPath(new URL('../..', import.meta.url))

test.before(async (context) => {
  context.store = await testEventStore()
  context.client = EventStoreDBClient.connectionString(context.store.connectionString)
})
test.after(async ({ store, client }) => {
  await client.dispose()
  await store.close()
})

const run = (store: TestEventStore, ...args: string[]) => duxnet(['subscriptions', ...args], { ESDB_URL: store.connectionString })

async function write(client: EventStoreDBClient, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID())
  for (const [n, id] of ids.entries())
    await client.appendToStream(`dux_escrow-${n % 5}`, jsonEvent({ id, type: 'EscrowOpened', data: {} }))
  await client.appendToStream('dux_node-1', jsonEvent({ type: 'NodeRegistered', data: {} }))
  return ids
}

test('one is made, listed, and deleted; what is wrong is said in a line', async ({ store }) => {
  assert.is((await run(store, 'create', 'audit')).code, 0)
  const again = await run(store, 'create', 'audit')
  assert.is(again.code, 1)
  assert.match(again.stderr, 'there is a subscription audit already')
  const [listed] = JSON.parse((await run(store, 'list', '--json')).stdout)
  assert.is(listed.name, 'audit')
  assert.is((await run(store, 'delete', 'audit')).code, 0)
  assert.match((await run(store, 'list', 'audit')).stderr, 'there is no subscription audit')
  for (const [args, said] of [
    [['create', 'x', '--category', 'nodes'], "there is no 'nodes'"],
    [['create', 'x', '--stream', 'other'], 'is no stream of dux'],
    [['create', 'x', '--category', 'node', '--type', 'NodeRegistered'], 'cannot go together'],
    [['create'], 'needs the name'],
    [['drop', 'x'], "there is no 'subscriptions drop'"],
  ] as const) {
    const { code, stderr } = await run(store, ...args)
    assert.is(code, 2, args.join(' '))
    assert.match(stderr, said)
  }
})

test('two consumers of the guide share the work; one is killed, and nothing is left undone', async ({ store, client }) => {
  const first = await write(client, 40)
  assert.is((await run(store, 'create', 'payouts', '--category', 'escrow')).code, 0)
  const text = readFileSync(join(root, 'docs/subscriptions.md'), 'utf8')
  const [, code] = /<!-- consumer:begin -->\n```js\n([\s\S]*?)```/.exec(text)!
  const script = join(root, '.test-work', `consumer-${process.pid}.mjs`)
  mkdirSync(join(root, '.test-work'), { recursive: true })
  writeFileSync(script, code!)
  const handled: string[][] = []
  const consumer = (): ChildProcess => {
    const own: string[] = []
    handled.push(own)
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, ESDB_URL: store.connectionString },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => own.push(...chunk.trim().split('\n')))
    return child
  }
  const consumers = [consumer(), consumer()]
  try {
    const ids = () => new Set(handled.flat().map((line) => line.split(' ')[0]))
    await until('the first are handled', async () => first.every((id) => ids().has(id)))
    const second = write(client, 60)
    consumers[0]!.kill('SIGKILL')
    const all = [...first, ...(await second)]
    await until('all are handled', async () => all.every((id) => ids().has(id)))
    assert.ok(
      handled.flat().every((line) => line.includes(' dux_escrow-')),
      'of other categories it hears nothing',
    )
  } finally {
    for (const child of consumers) child.kill('SIGKILL')
  }
})

test('an event is parked by hand, listed and replayed', async ({ store, client }) => {
  const [, second] = await write(client, 3)
  assert.is((await run(store, 'create', 'manual', '--type', 'EscrowOpened', '--from', 'start')).code, 0)
  const parked = await run(store, 'park', 'manual', '--event', second!)
  assert.is(parked.code, 0, parked.stderr)
  assert.match(parked.stdout, `${second} EscrowOpened`)
  await until('it is listed', async () => {
    const { parkedEvents } = JSON.parse((await run(store, 'list', 'manual', '--json')).stdout)
    return parkedEvents.length === 1 && parkedEvents[0].id === second
  })
  assert.is((await run(store, 'replay', 'manual')).code, 0)
})

test.run()
