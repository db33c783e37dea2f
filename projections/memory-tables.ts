import { createHash } from 'node:crypto'
import { byKey, tableDigest } from './digest.ts'
import { cutoffOf, foldFact, isKept, type TableFold, tableFolds } from './fold.ts'
import { packedRows } from './packed-table.ts'
import { isKeyed, type LogFact, type Projection, type Row, type Table } from './projection.ts'
import { rowWriter } from './rows.ts'

/** A table that is folded in memory, without Postgres. */
export interface MemoryTable {
  readonly name: string
  readonly table: Table
  /** Throws `FoldFailed`. */
  take(fact: LogFact): void
  /** In the order of the primary key; none of those that are hashed or packed. `newest` is the largest `recordedAt` of the log. */
  rows(newest: string): readonly Row[]
  /** Of the rows so far. */
  digest(newest: string): string
  /** Of an ascending table whose rows are not kept, if they were asked for: a short hash of each row, enough to find the one that differs. */
  readonly prints: readonly number[]
}

/**
 * The tables of a projection. Rows of an ascending table are hashed as they come, those of one that ascends within its first column are
 * packed; `keepRows` keeps all of them, `withPrints` those that are not hashed.
 */
export function memoryTables(projection: Projection, keepRows: boolean, withPrints = false): MemoryTable[] {
  return tableFolds(projection).map((fold) => {
    const { table } = fold
    if (isKeyed(table)) return keyedTable(projection, fold)
    if (table.ascending === true && !keepRows) return hashedTable(projection, fold, withPrints)
    return table.ascending === 'within' && !keepRows && !withPrints
      ? packedTable(projection, fold)
      : appendedTable(projection, fold)
  })
}

function keyedTable(projection: Projection, fold: TableFold): MemoryTable {
  const { name, table } = fold
  const rows = (newest: string) => kept(table, [...fold.rows.values()].filter((row) => row !== null), newest) // biome-ignore format: one thought
  return {
    name,
    table,
    take: (fact) => foldFact(projection, fold, fact),
    rows,
    digest: (newest) => digestOf(table, rows(newest)),
    prints: [],
  }
}

function appendedTable(projection: Projection, fold: TableFold): MemoryTable {
  const { name, table } = fold
  let day = ''
  const rows = (newest: string) => kept(table, fold.added, newest)
  return {
    name,
    table,
    take(fact) {
      foldFact(projection, fold, fact)
      // What is too old goes once a day of the log, so that memory holds little more than what is retained.
      if (!table.retain || fact.newest.startsWith(day)) return
      day = dayOf(fact)
      fold.added = [...kept(table, fold.added, fact.newest)]
    },
    rows,
    digest: (newest) => digestOf(table, rows(newest)),
    prints: [],
  }
}

function hashedTable(projection: Projection, fold: TableFold, withPrints: boolean): MemoryTable {
  const { name, table } = fold
  const hash = tableDigest(table.columns)
  const order = byKey(table)
  const prints: number[] = []
  const write = rowWriter(table.columns)
  let last: Row | undefined
  return {
    name,
    table,
    take(fact) {
      foldFact(projection, fold, fact)
      for (const row of fold.added) {
        if (last && order(last, row) >= 0) throw new Error(`${name} is declared ascending and is not, at position ${fact.position}`)
        hash.add(row)
        if (withPrints) prints.push(printOf(write(row)))
        last = row
      }
      fold.added = []
    },
    rows: () => [],
    digest: () => hash.end(),
    prints,
  }
}

function packedTable(projection: Projection, fold: TableFold): MemoryTable {
  const { name, table } = fold
  const packed = packedRows(table)
  let day = ''
  return {
    name,
    table,
    take(fact) {
      foldFact(projection, fold, fact)
      for (const row of fold.added) packed.add(row)
      fold.added = []
      if (!table.retain || fact.newest.startsWith(day)) return
      day = dayOf(fact)
      packed.forget(cutoffOf(table, fact.newest)!)
    },
    rows: () => [],
    digest(newest) {
      const digest = tableDigest(table.columns)
      packed.addTo(digest, cutoffOf(table, newest))
      return digest.end()
    },
    prints: [],
  }
}

const dayOf = ({ newest }: LogFact) => newest.slice(0, '2026-01-01'.length)

/** The first 48 bits of a row's hash: what a number holds. */
export function printOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6)
}

function kept(table: Table, rows: readonly Row[], newest: string): readonly Row[] {
  const cutoff = cutoffOf(table, newest)
  return rows.filter((row) => isKept(table, row, cutoff)).sort(byKey(table))
}

function digestOf(table: Table, rows: readonly Row[]): string {
  const digest = tableDigest(table.columns)
  for (const row of rows) digest.add(row)
  return digest.end()
}
