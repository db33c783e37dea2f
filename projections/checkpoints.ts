import { type Kysely, sql } from 'kysely'
import type { RecordedEvent } from '../domain/event.ts'
import type { Policy } from '../domain/network/policy.ts'
import { emptyLog, type LogState } from './log-reader.ts'
import type { LogFact, Projection } from './projection.ts'
import { home, type ReadModels } from './read.ts'

/** A poison event: nobody can read it, a fold threw at it, or Postgres refused what became of it. */
export interface Poison {
  /** Decimal. */
  readonly position: string
  readonly id: string
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly error: string
}

export function poisonOf(
  { position, id, stream, revision, type }: Pick<RecordedEvent, 'position' | 'id' | 'stream' | 'revision' | 'type'>,
  error: unknown,
): Poison {
  return { position: String(position), id, stream, revision, type, error: error instanceof Error ? error.message : String(error) }
}

/** Why a projection does not go on. Of a log that diverged only a rebuild can heal it. */
export type Problem = { readonly kind: 'halted'; readonly poison: Poison } | { readonly kind: 'diverged'; readonly detail: string }

/** How far the serving generation of a projection is, and in which log. */
export interface Checkpoint {
  readonly name: string
  readonly version: number
  readonly generation: number
  /** The Postgres schema of its tables. */
  readonly schema: string
  /** Of the last event taken in; −1 before the first. */
  readonly position: bigint
  /** The event there: its id says which log this is, since it is made from the network's. Null before the first. */
  readonly eventId: string | null
  /** When the store took that event. */
  readonly created: Date | null
  readonly log: LogState
  readonly problem: Problem | null
  readonly writtenAt: Date
}

/** What a checkpoint says of the log. */
export type Reached = Pick<Checkpoint, 'position' | 'eventId' | 'created' | 'log'>

export const nothingReached: Reached = { position: -1n, eventId: null, created: null, log: emptyLog }

/** Once `fact`, of the log of `networkId`, was taken in. */
export function reachedAt({ position, id, created, index, policy, newest }: LogFact, networkId: string | null): Reached {
  return { position, eventId: id, created, log: { networkId, count: index + 1, policy, newest } }
}

export const checkpoints = sql.table(`${home}.checkpoints`)

interface CheckpointRow {
  readonly name: string
  readonly version: number
  readonly generation: number
  readonly schema: string
  readonly networkId: string | null
  readonly position: bigint | string
  readonly eventId: string | null
  readonly created: Date | null
  readonly count: bigint | string
  readonly policy: Policy | null
  readonly newest: string
  readonly problem: Problem | null
  readonly writtenAt: Date
}

/** By the name of the projection. */
export async function readCheckpoints(db: Kysely<ReadModels>): Promise<ReadonlyMap<string, Checkpoint>> {
  const { rows } = await sql<CheckpointRow>`select * from ${checkpoints}`.execute(db)
  return new Map(
    rows.map(({ networkId, position, count, policy, newest, ...row }) => [
      row.name,
      { ...row, position: BigInt(position), log: { networkId, count: Number(count), policy, newest } },
    ]),
  )
}

/** A generation that begins to serve, in place of the one before it. */
export async function writeCheckpoint(
  db: Kysely<ReadModels>,
  { name, version }: Projection,
  generation: number,
  schema: string,
  { position, eventId, created, log }: Reached,
  problem: Problem | null,
): Promise<void> {
  const { networkId, count, policy, newest } = log
  await sql`delete from ${checkpoints} where name = ${name}`.execute(db)
  await sql`
    insert into ${checkpoints} (name, version, generation, schema, "networkId", position, "eventId", created, count, policy, newest, problem)
    values (${name}, ${version}, ${generation}, ${schema}, ${networkId}, ${position}, ${eventId}, ${created}, ${count},
      ${policy && JSON.stringify(policy)}, ${newest}, ${problem && JSON.stringify(problem)})`.execute(db)
}

/** Records why a projection stands still, for those who ask in other processes. Without effect when it has gone on meanwhile. */
export async function writeProblem(
  db: Kysely<ReadModels>,
  { name, generation, position }: Checkpoint,
  problem: Problem,
): Promise<void> {
  await sql`update ${checkpoints} set problem = ${JSON.stringify(problem)}
    where name = ${name} and generation = ${generation} and position = ${position}`.execute(db)
}
