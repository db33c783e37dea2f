import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import { type CopyColumns, type CopyRow, copyEncoder } from './copy-format.ts'

/**
 * Bulk load by COPY: all rows or, when it throws, none. `table` is `name` or `schema.name`; names are quoted here. A column that a row
 * lacks is null. Resolves with the number of rows. Throws what the server says, what `rows` throws, and TypeError for a value that is
 * not of its column's type.
 */
export async function copyRows(
  client: pg.ClientBase,
  table: string,
  columns: CopyColumns,
  rows: Iterable<CopyRow> | AsyncIterable<CopyRow>,
): Promise<number> {
  const name = table.split('.').map(pg.escapeIdentifier).join('.')
  const names = Object.keys(columns).map(pg.escapeIdentifier).join(', ')
  const into = client.query(copyStreams.from(`copy ${name} (${names}) from stdin (format binary)`))
  await pipeline(Readable.from(encode(columns, rows)), into)
  return into.rowCount
}

export type CopyRows = (table: string, columns: CopyColumns, rows: Iterable<CopyRow> | AsyncIterable<CopyRow>) => Promise<number>

/** One transaction in which ordinary queries and COPY work on the same connection; rolled back when `work` throws. */
export async function copyTransaction<DB, T>(pool: pg.Pool, work: (db: Kysely<DB>, copy: CopyRows) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  // Kysely takes its connection from a pool; this one has no other.
  const same = { connect: async () => ({ query: client.query.bind(client), release() {} }), end: async () => {} }
  try {
    await client.query('begin')
    const result = await work(new Kysely<DB>({ dialect: new PostgresDialect({ pool: same }) }), (table, columns, rows) =>
      copyRows(client, table, columns, rows),
    )
    await client.query('commit')
    return result
  } catch (error) {
    // A connection whose transaction could not be ended is not given back.
    await client.query('rollback').catch((cause: Error) => {
      broken = cause
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** Rows that are at hand pass without a promise each. */
async function* encode(columns: CopyColumns, rows: Iterable<CopyRow> | AsyncIterable<CopyRow>): AsyncGenerator<Buffer> {
  const encoder = copyEncoder(columns)
  for await (const group of Symbol.asyncIterator in rows ? oneByOne(rows) : [rows]) {
    for (const row of group) {
      encoder.add(row)
      const chunk = encoder.take(false)
      if (chunk) yield chunk
    }
  }
  yield encoder.take(true)!
}

async function* oneByOne(rows: AsyncIterable<CopyRow>): AsyncGenerator<readonly CopyRow[]> {
  for await (const row of rows) yield [row]
}
