import type { Json } from '../domain/canonical.ts'
import type { Fact } from '../domain/catalogue.ts'
import type { Policy } from '../domain/network/policy.ts'

/**
 * An event as folds see it: checked, and with the little that a fold may know of other streams, its own effect included. The
 * runner keeps that with the checkpoint (`LogState`).
 */
export type LogFact = Fact & {
  /** Dense, in the order of the log, from 0. */
  readonly index: number
  /** The policy in force. */
  readonly policy: Policy
  /** The largest `recordedAt` so far. */
  readonly newest: string
}

/**
 * What a column can hold. `instant` is the log's own text (UTC, milliseconds): it sorts by bytes and no time zone can touch it.
 * `integer` is a safe integer, `json` a JSON object, `list` a list of texts; `amount` is money in minor units, of at most 39 digits and
 * either sign, decimal text in digests and JSON; `position` is a bigint that belongs to the store, not to the log, and so is in no
 * digest. `?` behind a type: may be null.
 */
interface Values {
  text: string
  instant: string
  integer: number
  amount: bigint
  position: bigint
  boolean: boolean
  bytes: Buffer
  json: { readonly [key: string]: Json }
  list: readonly string[]
}

export type ValueType = keyof Values
export type ColumnType = ValueType | `${ValueType}?`
export type Columns = Readonly<Record<string, ColumnType>>
export type Value = Values[ValueType] | null

type ValueOf<C extends ColumnType> = C extends `${infer T extends ValueType}?`
  ? Values[T] | null
  : C extends ValueType
    ? Values[C]
    : never

/** A row of a table with these columns. */
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: ValueOf<C[Name]> }

/** Any row; what the runner works on. */
export type Row = Readonly<Record<string, Value>>

interface Shape<C extends Columns> {
  readonly columns: C
  /** Each is a list of columns; a single column of type `list` is indexed by its members. */
  readonly indexes?: readonly (readonly (keyof C & string)[])[]
  /** Rows whose `field` (an `instant`) is older than the largest `recordedAt` folded, less `days`, are gone; counted to the full hour. */
  readonly retain?: { readonly field: keyof C & string; readonly days: number }
}

/** One row a key, folded from all events that have the key. */
export interface KeyedTable<C extends Columns = Columns> extends Shape<C> {
  /** The primary key, a column of type `text`. */
  readonly key: keyof C & string
  /** The rows that an event touches; none for most. */
  keys(fact: LogFact): readonly string[]
  /** The row after the event; null deletes it. Returns `row` itself when nothing changes. */
  evolve(row: RowOf<C> | null, fact: LogFact, key: string): RowOf<C> | null
}

/** Rows that are written once. */
interface WrittenOnce<C extends Columns> extends Shape<C> {
  /** The primary key: columns of type `text` or `integer`. */
  readonly key: readonly (keyof C & string)[]
  /**
   * Rows are born in the order of the key, so that a digest needs none of them kept; or those of the same first column are (`within`), so
   * that they can be packed.
   */
  readonly ascending?: true | 'within'
}

/** Rows that an event alone makes. */
export interface AppendTable<C extends Columns = Columns> extends WrittenOnce<C> {
  rows(fact: LogFact): readonly RowOf<C>[]
}

/** Rows that the changes of a keyed table make, which stands before it in the same projection: an account of how that came to be as it is. */
export interface JournalTable<C extends Columns = Columns, Of extends Columns = Columns> extends WrittenOnce<C> {
  readonly of: KeyedTable<Of>
  /** Of a row that an event has changed. */
  entries(fact: LogFact, after: RowOf<Of> | null, before: RowOf<Of> | null): readonly RowOf<C>[]
}

export type Table = KeyedTable | AppendTable | JournalTable

/** A read model: a pure fold of the log into tables (design.md 16). No SQL, no clock, no randomness. */
export interface Projection {
  /** By what it answers: `node-directory`. */
  readonly name: string
  /** To be raised with any change of its tables or folds: the next start builds the new version beside the old one. */
  readonly version: number
  /** By name, in camelCase; unique across all projections. */
  readonly tables: Readonly<Record<string, Table>>
}

/** Declares a keyed table: only to infer its types. */
export function keyed<const C extends Columns>(table: KeyedTable<C>): KeyedTable<C> {
  return table
}

/** Declares an append-only table: only to infer its types. */
export function appended<const C extends Columns>(table: AppendTable<C>): AppendTable<C> {
  return table
}

/** Declares the journal of a keyed table: only to infer its types. */
export function journal<const C extends Columns, const Of extends Columns>(table: JournalTable<C, Of>): JournalTable<C, Of> {
  return table
}

/** The row type of a declared table. */
export type TableRow<T> = T extends Shape<infer C> ? RowOf<C> : never

export function isKeyed(table: Table): table is KeyedTable {
  return 'evolve' in table
}

export function isJournal(table: Table): table is JournalTable {
  return 'of' in table
}

/** Columns of the primary key. */
export function keyOf(table: Table): readonly string[] {
  return isKeyed(table) ? [table.key] : table.key
}
