import { type Kysely, sql } from 'kysely'
import type { RecordedEvent } from '../domain/event.ts'
import {
  type Checkpoint,
  nothingReached,
  type Poison,
  poisonOf,
  type Reached,
  reachedAt,
  readCheckpoints,
  writeCheckpoint,
} from './checkpoints.ts'
import { cutoffOf, FoldFailed, foldFact, isKept, type TableFold, tableFolds } from './fold.ts'
import { emptyLog, logReader, takeAll } from './log-reader.ts'
import { behind, type LogSource } from './log-source.ts'
import { isKeyed, type LogFact, type Projection, type Row } from './projection.ts'
import { home, type ReadModels } from './read.ts'
import { type CopyColumns, copyColumns } from './rows.ts'
import { createIndexes, createTables, dropRetired, execute, quoted, schemaName, switchViews } from './schema.ts'
import { writeFolds } from './write.ts'

/** Bulk load by COPY into `schema.table`: all rows or, when it throws, none. */
export type Copy = (table: string, columns: CopyColumns, rows: Iterable<Row>) => Promise<unknown>

/** One transaction in which queries and COPY go over the same connection. */
export type CopyTransaction = <T>(work: (db: Kysely<ReadModels>, copy: Copy) => Promise<T>) => Promise<T>

export interface Builder {
  readonly db: Kysely<ReadModels>
  readonly copyTransaction: CopyTransaction
  readonly source: LogSource
  readonly signal: AbortSignal
  /** Asked once nobody else builds any more: another process may just have built the same. */
  readonly isNeeded: (projection: Projection, former: Checkpoint | undefined) => boolean
  /** Events read so far. */
  readonly onProgress: (count: number) => void
}

/** Another process builds; two at once would only wait for each other at the end. */
export class BuildUnderWay extends Error {
  constructor() {
    super('another process is building read models')
    this.name = 'BuildUnderWay'
  }
}

/** What became of a projection's build. `poison`: the event it came to a halt at; if it is not `serving`, the generation before it had got further. */
export interface Built {
  readonly name: string
  readonly serving: boolean
  readonly poison: Poison | null
}

/** One projection that is built. */
interface Member {
  readonly projection: Projection
  readonly former: Checkpoint | undefined
  readonly generation: number
  readonly schema: string
  readonly folds: readonly TableFold[]
  /** Where it came to a halt, and how far it was then. */
  halt: { readonly poison: Poison; readonly reached: Reached } | undefined
}

const chunkEvents = 2_000
/** A tail this short may be read while the others wait. */
const tailEvents = 500

/**
 * Builds a new generation of each of `projections` beside the one that serves, from one reading of the log, and switches to all of
 * them at once. All of it is a single transaction: whatever goes wrong, nothing is left behind. The generations that serve go on meanwhile;
 * only for the last few events, with the checkpoints locked, they wait. What is not needed is not among the answers. Throws `BuildUnderWay`, what the log and what Postgres throw.
 */
export async function build(builder: Builder, projections: readonly Projection[]): Promise<Built[]> {
  const poisons = new Map<string, Poison>()
  for (;;) {
    try {
      const built = await builder.copyTransaction((tx, copy) => buildAll(builder, tx, copy, projections, poisons))
      // The new generations serve already. What could not be dropped will be at the next start.
      await dropRetired(builder.db).catch(() => {})
      return built
    } catch (error) {
      if (!(error instanceof FoldFailed)) throw error
      // A fold that threw half way through an event left its tables torn: once more, and only up to there.
      poisons.set(error.projection, poisonOf(error.fact, error.cause))
    }
  }
}

async function buildAll(
  { source, signal, isNeeded, onProgress }: Builder,
  tx: Kysely<ReadModels>,
  copy: Copy,
  projections: readonly Projection[],
  poisons: ReadonlyMap<string, Poison>,
): Promise<Built[]> {
  const { rows } = await sql<{ alone: boolean }>`select pg_try_advisory_xact_lock(hashtext('duxnet build')) as alone`.execute(tx)
  if (!rows[0]!.alone) throw new BuildUnderWay()
  const stored = await readCheckpoints(tx)
  const members = projections
    .filter((projection) => isNeeded(projection, stored.get(projection.name)))
    .map((projection) => memberOf(projection, stored.get(projection.name)))
  for (const { projection, schema } of members) await createTables(tx, projection, schema)

  const reader = logReader(emptyLog)
  let last = nothingReached

  /** Reads to the end of the log as it is now; resolves with the number of events. */
  async function readOn(onChunk: () => Promise<void>): Promise<number> {
    const before = reader.state.count
    for await (const events of inChunks(source.readAll({ ...behind(last), signal }))) {
      const { facts, unreadable } = takeAll(reader, events)
      const { networkId } = reader.state
      for (const member of members) fold(member, facts, poisons.get(member.projection.name), last, networkId)
      if (facts.length) last = reachedAt(facts.at(-1)!, networkId)
      if (unreadable) {
        const poison = poisonOf(unreadable.event, unreadable.error)
        for (const member of members) member.halt ??= { poison, reached: last }
      }
      await onChunk()
      if (members.every(({ halt }) => halt)) break
    }
    return reader.state.count - before
  }

  // Folding goes on while the chunk before is copied.
  let copying = Promise.resolve()
  const copyChunk = async () => {
    await copying
    onProgress(reader.state.count)
    copying = copyAdded(copy, members)
    copying.catch(() => {})
  }
  while ((await readOn(copyChunk)) > tailEvents);
  await copyChunk()
  await copying
  await copyKeyed(copy, members)
  for (const { projection, schema } of members) await createIndexes(tx, projection, schema)

  // From here on no checkpoint moves. A lock on the table, since rows locked one by one could be locked the other way round elsewhere.
  await execute(tx, `lock table ${home}.checkpoints in share row exclusive mode`)
  const formers = await readCheckpoints(tx)
  await readOn(async () => {})
  const built: Built[] = []
  for (const member of members)
    built.push(await settle(tx, member, formers.get(member.projection.name), member.halt?.reached ?? last))
  return built
}

function memberOf(projection: Projection, former: Checkpoint | undefined): Member {
  const generation = (former?.generation ?? 0) + 1
  return {
    projection,
    former,
    generation,
    schema: schemaName(projection, generation),
    folds: tableFolds(projection),
    halt: undefined,
  }
}

/**
 * Folds `facts`, which follow on `last`, into a member, but only to before its poison. Table by table: event by event takes half
 * as long again, since no code stays in the processor's cache.
 */
function fold(
  member: Member,
  facts: readonly LogFact[],
  poison: Poison | undefined,
  last: Reached,
  networkId: string | null,
): void {
  if (member.halt) return
  const end = poison ? facts.findIndex(({ id }) => id === poison.id) : -1
  const good = end < 0 ? facts : facts.slice(0, end)
  for (const table of member.folds) for (const fact of good) foldFact(member.projection, table, fact)
  if (poison && end >= 0) member.halt = { poison, reached: end === 0 ? last : reachedAt(facts[end - 1]!, networkId) }
}

async function* inChunks(events: AsyncIterable<RecordedEvent>): AsyncGenerator<RecordedEvent[]> {
  let chunk: RecordedEvent[] = []
  for await (const event of events) {
    if (chunk.push(event) < chunkEvents) continue
    yield chunk
    chunk = []
  }
  if (chunk.length) yield chunk
}

/** Hands the rows of append-only tables over to Postgres. */
async function copyAdded(copy: Copy, members: readonly Member[]): Promise<void> {
  const taken = members.flatMap(({ folds, schema, former }) =>
    folds.map((fold) => {
      const { name, table, added } = fold
      fold.added = []
      // What was too old for the former generation is too old for this one.
      const cutoff = former?.problem ? undefined : cutoffOf(table, former?.log.newest ?? '')
      return {
        at: `${schema}.${name}`,
        columns: copyColumns(table.columns),
        rows: added.filter((row) => isKept(table, row, cutoff)),
      }
    }),
  )
  for (const { at, columns, rows } of taken) if (rows.length) await copy(at, columns, rows)
}

async function copyKeyed(copy: Copy, members: readonly Member[]): Promise<void> {
  for (const { folds, schema } of members) {
    for (const { name, table, rows, changed } of folds) {
      if (!isKeyed(table)) continue
      const present = [...rows.values()].filter((row) => row !== null)
      if (present.length) await copy(`${schema}.${name}`, copyColumns(table.columns), present)
      changed.clear()
    }
  }
}

/** Writes the last rows of a member and lets it serve, unless the generation that serves got further. */
async function settle(
  tx: Kysely<ReadModels>,
  { projection, schema, generation, folds, halt }: Member,
  former: Checkpoint | undefined,
  reached: Reached,
): Promise<Built> {
  const { name } = projection
  const poison = halt?.poison ?? null
  const isFurther = former !== undefined && former.position > reached.position
  if (isFurther && former.problem?.kind !== 'diverged' && (poison || !former.problem)) {
    if (!poison) throw new Error(`the log ends at ${reached.position}, before the checkpoint of ${name} at ${former.position}`)
    await execute(tx, `drop schema ${quoted(schema)} cascade`)
    return { name, serving: false, poison }
  }
  await writeFolds(tx, schema, folds, reached.log.newest)
  await switchViews(tx, projection, schema)
  if (former) await sql`insert into ${sql.table(`${home}.retiredSchemas`)} values (${former.schema})`.execute(tx)
  await writeCheckpoint(tx, projection, generation, schema, reached, poison && { kind: 'halted', poison })
  return { name, serving: true, poison }
}
