import {
  isJournal,
  isKeyed,
  type JournalTable,
  type KeyedTable,
  type LogFact,
  type Projection,
  type Row,
  type Table,
} from './projection.ts'

/** A table while it is folded: what is known of its rows, and what has to be written. */
export interface TableFold {
  readonly name: string
  readonly table: Table
  /** Of a keyed table: rows by key; null where there is none. */
  readonly rows: Map<string, Row | null>
  /** Keys of rows that changed. */
  readonly changed: Set<string>
  /** Of any other table: rows to be added. */
  added: Row[]
  /** Of a keyed table: its journals. */
  readonly journals: readonly (TableFold & { readonly table: JournalTable })[]
}

export function tableFolds({ tables }: Projection): TableFold[] {
  const folds = Object.entries(tables).map(([name, table]) => foldOf(name, table))
  for (const fold of folds) {
    const { table } = fold
    if (isJournal(table)) folds.find((other) => other.table === table.of)!.journals.push(Object.assign(fold, { table }))
  }
  return folds
}

function foldOf(name: string, table: Table) {
  const journals: TableFold['journals'][number][] = []
  return { name, table, rows: new Map<string, Row | null>(), changed: new Set<string>(), added: [] as Row[], journals }
}

/** A fold threw at an event; `cause` is what it threw. */
export class FoldFailed extends Error {
  readonly projection: string
  readonly fact: LogFact

  constructor(projection: string, fact: LogFact, cause: unknown) {
    super(`${projection} cannot fold ${fact.type} at position ${fact.position}`, { cause })
    this.name = 'FoldFailed'
    this.projection = projection
    this.fact = fact
  }
}

/** Folds one event into a table, whose rows that it touches are in `rows` unless there are none. Throws `FoldFailed`, and has then torn the table. */
export function foldFact({ name }: Projection, fold: TableFold, fact: LogFact): void {
  try {
    const { table } = fold
    if (isKeyed(table)) for (const key of table.keys(fact)) foldRow(table, fold, fact, key)
    else if (!isJournal(table)) for (const row of table.rows(fact)) fold.added.push(row)
  } catch (error) {
    throw new FoldFailed(name, fact, error)
  }
}

function foldRow(table: KeyedTable, { rows, changed, journals }: TableFold, fact: LogFact, key: string): void {
  const before = rows.get(key) ?? null
  // A row that is too old is gone at once, however late it is deleted: the size of a batch must not show.
  const row = before !== null && isKept(table, before, cutoffOf(table, fact.newest)) ? before : null
  const after = table.evolve(row, fact, key)
  if (after === before) return
  rows.set(key, after)
  changed.add(key)
  for (const journal of journals) for (const entry of journal.table.entries(fact, after, row)) journal.added.push(entry)
}

/** The keys that `facts` touch. Throws `FoldFailed`. */
export function keysOf({ name }: Projection, table: KeyedTable, facts: readonly LogFact[]): string[] {
  const keys = new Set<string>()
  for (const fact of facts) {
    try {
      for (const key of table.keys(fact)) keys.add(key)
    } catch (error) {
      throw new FoldFailed(name, fact, error)
    }
  }
  return [...keys]
}

const dayMs = 86_400_000
const hourMs = 3_600_000

/**
 * What is older than this is gone when `newest` is the largest `recordedAt` folded; undefined when nothing ever goes. Full hours, so
 * that there is something to delete once an hour, not with every batch.
 */
export function cutoffOf({ retain }: Table, newest: string): string | undefined {
  if (!retain || newest === '') return undefined
  const hour = Math.floor(Date.parse(newest) / hourMs) * hourMs
  return new Date(hour - retain.days * dayMs).toISOString()
}

/** Whether a row is young enough to be kept. */
export function isKept({ retain }: Table, row: Row, cutoff: string | undefined): boolean {
  const value = retain && row[retain.field]
  return cutoff === undefined || typeof value !== 'string' || value >= cutoff
}
