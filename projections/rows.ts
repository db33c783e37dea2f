import { canonicalJson, type Json } from '../domain/canonical.ts'
import type { Columns, Row, Value, ValueType } from './projection.ts'

/** Everything sorts by bytes, in Postgres as in memory. Names of columns are the fold's own, so nothing has to be translated. */
export const sqlTypes: Readonly<Record<ValueType, string>> = {
  text: 'text collate "C"',
  instant: 'text collate "C"',
  integer: 'bigint',
  amount: 'numeric(39, 0)',
  position: 'bigint',
  boolean: 'boolean',
  bytes: 'bytea',
  json: 'jsonb',
  list: 'text[] collate "C"',
}

/** The same without their collations, as the binary form of a row names them. */
const copyTypes = {
  text: 'text',
  instant: 'text',
  integer: 'int8',
  amount: 'numeric',
  position: 'int8',
  boolean: 'bool',
  bytes: 'bytea',
  json: 'jsonb',
  list: 'text[]',
} as const satisfies Readonly<Record<ValueType, string>>

export type CopyColumns = Readonly<Record<string, (typeof copyTypes)[ValueType]>>

/** The columns of a table as COPY has to know them. */
export function copyColumns(columns: Columns): CopyColumns {
  return Object.fromEntries(Object.keys(columns).map((name) => [name, copyTypes[typeOf(columns, name).type]]))
}

export function typeOf(columns: Columns, name: string): { readonly type: ValueType; readonly nullable: boolean } {
  const declared = columns[name]!
  return declared.endsWith('?')
    ? { type: declared.slice(0, -1) as ValueType, nullable: true }
    : { type: declared as ValueType, nullable: false }
}

/** Turns what the driver read into the fold's row, in place. Columns that are not among `columns` stay as they are. */
export function decoder(columns: Columns): (raw: Record<string, unknown>) => Row {
  const integers = Object.keys(columns).filter((name) => typeOf(columns, name).type === 'integer')
  const bigints = Object.keys(columns).filter((name) => ['position', 'amount'].includes(typeOf(columns, name).type))
  return (raw) => {
    // The driver reads int8 as bigint or as text, whichever it was told, and numeric as text.
    for (const name of integers) if (raw[name] !== null && raw[name] !== undefined) raw[name] = Number(raw[name])
    for (const name of bigints) if (typeof raw[name] === 'string') raw[name] = BigInt(raw[name])
    return raw as Row
  }
}

/** A value in JSON: as digests hash it, and as Postgres takes it in `json_populate_recordset`. Bytes are `\x` and hexadecimal. */
export function jsonValue(value: Value): Json {
  if (typeof value === 'bigint') return String(value)
  return Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value
}

/** Writes rows as their RFC 8785 texts: the order of the columns is found once. */
export function rowWriter(columns: Columns): (row: Row) => string {
  const names = Object.keys(columns).sort()
  const keys = names.map((name, index) => `${index ? ',' : '{'}${canonicalJson(name)}:`)
  return (row) => {
    let text = ''
    for (let index = 0; index < names.length; index++) text += keys[index] + canonicalJson(jsonValue(row[names[index]!]!))
    return `${text}}`
  }
}

/** Columns whose values follow from the events alone. Positions are the store's own: the same log elsewhere has others. */
export function portable(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => typeOf(columns, name).type !== 'position'))
}
