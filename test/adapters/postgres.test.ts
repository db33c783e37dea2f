import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { becomeLeader } from '../../adapters/postgres/advisory-lock.ts'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import type { CopyColumns, CopyRow } from '../../adapters/postgres/copy-format.ts'
import { openReader, openWriter, type Postgres } from '../../adapters/postgres/pool.ts'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import { clusterDirectory, type TestPostgres, testPostgres } from '../support/engines.ts'

type Tables = { numbers: { id: bigint; text: string | null } }

const postgres = suite('postgres adapter')
let server: TestPostgres
let writer: Postgres<Tables>
let reader: Postgres<Tables>

postgres.before(async () => {
  server = await testPostgres()
  writer = openWriter<Tables>({ url: server.url })
  reader = openReader<Tables>({ url: server.readerUrl })
  await writer.pool.query('create table numbers (id bigint primary key, text text); grant select on numbers to public')
})

postgres.after(async () => {
  await Promise.all([writer.close(), reader.close()])
  await server.close()
})

const failure = (work: Promise<unknown>) =>
  work.then(
    () => assert.unreachable('it succeeded'),
    (error) => error,
  )

/** All sessions of `application` are ended by the server, as an operator would. */
const terminate = (application: string) =>
  writer.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [application])

async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const started = performance.now(); !(await condition()); await sleep(10)) {
    if (performance.now() - started > 20_000) throw new Error(`waited in vain until ${what}`)
  }
}

postgres('int8 is a bigint, in whatever size', async () => {
  const ids = [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n]
  await writer.db
    .insertInto('numbers')
    .values(ids.map((id) => ({ id, text: null })))
    .execute()
  const rows = await reader.db.selectFrom('numbers').select('id').orderBy('id').execute()
  assert.equal(
    rows.map((row) => row.id),
    [-1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n],
  )
})

postgres('queries cannot write, and are cancelled when they take too long', async () => {
  assert.is((await failure(reader.db.deleteFrom('numbers').execute())).code, '25006')
  const { rows } = await reader.pool.query('show statement_timeout')
  assert.equal(rows, [{ statement_timeout: '5s' }])
  const error = await failure(
    reader.db.transaction().execute(async (trx) => {
      await sql`set local statement_timeout = 50`.execute(trx)
      await sql`select pg_sleep(30)`.execute(trx)
    }),
  )
  assert.is(error.code, '57014')
  assert.not(isUnavailable(error), 'a slow query is not an absent server')
})

postgres('connections that the server ends are replaced, whether idle, waiting or in a transaction', async () => {
  const told: Error[] = []
  const own = openWriter<Tables>({ url: withApplication('broken'), log: (_message, error) => told.push(error) })
  await own.ping()
  await terminate('broken')
  await eventually(() => told.length === 1, 'the broken idle connection is reported')
  await own.ping()

  const slept = failure(own.pool.query('select pg_sleep(30)'))
  await eventually(async () => (await terminate('broken')).rowCount! > 0, 'the sleeper is ended')
  assert.ok(isUnavailable(await slept))

  const cut = await failure(
    own.db.transaction().execute(async (trx) => {
      await sql`select 1`.execute(trx)
      await terminate('broken')
      await eventually(() => told.length >= 2, 'the connection inside the transaction broke')
      await sql`select 2`.execute(trx)
    }),
  )
  assert.ok(isUnavailable(cut), String(cut))
  await own.ping()
  await own.close()
})

function withApplication(name: string): string {
  const url = new URL(server.url)
  url.searchParams.set('application_name', name)
  return url.href
}

postgres('a full pool is an unavailable server, after two seconds', async () => {
  const own = openReader({ url: server.readerUrl, connections: 1 })
  const busy = await own.pool.connect()
  assert.ok(isUnavailable(await failure(own.ping())))
  busy.release()
  await own.ping()
  await own.close()
  assert.ok(isUnavailable(await failure(own.ping())), 'so is a closed one')
})

postgres('a server that is stopped, starting, or does not answer is unavailable; a wrong query is not', async () => {
  const directory = await clusterDirectory()
  const other = await startEmbeddedPostgres({ directory })
  const own = openReader({ url: other.readerUrl })
  await own.ping()
  await other.close()
  assert.ok(isUnavailable(await failure(own.ping())))
  assert.ok(isUnavailable(await failure(own.ping())), 'also when asked again')
  await own.close()
  await rm(directory, { recursive: true, force: true })

  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' ? address!.port : 0
  const deaf = openReader({ url: `postgres://user@127.0.0.1:${port}/none` })
  assert.ok(isUnavailable(await failure(deaf.ping())))
  await deaf.close()
  silent.close()
  await once(silent, 'close')
  const nobody = openReader({ url: `postgres://user@localhost:${port}/none` })
  assert.ok(isUnavailable(await failure(nobody.ping())), 'both addresses of a name refuse')
  await nobody.close()

  for (const code of ['57P03', '53300', '08006']) assert.ok(isUnavailable(Object.assign(new Error(), { code })), code)
  assert.not(isUnavailable(await failure(writer.pool.query('select wrong'))))
  assert.not(isUnavailable('a text'))
})

postgres('COPY brings every value as an INSERT would', async () => {
  const texts = [
    '',
    ' ',
    '\\',
    '\\N',
    '\\.',
    'a\tb',
    'a\nb',
    'a\r\nb',
    '\\t',
    '\v\b\f\u001f',
    '"',
    "'",
    '{}',
    'NULL',
    'ä€😀\u2028',
    '\u{10ffff}',
  ]
  const rows: CopyRow[] = texts.map((text, id) => ({
    id,
    text,
    big: [2n ** 63n - 1n, -(2n ** 63n), 2 ** 53 - 1, -(2 ** 53 - 1), -1, 2 ** 32][id % 6]!,
    flag: id % 2 === 0,
    bytes: Buffer.from(text).subarray(0, 3),
    list: id % 3 ? [text, null, 'x'] : [],
    json: { text, list: [1, [text]], nothing: null },
  }))
  rows.push({ id: texts.length, text: null })
  const types = { id: 'int8', text: 'text', big: 'int8', flag: 'bool', bytes: 'bytea', list: 'text[]', json: 'jsonb' } as const
  const names = Object.keys(types)
  const columns = Object.entries(types)
    .map((column) => column.join(' '))
    .join(', ')
  await writer.pool.query(
    `create schema "Odd ""schema"; create table "Odd ""schema"."Copied" (${columns}); create table inserted (${columns})`,
  )
  assert.is(await copyTransaction(writer.pool, (_db, copy) => copy('Odd "schema.Copied', types, rows)), rows.length)
  const values = names.map((_, index) => `$${index + 1}`).join(', ')
  for (const row of rows)
    await writer.pool.query(
      `insert into inserted values (${values})`,
      names.map((name) => row[name]),
    )

  const copied = await writer.pool.query('select * from "Odd ""schema"."Copied" order by id')
  assert.equal(copied.rows, (await writer.pool.query('select * from inserted order by id')).rows)
  assert.equal(
    copied.rows.map((row) => row.text),
    [...texts, null],
  )
  assert.equal(copied.rows[5].list, ['a\tb', null, 'x'])
  assert.equal(copied.rows[3].list, [])
})

postgres('COPY takes rows as they come, and is part of a transaction with ordinary queries', async () => {
  await writer.pool.query('create table bulk (id int8 primary key, text text)')
  async function* many() {
    for (let id = 0; id < 50_000; id += 1) {
      if (id % 10_000 === 0) await sleep(1)
      yield { id, text: `row ${id}\n` }
    }
  }
  const count = () => writer.pool.query('select count(*) from bulk').then(({ rows }) => rows[0].count)
  await copyTransaction<Tables, void>(writer.pool, async (db, copy) => {
    assert.is(await copy('bulk', { id: 'int8', text: 'text' }, many()), 50_000)
    assert.is(await copy('bulk', { id: 'int8' }, []), 0)
    await db.insertInto('numbers').values({ id: 7n, text: null }).execute()
    assert.is(await count(), 0n, 'nobody else sees it yet')
  })
  assert.is(await count(), 50_000n)
})

postgres('a COPY that fails brings nothing, says why, and leaves a usable connection', async () => {
  await writer.pool.query('create table picky (id int8 primary key, text text)')
  function* broken() {
    for (let id = 0; id < 20_000; id += 1) yield { id }
    throw new Error('no more rows')
  }
  function* twice() {
    for (let id = 0; id < 200_000; id += 1) yield { id: id % 100_000 }
  }
  const id = { id: 'int8' } as const
  const copying = (columns: CopyColumns, rows: Iterable<CopyRow>) =>
    failure(copyTransaction(writer.pool, (_db, copy) => copy('picky', columns, rows)))
  assert.is((await copying(id, broken())).message, 'no more rows')
  assert.is((await copying(id, twice())).code, '23505')
  assert.is((await copying({ nonsense: 'int8' }, twice())).code, '42703')
  assert.is((await copying({ id: 'int8', text: 'text' }, [{ id: 1, text: 'a\0b' }])).code, '22021')
  assert.is((await copying({ id: 'text' }, [{ id: 'nine text' }])).code, '22P03', 'the type is not the column’s')
  for (const [type, value] of [
    ['int8', 'text'],
    ['int8', 1.5],
    ['text', 1],
    ['bool', 1],
    ['bytea', 'text'],
    ['text[]', 'text'],
  ] as const)
    assert.match((await copying({ id: type }, [{ id: value }])).message, /^the column id is not /)
  assert.is((await writer.pool.query('select count(*) from picky')).rows[0].count, 0n)

  const dies = async function* () {
    yield { id: 1 }
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy "picky"%'`
    await eventually(async () => (await writer.pool.query(end)).rowCount! > 0, 'the server is ended under the COPY')
    for (let id = 2; id < 200_000; id += 1) yield { id }
  }
  assert.ok(isUnavailable(await failure(copyTransaction(writer.pool, (_db, copy) => copy('picky', id, dies())))))
  await writer.ping()
})

postgres('one leads, the others wait, and follow when it lets go or its session ends', async () => {
  const { signal } = new AbortController()
  const first = await becomeLeader(server.url, 'test', signal)
  const elsewhere = await becomeLeader(server.url, 'another role', signal)
  let second: Awaited<ReturnType<typeof becomeLeader>> | undefined
  const following = becomeLeader(server.url, 'test', signal).then((leadership) => (second = leadership))
  await sleep(100)
  assert.is(second, undefined)
  assert.not(first.lost.aborted)
  await first.release()
  await following
  assert.ok(first.lost.aborted)
  assert.not(second!.lost.aborted)

  const third = becomeLeader(server.url, 'test', signal)
  await terminate('duxnet leader test')
  await eventually(() => second!.lost.aborted, 'the leader learns of its loss')
  await second!.release()
  await (await third).release()
  await elsewhere.release()
})

postgres('waiting for leadership ends with its signal, also where there is no server', async () => {
  const leader = await becomeLeader(server.url, 'test', new AbortController().signal)
  for (const url of [server.url, 'postgres://user@127.0.0.1:1/none']) {
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = failure(becomeLeader(url, 'test', controller.signal))
    await sleep(50)
    controller.abort(reason)
    assert.is(await waiting, reason)
  }
  await leader.release()
})

postgres.run()
