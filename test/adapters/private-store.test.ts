import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openReader } from '../../adapters/postgres/pool.ts'
import { migrations } from '../../adapters/postgres/private/migrations.ts'
import { openPrivateStore } from '../../adapters/postgres/private/store.ts'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import { type TestPostgres, testPostgres } from '../support/engines.ts'

const privateStore = suite<{ postgres: TestPostgres }>('private store')
privateStore.before.each(async (context) => {
  context.postgres = await testPostgres()
})
privateStore.after.each(({ postgres }) => postgres.close())

const failure = (work: Promise<unknown>): Promise<Error & { code?: string }> =>
  work.then(
    () => assert.unreachable('it succeeded'),
    (error) => error,
  )

privateStore('is made by the first to ask, however many ask at once, and by nobody again', async ({ postgres: { url } }) => {
  const stores = Array.from({ length: 4 }, () => openPrivateStore({ url }))
  await Promise.all(stores.map((store) => store.db()))
  const again = openPrivateStore({ url })
  const db = await again.db()
  const { rows } = await db.executeQuery<{ number: number }>(
    db
      .selectFrom('migrations' as never)
      .selectAll()
      .orderBy('number' as never)
      .compile() as never,
  )
  assert.equal(
    rows.map(({ number }) => number),
    migrations.map((_, index) => index + 1),
  )
  await Promise.all([...stores, again].map((store) => store.close()))
})

privateStore('cannot be read by those who may read the read models', async ({ postgres: { url, readerUrl } }) => {
  const store = openPrivateStore({ url })
  await store.db()
  const reader = openReader({ url: readerUrl })
  if (readerUrl !== url) assert.is((await failure(reader.pool.query('select * from duxnet_private.disclosures'))).code, '42501')
  await reader.close()
  await store.close()
})

privateStore('is asked for again after it could not be made', async () => {
  const nobody = openPrivateStore({ url: 'postgres://nobody@127.0.0.1:1/nothing' })
  for (let times = 0; times < 2; times++) assert.ok(isUnavailable(await failure(nobody.db())))
  await nobody.close()
})

privateStore.run()
