// The program on engines that are not its own, and that go away under it.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { machineProfile } from '../../infra/agent/machine.ts'
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import { duxnet, type Program, scratch, startProgram, until } from './program.ts'

const test = suite('duxnet start on engines of others')
const directory = scratch()
const data = join(directory.path, 'data')
let eventStore: EmbeddedEventStore
let postgres: EmbeddedPostgres
let program: Program
let networkId: string

const startEventStore = async (port = 0) => {
  eventStore = await startEmbeddedEventStore({ directory: join(directory.path, 'eventstore'), port })
}
const startPostgres = async () => {
  postgres = await startEmbeddedPostgres({ directory: join(directory.path, 'postgres') })
}
/** No agent: what is in the log is what the tests put there. */
const engines = () => ({
  ESDB_URL: eventStore.connectionString,
  DATABASE_URL: postgres.url,
  DATABASE_READER_URL: postgres.readerUrl,
  DUXNET_ROLES: 'commands,queries,projector,processes',
})

test.before(async () => {
  await Promise.all([startEventStore(), startPostgres()])
  program = await startProgram(data, engines())
  networkId = program.run.networkId!
})
test.after(async () => {
  await program.kill()
  await Promise.all([eventStore.close(), postgres.close()])
  directory.remove()
})

function register(signer: Signer = signerFrom(generateSeed())): Envelope & { readonly nodeId: string } {
  const nodeId = nodeIdOf(signer.publicKey)
  const profile = machineProfile('test')
  const command = { commandId: randomUUID(), issuedAt: new Date().toISOString(), audience: networkId }
  return { ...signCommand(signer, { type: 'RegisterNode', subject: nodeId, data: { profile }, ...command }), nodeId }
}

async function send({ nodeId: _, ...envelope }: Envelope & { readonly nodeId?: string }) {
  const startedAt = performance.now()
  const answer = await fetch(new URL('/v1/commands', program.run.http), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(envelope),
  })
  const body = (await answer.json()) as { code?: string; outcome?: string; position?: string }
  return { status: answer.status, headers: answer.headers, body, seconds: (performance.now() - startedAt) / 1000 }
}

const shows = (nodeId: string) =>
  until(`node ${nodeId} is shown`, async () => (await program.get(`/v1/nodes/${nodeId}`)).status === 200)

test('the event store away: commands answer 503 within 3 s, queries go on, and afterwards so do commands', async () => {
  const before = register()
  assert.is((await send(before)).status, 201)
  await shows(before.nodeId)

  const { port } = eventStore
  await eventStore.close()
  const during = register()
  for (let n = 0; n < 3; n += 1) {
    const { status, headers, seconds } = await send(during)
    assert.is(status, 503)
    assert.ok(Number(headers.get('retry-after')) > 0)
    assert.ok(seconds < 3, `answered after ${seconds} s`)
  }
  assert.is((await program.get(`/v1/nodes/${before.nodeId}`)).status, 200)
  await until('it is not ready', async () => (await program.get('/readyz')).status === 503)
  assert.is((await program.get('/livez')).status, 200)

  await startEventStore(port)
  await until('the command is accepted', async () => [200, 201].includes((await send(during)).status))
  await shows(during.nodeId)
  await until('it is ready', async () => (await program.get('/readyz')).status === 200)
})

test('Postgres away: queries answer 503, commands go on, and the read models catch up', async () => {
  await postgres.close()
  const during = register()
  const { status } = await send(during)
  assert.is(status, 201)
  assert.is((await program.get(`/v1/nodes/${during.nodeId}`)).status, 503)
  const ready = await program.get<{ checks: { name: string }[] }>('/readyz')
  assert.is(ready.status, 503)
  assert.ok(ready.body.checks.some(({ name }) => name === 'postgres'))

  await startPostgres()
  await shows(during.nodeId)
  await until('it is ready', async () => (await program.get('/readyz')).status === 200)
})

test('after Postgres was emptied a repeated command gets its first answer, and the read models are built again', async () => {
  const envelope = register()
  const first = await send(envelope)
  assert.is(first.status, 201)
  await program.stop()
  await emptyPostgres()
  program = await startProgram(data, engines())
  const again = await send(envelope)
  assert.is(again.status, 200)
  assert.is(again.body.outcome, 'repeated')
  assert.is(again.body.position, first.body.position)
  await shows(envelope.nodeId)
  const { code, stdout, stderr } = await duxnet(['replay', '--live', '--data', data], {})
  assert.is(code, 0, stdout + stderr)
})

async function emptyPostgres(): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: postgres.adminUrl })
  await client.connect()
  await client.query('drop database duxnet with (force)')
  await client.query('create database duxnet owner duxnet')
  await client.end()
}

test('one that only answers queries needs neither event store nor keys', async () => {
  const env = { DATABASE_READER_URL: postgres.readerUrl, DUXNET_ROLES: 'queries' }
  const reader = await startProgram(join(directory.path, 'reader'), env)
  try {
    assert.is(reader.run.networkId, networkId)
    assert.is((await reader.get('/v1/nodes')).status, 200)
    assert.is((await reader.get('/readyz')).status, 200)
  } finally {
    assert.is((await reader.stop()).code, 0)
  }
})

test('where several keep the read models up, another goes on when the one at work is killed', async () => {
  const standby = await startProgram(join(directory.path, 'standby'), { ...engines(), DUXNET_ROLES: 'commands,queries,projector' })
  try {
    assert.is((await standby.get('/readyz')).status, 200)
    await program.kill()
    program = standby
    const envelope = register()
    assert.is((await send(envelope)).status, 201)
    await shows(envelope.nodeId)
  } finally {
    await standby.kill()
    program = await startProgram(data, engines())
  }
})

test('one with other keys than those of the log refuses to start', async () => {
  const other = join(directory.path, 'other')
  const founded = await startProgram(other, { DUXNET_ROLES: 'commands' })
  await founded.stop()
  const { code, stderr } = await duxnet(['start'], { DUXNET_DATA: other, ...engines() })
  assert.is(code, 1)
  assert.match(stderr, networkId)
})

test('requests in work are answered before it ends', async () => {
  const envelopes = Array.from({ length: 50 }, () => register())
  const answers = envelopes.map((envelope) => send(envelope).catch((error: Error) => error))
  const first = await Promise.race(answers)
  if (first instanceof Error) throw new Error(`${first.message}: ${first.cause}`)
  const { code } = await program.stop()
  assert.is(code, 0)
  for (const [n, answer] of (await Promise.all(answers)).entries()) {
    // A connection that nobody had taken yet when the port closed is refused or reset by the system.
    if (answer instanceof Error)
      assert.match(String((answer.cause as Error)?.message), /ECONNREFUSED|ECONNRESET/, `request ${n}: ${answer}`)
    else assert.is(answer.status, 201, `request ${n}`)
  }
  program = await startProgram(data, engines())
  for (const [n, answer] of (await Promise.all(answers)).entries())
    if (!(answer instanceof Error) && answer.status === 201) await shows(envelopes[n]!.nodeId)
})

test.run()
