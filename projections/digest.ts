import { createHash } from 'node:crypto'
import { type Columns, keyOf, type Row, type Table, type Value } from './projection.ts'
import { portable, rowWriter } from './rows.ts'

/**
 * The digest of a table (design.md 17): SHA-256, in hexadecimal, of its rows as RFC 8785 text, a line each, in the order of the
 * primary key. Rows must come in that order. Positions are left out: they are the store's, and a log that moves into another
 * store, or into an export, keeps its digests.
 */
export interface TableDigest {
  add(row: Row): void
  /** A row as its text. */
  addText(text: string): void
  end(): string
}

export function tableDigest(columns: Columns): TableDigest {
  const hash = createHash('sha256')
  const write = rowWriter(portable(columns))
  // A call for many rows is cheaper than many calls.
  let pending = ''
  function addText(text: string): void {
    pending += `${text}\n`
    if (pending.length < pendingMax) return
    hash.update(pending)
    pending = ''
  }
  return {
    add: (row) => addText(write(row)),
    addText,
    // More may come.
    end: () => hash.copy().update(pending).digest('hex'),
  }
}

const pendingMax = 32 * 1024

/** The digest of a read model: SHA-256, in hexadecimal, of a line `name digest` for each of its tables, in the order of their names. */
export function readModelDigest(tables: Readonly<Record<string, string>>): string {
  const lines = Object.keys(tables)
    .sort()
    .map((name) => `${name} ${tables[name]}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

/** Orders rows as Postgres does with `order by` the primary key. */
export function byKey(table: Table): (a: Row, b: Row) => number {
  const key = keyOf(table)
  return (a, b) => {
    for (const column of key) {
      const order = compare(a[column]!, b[column]!)
      if (order) return order
    }
    return 0
  }
}

function compare(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b)
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1
}

// Where UTF-16 and UTF-8 may sort differently.
const special = /[\ud800-\uffff]/

/** Compares texts by their UTF-8 bytes, as `collate "C"` does. */
function compareBytes(a: string, b: string): number {
  if (special.test(a) || special.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a === b ? 0 : a < b ? -1 : 1
}
