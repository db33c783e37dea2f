// Two programs with the same work on the same engines: one leads, and whoever takes over finds everything as it was left.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import { allSettled, type Books, deals, type Party } from './deals.ts'
import { duxnet, type Program, scratch, startProgram } from './program.ts'

const test = suite('settlement, several at once')
const directory = scratch()
const atOnce = 8
let eventStore: EmbeddedEventStore
let postgres: EmbeddedPostgres
let one: Program
let other: Program
let current: Program
let parties: readonly [client: Party, provider: Party]
let sold = 0
const { open, hold, start, deliver, release, party } = deals(() => current)

test.before(async () => {
  ;[eventStore, postgres] = await Promise.all([
    startEmbeddedEventStore({ directory: join(directory.path, 'eventstore'), port: 0 }),
    startEmbeddedPostgres({ directory: join(directory.path, 'postgres') }),
  ])
  one = current = await startProgram(join(directory.path, 'one'), engines())
  cpSync(join(directory.path, 'one', 'keys'), join(directory.path, 'other', 'keys'), { recursive: true })
  other = await startProgram(join(directory.path, 'other'), engines())
  parties = [await party('client'), await party('provider')]
})
test.after(async () => {
  await Promise.all([one.kill(), other.kill()])
  await Promise.all([eventStore.close(), postgres.close()])
  directory.remove()
})

const engines = () => ({
  ESDB_URL: eventStore.connectionString,
  DATABASE_URL: postgres.url,
  DUXNET_ROLES: 'commands,queries,projector,processes',
})

/** Sells as many as fit at once, through the current program. */
async function sell(): Promise<void> {
  const [client, provider] = parties
  const first = sold
  sold += atOnce
  await Promise.all(
    Array.from({ length: atOnce }, async (_, n) => {
      const id = await open(`sale ${first + n}`, client, provider)
      await hold(id, client)
      await start(id, provider)
      await deliver(id, provider)
      await release(id, client)
    }),
  )
}

async function inOrder(): Promise<Books> {
  const books = await allSettled(() => current, sold)
  assert.equal(books.accounts, {
    fund: String(50 * sold),
    'outside:test': '-2000000',
    [`wallet:${parties[0].walletId}`]: String(1_000_000 - 1000 * sold),
    [`wallet:${parties[1].walletId}`]: String(1_000_000 + 950 * sold),
  })
  for (const type of ['EscrowFunded', 'HoldCaptured', 'CreditPosted'])
    assert.is(books.events.filter((event) => event.startsWith(`${type} `)).length, sold, type)
  return books
}

test('while one leads, commands go in at the other', async () => {
  current = other
  await sell()
  await inOrder()
})

test('a leader that stalls is followed, and does no harm when it goes on', async () => {
  const selling = sell()
  one.child.kill('SIGSTOP')
  // As when its machine was cut off: its locks are free, and it does not know.
  await endSessions('duxnet leader %')
  await selling
  await inOrder()
  const more = sell()
  one.child.kill('SIGCONT')
  await more
  await inOrder()
})

async function endSessions(name: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.adminUrl })
  await client.connect()
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1', [name])
  await client.end()
}

test('a leader that is killed is followed', async () => {
  current = one
  const selling = sell()
  await other.kill()
  await selling
  await inOrder()
  const { code, stdout, stderr } = await duxnet(['projections', 'verify', '--data', join(directory.path, 'one')], {})
  assert.is(code, 0, stdout + stderr)
})

test.run()
