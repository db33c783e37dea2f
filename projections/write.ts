import { CompiledQuery, type Kysely } from 'kysely'
import type { Checkpoint, Reached } from './checkpoints.ts'
import { cutoffOf, isKept, type TableFold } from './fold.ts'
import { type Columns, isKeyed, type KeyedTable, keyOf, type Row } from './projection.ts'
import { home, type ReadModels } from './read.ts'
import { decoder, jsonValue, typeOf } from './rows.ts'
import { quoted } from './schema.ts'

/** What a batch does to one projection. */
export interface Step {
  readonly from: Checkpoint
  readonly to: Reached
  readonly folds: readonly TableFold[]
}

/** Adds the rows of `keys` that `rows` does not hold yet. */
export async function loadRows(
  db: Kysely<ReadModels>,
  schema: string,
  { name, table, rows }: TableFold & { readonly table: KeyedTable },
  keys: readonly string[],
): Promise<void> {
  const missing = keys.filter((key) => !rows.has(key))
  if (!missing.length) return
  const { key, columns } = table
  const text = `select * from ${quoted(schema, name)} where ${quoted(key)} = any($1)`
  const found = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, [missing]))
  for (const absent of missing) rows.set(absent, null)
  const decode = decoder(columns)
  for (const raw of found.rows) rows.set(raw[key] as string, decode(raw))
}

/**
 * Writes the rows of all steps and moves their checkpoints, in one statement and so in one transaction. A step whose checkpoint is
 * no longer at `from` is fenced off: somebody else moved it, and nothing of the step is written. Resolves with the names of those
 * that moved.
 *
 * It does not wait for the disk: rows and checkpoint are lost together if the machine dies, and the log still has the events.
 */
export async function writeSteps(db: Kysely<ReadModels>, steps: readonly Step[]): Promise<ReadonlySet<string>> {
  const parameters: unknown[] = []
  const parameter = (value: unknown) => `$${parameters.push(value)}`
  const writes = steps.flatMap(({ from, to, folds }) =>
    folds
      .flatMap((fold) => tableWrites(from.schema, fold, from.log.newest, to.log.newest))
      .map((write) => write(parameter, `exists (select from fence where name = '${from.name}')`)),
  )
  const text = `with fence as (
    update ${home}.checkpoints c set position = n.position, "eventId" = n."eventId", created = n.created, count = n.count,
      "networkId" = n."networkId", policy = coalesce(n.policy, c.policy), newest = n.newest, problem = null, "writtenAt" = now()
    from json_to_recordset(${parameter(JSON.stringify(steps.map(move)))}) as n (name text, generation integer, "from" bigint, position bigint,
      "eventId" text, created timestamptz, count bigint, "networkId" text, policy jsonb, newest text)
    where c.name = n.name and c.generation = n.generation and c.position = n."from"
    returning c.name
  )${writes.map((write, index) => `, w${index} as (${write})`).join('')}
  select name, set_config('synchronous_commit', 'off', true) from fence`
  const moved = await db.executeQuery<{ name: string }>(CompiledQuery.raw(text, parameters))
  return new Set(moved.rows.map(({ name }) => name))
}

/** Writes what was folded into the tables of a schema that nobody else writes. */
export async function writeFolds(
  db: Kysely<ReadModels>,
  schema: string,
  folds: readonly TableFold[],
  newest: string,
): Promise<void> {
  for (const write of folds.flatMap((fold) => tableWrites(schema, fold, '', newest))) {
    const parameters: unknown[] = []
    const text = write((value) => `$${parameters.push(value)}`, 'true')
    await db.executeQuery(CompiledQuery.raw(text, parameters))
  }
}

/** A statement, given how it names its parameters and what must hold for it to do anything. */
type Write = (parameter: (value: unknown) => string, gate: string) => string

function tableWrites(schema: string, fold: TableFold, newestBefore: string, newest: string): Write[] {
  const { name, table } = fold
  const at = quoted(schema, name)
  const columns = Object.keys(table.columns)
  const list = columns.map((column) => quoted(column)).join(', ')
  const { rows, gone } = outcome(fold, newest)
  const writes: Write[] = []
  if (rows.length) {
    const json = toJson(table.columns, rows)
    const others = columns.filter((column) => !keyOf(table).includes(column))
    const replace = others.length
      ? `update set ${others.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ')}`
      : 'nothing'
    const conflict = isKeyed(table) ? `on conflict (${quoted(table.key)}) do ${replace}` : ''
    writes.push(
      (parameter, gate) => `insert into ${at} (${list})
        select ${list} from json_populate_recordset(null::${at}, ${parameter(json)}) where ${gate} ${conflict}`,
    )
  }
  if (gone.length && isKeyed(table))
    writes.push((parameter, gate) => `delete from ${at} where ${quoted(table.key)} = any(${parameter(gone)}) and ${gate}`)
  const cutoff = cutoffOf(table, newest)
  if (table.retain && cutoff !== cutoffOf(table, newestBefore)) {
    const field = quoted(table.retain.field)
    // One statement must not touch a row twice: those that were just written are new enough.
    const untouched = (parameter: (value: unknown) => string) =>
      isKeyed(table) ? ` and not ${quoted(table.key)} = any(${parameter([...fold.changed])})` : ''
    writes.push((parameter, gate) => `delete from ${at} where ${field} < ${parameter(cutoff)}${untouched(parameter)} and ${gate}`)
  }
  return writes
}

/** What has to be written of a fold, without what is too old by the end of it. */
function outcome({ table, rows, changed, added }: TableFold, newest: string): { rows: Row[]; gone: string[] } {
  const cutoff = cutoffOf(table, newest)
  if (!isKeyed(table)) return { rows: added.filter((row) => isKept(table, row, cutoff)), gone: [] }
  const kept: Row[] = []
  const gone: string[] = []
  for (const key of changed) {
    const row = rows.get(key) ?? null
    if (row !== null && isKept(table, row, cutoff)) kept.push(row)
    else gone.push(key)
  }
  return { rows: kept, gone }
}

/** Rows as `json_populate_recordset` takes them. */
function toJson(columns: Columns, rows: readonly Row[]): string {
  const special = Object.keys(columns).filter((name) => ['position', 'amount', 'bytes'].includes(typeOf(columns, name).type))
  const plain = (row: Row) => {
    const copy: Record<string, unknown> = { ...row }
    for (const name of special) copy[name] = jsonValue(row[name]!)
    return copy
  }
  return JSON.stringify(special.length ? rows.map(plain) : rows)
}

function move({ from, to }: Step) {
  const { networkId, count, policy, newest } = to.log
  return {
    name: from.name,
    generation: from.generation,
    from: String(from.position),
    position: String(to.position),
    eventId: to.eventId,
    created: to.created,
    count,
    networkId,
    // It is large and changes hardly ever.
    policy: policy === from.log.policy ? null : policy,
    newest,
  }
}
