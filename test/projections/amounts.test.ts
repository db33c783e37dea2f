import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { copyRows } from '../../adapters/postgres/copy.ts'
import { openWriter, type Postgres } from '../../adapters/postgres/pool.ts'
import { type TableFold, tableFolds } from '../../projections/fold.ts'
import { type KeyedTable, keyed, type Row } from '../../projections/projection.ts'
import type { ReadModels } from '../../projections/read.ts'
import { copyColumns, decoder, rowWriter } from '../../projections/rows.ts'
import { createIndexes, createTables } from '../../projections/schema.ts'
import { loadRows, writeFolds } from '../../projections/write.ts'
import { testPostgres } from '../support/engines.ts'
import { property } from '../support/property.ts'

const amounts = suite('amounts')

const balances = keyed({
  columns: { walletId: 'text', balance: 'amount', limit: 'amount?' },
  key: 'walletId',
  keys: () => [],
  evolve: (row) => row,
})
const projection = { name: 'balances', version: 1, tables: { balances } }
const schema = 'balances_v1_g1'

let database: Awaited<ReturnType<typeof testPostgres>>
let postgres: Postgres<ReadModels>

amounts.before(async () => {
  database = await testPostgres()
  postgres = openWriter<ReadModels>({ url: database.url })
})

amounts.after(async () => {
  await postgres.close()
  await database.close()
})

const most = 10n ** 39n - 1n
const amount = fc.oneof(
  fc.bigInt({ min: -most, max: most }),
  fc.bigInt({ min: -20_000n, max: 20_000n }),
  // Where the digits of the base 10,000 begin and end.
  fc
    .tuple(fc.nat(38), fc.constantFrom(-1n, 0n, 1n), fc.constantFrom(-1n, 1n))
    .map(([n, by, sign]) => sign * (10n ** BigInt(n) + by)),
)
const rows = fc
  .array(fc.record({ balance: amount, limit: fc.option(amount) }), { minLength: 1, maxLength: 50 })
  .map((rows) => rows.map((row, n): Row => ({ walletId: String(n), ...row })))

/** The rows as a projection of its own reads them before it goes on. */
async function stored(rows: readonly Row[]): Promise<Row[]> {
  const [fold] = tableFolds(projection)
  await loadRows(postgres.db, schema, fold as TableFold & { table: KeyedTable }, rows.map(({ walletId }) => String(walletId))) // biome-ignore format: one thought
  return [...fold!.rows.values()].map((row) => row!)
}

const copy = async (rows: readonly Row[]) => {
  const client = await postgres.pool.connect()
  await copyRows(client, `${schema}.balances`, copyColumns(balances.columns), rows).finally(() => client.release())
}

const upsert = async (rows: readonly Row[]) => {
  const [fold] = tableFolds(projection)
  for (const row of rows) {
    fold!.rows.set(String(row.walletId), row)
    fold!.changed.add(String(row.walletId))
  }
  await writeFolds(postgres.db, schema, [fold!], '')
}

for (const [name, write] of Object.entries({ copy, upsert }))
  amounts(`of either sign come back from Postgres as they were written by ${name}`, () =>
    property(
      fc.asyncProperty(rows, async (rows) => {
        await createTables(postgres.db, projection, schema)
        await createIndexes(postgres.db, projection, schema)
        await write(rows)
        assert.equal(await stored(rows), rows)
        const { rows: sums } = await postgres.pool.query(`select sum(balance) as sum from ${schema}.balances`)
        assert.is(BigInt(sums[0].sum), rows.reduce((sum, { balance }) => sum + (balance as bigint), 0n)) // biome-ignore format: one thought
      }),
      20,
    ),
  )

amounts('that no column can hold are refused, whichever way they are written', async () => {
  await createTables(postgres.db, projection, schema)
  await createIndexes(postgres.db, projection, schema)
  for (const write of [copy, upsert]) {
    const error = await write([{ walletId: 'a', balance: most + 1n, limit: null }]).catch((error) => error)
    assert.is(error.code, '22003')
  }
  const error = await copy([{ walletId: 'a', balance: 1, limit: null }]).catch((error) => error)
  assert.match(error.message, 'the column balance is not a bigint')
})

amounts('are decimal text in digests, and bigints in rows', () => {
  const row = { walletId: 'a', balance: -(10n ** 30n), limit: null }
  assert.is(rowWriter(balances.columns)(row), `{"balance":"-1000000000000000000000000000000","limit":null,"walletId":"a"}`)
  assert.equal(decoder(balances.columns)({ walletId: 'a', balance: '-1000000000000000000000000000000', limit: null }), row)
})

amounts.run()
