import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'

/** Values as pg takes them in an INSERT: an array is a Postgres array, any other object is JSON. */
export type CopyValue = string | number | bigint | boolean | Date | Uint8Array | object | null | undefined

export type CopyRow = Readonly<Record<string, CopyValue>>

const chunkLength = 64 * 1024

/**
 * Bulk load by COPY: all rows or, when it throws, none. `table` is `name` or `schema.name`; names are quoted here. A column that a row
 * lacks is null. Resolves with the number of rows. Throws what the server says, or what `rows` throws.
 */
export async function copyRows(
  client: pg.ClientBase,
  table: string,
  columns: readonly string[],
  rows: Iterable<CopyRow> | AsyncIterable<CopyRow>,
): Promise<number> {
  const name = table.split('.').map(pg.escapeIdentifier).join('.')
  const into = client.query(copyStreams.from(`copy ${name} (${columns.map(pg.escapeIdentifier).join(', ')}) from stdin`))
  await pipeline(Readable.from(encode(columns, rows)), into)
  return into.rowCount
}

export type CopyRows = (
  table: string,
  columns: readonly string[],
  rows: Iterable<CopyRow> | AsyncIterable<CopyRow>,
) => Promise<number>

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

/** Text format: a line a row, columns parted by tabs. */
async function* encode(columns: readonly string[], rows: Iterable<CopyRow> | AsyncIterable<CopyRow>): AsyncGenerator<Buffer> {
  let text = ''
  // Rows that are at hand pass without a promise each.
  for await (const group of Symbol.asyncIterator in rows ? oneByOne(rows) : [rows]) {
    for (const row of group) {
      text += encodeRow(columns, row)
      if (text.length < chunkLength) continue
      yield Buffer.from(text)
      text = ''
    }
  }
  if (text !== '') yield Buffer.from(text)
}

async function* oneByOne(rows: AsyncIterable<CopyRow>): AsyncGenerator<readonly CopyRow[]> {
  for await (const row of rows) yield [row]
}

function encodeRow(columns: readonly string[], row: CopyRow): string {
  let line = ''
  for (let index = 0; index < columns.length; index += 1) line += (index === 0 ? '' : '\t') + encodeValue(row[columns[index]!])
  return `${line}\n`
}

function encodeValue(value: CopyValue): string {
  if (value === null || value === undefined) return '\\N'
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : escapeText(literal(value))
}

function literal(value: string | boolean | object): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (Array.isArray(value)) return `{${value.map(element).join(',')}}`
  return JSON.stringify(value)
}

function element(value: CopyValue): string {
  if (value === null || value === undefined) return 'NULL'
  if (Array.isArray(value)) return literal(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return `"${literal(value).replaceAll(/[\\"]/g, '\\$&')}"`
}

const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** Backslashes apart: JSON within JSON is full of them, and the other three are rare. */
function escapeText(text: string): string {
  const escaped = text.includes('\\') ? text.replaceAll('\\', '\\\\') : text
  return /[\t\n\r]/.test(escaped) ? escaped.replaceAll(/[\t\n\r]/g, (character) => escapes[character]!) : escaped
}
