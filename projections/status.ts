import { type Checkpoint, type Poison, readCheckpoints } from './checkpoints.ts'
import type { LogSource } from './log-source.ts'
import type { Projection } from './projection.ts'
import type { ReadDatabase } from './read.ts'

/**
 * `live`: folds events as they come. `building`: a new generation is being built, beside the one that serves where there is one.
 * `waiting`: Postgres or the log is away, or another projector is at work. `halted`: stopped at a poison event.
 * `diverged`: the log is not the one that was folded; only a rebuild helps.
 */
export type ProjectionState = 'live' | 'building' | 'waiting' | 'halted' | 'diverged'

/** How a projection fares: for /readyz, /metrics and `duxnet projections list`. */
export interface ProjectionStatus {
  readonly name: string
  /** Of the tables that serve; of this program's fold while there are none. */
  readonly version: number
  /** Of the tables that serve; 0 while there are none. */
  readonly generation: number
  readonly state: ProjectionState
  /** Of the last event taken in; −1 before the first. */
  readonly position: bigint
  /** 0 at the head of the log; behind it, the age of the last event taken in. Undefined while the head, or that event, is not known. */
  readonly lagSeconds: number | undefined
  /** Since the checkpoint was written; undefined while there is none. */
  readonly checkpointAgeSeconds: number | undefined
  /** Why it does not go on, or how many events a build has read. */
  readonly detail: string | undefined
  /** The event at which it halted. */
  readonly poison: Poison | undefined
}

/** What is known of a projection beyond its checkpoint. */
export interface Condition {
  readonly state: ProjectionState
  readonly detail?: string | undefined
  readonly poison?: Poison | undefined
}

/** What the checkpoint itself tells. */
export function conditionOf({ version }: Projection, checkpoint: Checkpoint | undefined): Condition {
  if (!checkpoint) return { state: 'building' }
  const { problem } = checkpoint
  if (problem?.kind === 'diverged') return { state: 'diverged', detail: problem.detail }
  if (problem?.kind === 'halted') return { state: 'halted', detail: problem.poison.error, poison: problem.poison }
  if (checkpoint.version !== version) return { state: 'waiting', detail: `version ${checkpoint.version} serves, not ${version}` }
  return { state: 'live' }
}

/** `head` is the position of the newest event, −1 of an empty log, undefined when it is not known. */
export function statusOf(
  { name, version }: Projection,
  checkpoint: Checkpoint | undefined,
  { state, detail, poison }: Condition,
  head: bigint | undefined,
  now: Date,
): ProjectionStatus {
  const position = checkpoint?.position ?? -1n
  const since = (instant: Date) => Math.max(0, (now.getTime() - instant.getTime()) / 1000)
  return {
    name,
    version: checkpoint?.version ?? version,
    generation: checkpoint?.generation ?? 0,
    state,
    position,
    lagSeconds: head === undefined ? undefined : position >= head ? 0 : checkpoint?.created ? since(checkpoint.created) : undefined,
    checkpointAgeSeconds: checkpoint && since(checkpoint.writtenAt),
    detail,
    poison,
  }
}

/** Position of the newest event; undefined when the log cannot say. */
export async function headOf(source: LogSource): Promise<bigint | undefined> {
  try {
    return (await source.head())?.position ?? -1n
  } catch {
    return undefined
  }
}

/** What Postgres knows of the projections, for a process that runs no projector. */
export async function storedStatus(
  db: ReadDatabase,
  projections: readonly Projection[],
  source: LogSource | undefined,
  clock: () => Date,
): Promise<readonly ProjectionStatus[]> {
  const [checkpoints, head] = await Promise.all([readCheckpoints(db), source && headOf(source)])
  return projections.map((projection) => {
    const checkpoint = checkpoints.get(projection.name)
    return statusOf(projection, checkpoint, conditionOf(projection, checkpoint), head, clock())
  })
}
