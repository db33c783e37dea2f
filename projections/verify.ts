import { CompiledQuery, type Kysely } from 'kysely'
import { type Checkpoint, nothingReached, type Reached, reachedAt, readCheckpoints } from './checkpoints.ts'
import { byKey, readModelDigest, tableDigest } from './digest.ts'
import { foldFact, tableFolds } from './fold.ts'
import { emptyLog, logReader } from './log-reader.ts'
import { behind, type LogSource } from './log-source.ts'
import { type MemoryTable, memoryTables, printOf } from './memory-tables.ts'
import { isKeyed, keyOf, type LogFact, type Projection, type Row, type Table } from './projection.ts'
import type { ReadModels } from './read.ts'
import { decoder, rowWriter } from './rows.ts'
import { quoted } from './schema.ts'

/** Whether Postgres holds what the log makes of it. */
export interface Verification {
  readonly name: string
  /** Where both were compared. */
  readonly position: bigint
  readonly generation: number
  /** What the log makes; undefined when it does not lead to the checkpoint. */
  readonly folded: string | undefined
  /** What Postgres holds. */
  readonly stored: string
  /** The first difference in the order of tables and keys; undefined when all is equal. */
  readonly difference: string | undefined
  /** The row that it is about; undefined where it is the log that differs. */
  readonly row: DifferentRow | undefined
}

/** A row that Postgres and the log do not agree on. */
export interface DifferentRow {
  readonly table: string
  /** Its primary key. */
  readonly key: Row
}

interface Found {
  readonly text: string
  readonly row: DifferentRow | undefined
}

export interface VerifyOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (count: number) => void
}

interface Member {
  readonly projection: Projection
  readonly tables: readonly MemoryTable[]
  reached: Reached
}

const progressEvery = 10_000
const pageRows = 2_000

/**
 * Folds the log again, each projection up to its own checkpoint, and compares row by row with what Postgres holds. What is still being
 * built is not among the answers. Throws `UnreadableEvent`, `FoldFailed`, and what the log and Postgres throw.
 */
export async function verify(
  db: Kysely<ReadModels>,
  source: LogSource,
  projections: readonly Projection[],
  options: VerifyOptions = {},
): Promise<Verification[]> {
  const before = await readCheckpoints(db)
  const members = projections
    .filter(({ name, version }) => before.get(name)?.version === version)
    .map((projection): Member => ({ projection, tables: memoryTables(projection, false, true), reached: nothingReached }))
  // The long way outside of any transaction; checkpoints go on meanwhile, and what little they have gone follows within one.
  await foldTo(source, members, before, options)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const now = await readCheckpoints(tx)
      await foldTo(source, members, now, options)
      const verifications: Verification[] = []
      for (const member of members) verifications.push(await compare(tx, member, now.get(member.projection.name)!))
      return verifications
    })
}

/** Folds each member on to its checkpoint, from one reading that begins at the one furthest behind. */
async function foldTo(
  source: LogSource,
  members: readonly Member[],
  checkpoints: ReadonlyMap<string, Checkpoint>,
  { signal, onProgress }: VerifyOptions,
): Promise<void> {
  const goalOf = ({ projection }: Member) => checkpoints.get(projection.name)?.position ?? -1n
  const moving = members.filter((member) => member.reached.position < goalOf(member))
  if (!moving.length) return
  const start = moving.reduce((first, member) => (member.reached.position < first.reached.position ? member : first)).reached
  const reader = logReader(start.log)
  const end = moving.reduce((last, member) => (goalOf(member) > last ? goalOf(member) : last), -1n)
  for await (const event of source.readAll({ ...behind(start), ...(signal && { signal }) })) {
    if (event.position > end) break
    const fact = reader.take(event)
    if (reader.state.count % progressEvery === 0) onProgress?.(reader.state.count)
    for (const member of moving) {
      if (event.position <= member.reached.position || event.position > goalOf(member)) continue
      for (const table of member.tables) table.take(fact)
      member.reached = reachedAt(fact, reader.state.networkId)
    }
  }
}

async function compare(
  tx: Kysely<ReadModels>,
  { projection, tables, reached }: Member,
  checkpoint: Checkpoint,
): Promise<Verification> {
  const { name, position, generation, eventId, schema } = checkpoint
  const isSameLog = reached.position === position && reached.eventId === eventId
  let found: Found | undefined
  if (!isSameLog) found = { text: `the log does not hold event ${eventId} at position ${position}`, row: undefined }
  const folded: Record<string, string> = {}
  const stored: Record<string, string> = {}
  for (const table of [...tables].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const digest = tableDigest(table.table.columns)
    const write = rowWriter(table.table.columns)
    const differ = differing(table, write, reached.log.newest)
    for await (const row of storedRows(tx, schema, table)) {
      digest.add(row)
      found ??= differ.next(row, write(row))
    }
    found ??= differ.end()
    folded[table.name] = table.digest(reached.log.newest)
    stored[table.name] = digest.end()
  }
  return {
    name,
    position,
    generation,
    folded: isSameLog ? readModelDigest(folded) : undefined,
    stored: readModelDigest(stored),
    difference: found && `${projection.name}: ${found.text}`,
    row: found?.row,
  }
}

/** Walks along the folded rows of a table while the stored ones come, and says where they part. */
function differing({ name, table, rows: rowsOf, prints }: MemoryTable, write: (row: Row) => string, newest: string) {
  const rows = rowsOf(newest)
  const order = byKey(table)
  const found = (row: Row, says: (which: string) => string): Found => {
    const key = keyIn(table, row)
    return { text: says(`${name} ${JSON.stringify(key)}`), row: { table: name, key } }
  }
  let index = 0
  if (prints.length) {
    return {
      next(row: Row, text: string): Found | undefined {
        if (prints[index++] === printOf(text)) return undefined
        return found(row, (which) => `${which} is not what the log makes of row ${index - 1}: ${text}`)
      },
      end: (): Found | undefined =>
        index < prints.length
          ? { text: `${name} ends after ${index} rows, and the log makes ${prints.length}`, row: undefined }
          : undefined,
    }
  }
  const missing = (row: Row) => found(row, (which) => `${which} is missing, and the log makes ${write(row)}`)
  return {
    next(row: Row, text: string): Found | undefined {
      const expected = rows[index]
      if (!expected || order(row, expected) < 0) return found(row, (which) => `${which} is not in the log: ${text}`)
      if (order(row, expected) > 0) return missing(expected)
      index++
      const made = write(expected)
      return made === text ? undefined : found(row, (which) => `${which} is ${text}, and the log makes ${made}`)
    },
    end: () => (rows[index] ? missing(rows[index]!) : undefined),
  }
}

function keyIn(table: Table, row: Row): Row {
  return Object.fromEntries(keyOf(table).map((column) => [column, row[column]!]))
}

/**
 * The last event, up to `position`, that made a row what the log makes of it; undefined when none did: then the row is not the log's.
 * Folds the projection again. Throws what `verify` throws.
 */
export async function eventBehind(
  source: LogSource,
  projection: Projection,
  { table: name, key }: DifferentRow,
  position: bigint,
  onProgress?: (count: number) => void,
): Promise<LogFact | undefined> {
  const folds = tableFolds(projection)
  const fold = folds.find((other) => other.name === name)!
  const wanted = JSON.stringify(key)
  const isIt = (row: Row) => JSON.stringify(keyIn(fold.table, row)) === wanted
  const reader = logReader(emptyLog)
  let last: LogFact | undefined
  for await (const event of source.readAll()) {
    if (event.position > position) break
    const fact = reader.take(event)
    if (reader.state.count % progressEvery === 0) onProgress?.(reader.state.count)
    for (const fold of folds) foldFact(projection, fold, fact)
    if (isKeyed(fold.table) ? fold.changed.has(String(key[fold.table.key])) : fold.added.some(isIt)) last = fact
    for (const fold of folds) {
      fold.changed.clear()
      fold.added = []
    }
  }
  return last
}

/** Rows in the order of the primary key, a page at a time. */
async function* storedRows(tx: Kysely<ReadModels>, schema: string, { name, table }: MemoryTable): AsyncGenerator<Row> {
  const run = (text: string) => tx.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text))
  const list = (columns: readonly string[]) => columns.map((column) => quoted(column)).join(', ')
  const from = `select ${list(Object.keys(table.columns))} from ${quoted(schema, name)} order by ${list(keyOf(table))}`
  await run(`declare "rows" no scroll cursor for ${from}`)
  const decode = decoder(table.columns)
  for (;;) {
    const { rows } = await run(`fetch ${pageRows} from "rows"`)
    for (const row of rows) yield decode(row)
    if (rows.length < pageRows) break
  }
  await run('close "rows"')
}
