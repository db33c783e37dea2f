import type { Kysely } from 'kysely'
import type { RecordedEvent } from '../domain/event.ts'
import { batches } from './batches.ts'
import { type Checkpoint, type Problem, poisonOf, reachedAt } from './checkpoints.ts'
import { FoldFailed, foldFact, keysOf, type TableFold, tableFolds } from './fold.ts'
import { logReader, takeAll } from './log-reader.ts'
import { behind, type LogSource } from './log-source.ts'
import { isKeyed, type LogFact, type Projection } from './projection.ts'
import type { ReadModels } from './read.ts'
import { loadRows, type Step, writeSteps } from './write.ts'

/** A projection that follows the log, and how far it is. */
export interface Target {
  readonly projection: Projection
  checkpoint: Checkpoint
  /** Rows stay here between batches: as long as the fence holds, nobody else can have changed them. */
  folds: TableFold[]
}

export function targetOf(projection: Projection, checkpoint: Checkpoint): Target {
  return { projection, checkpoint, folds: tableFolds(projection) }
}

export interface Follower {
  readonly db: Kysely<ReadModels>
  readonly source: LogSource
  readonly clock: () => Date
  /** Most events in one transaction. */
  readonly batchMax: number
  /** Told after each commit. */
  readonly onAdvance: (target: Target) => void
  /** Told when a target is followed no further. */
  readonly onProblem: (target: Target, problem: Problem) => Promise<void>
}

/** Another projector moved these checkpoints: nothing of ours was written. */
export class Fenced extends Error {
  readonly names: readonly string[]

  constructor(names: readonly string[]) {
    super(`another projector is at work on ${names.join(', ')}`)
    this.name = 'Fenced'
    this.names = names
  }
}

const cachedRowsMax = 20_000
/** Under load, between batches: each costs a dozen queries, however few its events. */
const restMs = 8

/**
 * Folds the log into all of `targets` from one subscription, which begins at the one furthest behind. Ends when `signal` is aborted
 * (by throwing its reason) or when no target is left. Throws `Fenced`, `LogDiverged` for the place furthest behind, and what Postgres
 * throws: whatever it was, to follow again from the stored checkpoints is right.
 */
export async function follow(follower: Follower, targets: readonly Target[], signal: AbortSignal): Promise<void> {
  const following = new Set(targets)
  const stop = async (target: Target, problem: Problem) => {
    following.delete(target)
    await follower.onProblem(target, problem)
  }
  const start = targets.reduce((first, target) =>
    target.checkpoint.position < first.checkpoint.position ? target : first,
  ).checkpoint
  const reader = logReader(start.log)
  let last: Pick<Checkpoint, 'position' | 'eventId'> = start

  async function take(events: readonly RecordedEvent[]): Promise<void> {
    const { facts, unreadable } = takeAll(reader, events)
    const portions: Portion[] = []
    for (const target of following) {
      const from = firstNewEvent(target.checkpoint, last, events)
      if (typeof from === 'string') await stop(target, { kind: 'diverged', detail: from })
      else if (from < facts.length) portions.push({ target, facts: facts.slice(from) })
    }
    await advance(portions)
    const end = events[facts.length - 1]
    if (end) last = { position: end.position, eventId: end.id }
    if (unreadable) {
      const poison = poisonOf(unreadable.event, unreadable.error)
      for (const target of following) await stop(target, { kind: 'halted', poison })
    }
  }

  /** Folds and writes; a portion that cannot be is halved until the event is found at which its projection has to halt. */
  async function advance(portions: readonly Portion[]): Promise<void> {
    if (!portions.length) return
    try {
      await Promise.all(portions.map((portion) => fold(follower.db, portion)))
      await write(portions)
    } catch (error) {
      if (!isPoison(error)) throw error
      for (const { target } of portions) target.folds = tableFolds(target.projection)
      if (portions.length > 1) for (const portion of portions) await advance([portion])
      else await narrow(portions[0]!, error)
    }
  }

  async function narrow({ target, facts }: Portion, error: unknown): Promise<void> {
    if (facts.length === 1) return stop(target, { kind: 'halted', poison: poisonOf(facts[0]!, causeOf(error)) })
    const half = facts.length >>> 1
    await advance([{ target, facts: facts.slice(0, half) }])
    if (following.has(target)) await advance([{ target, facts: facts.slice(half) }])
  }

  async function write(portions: readonly Portion[]): Promise<void> {
    const { networkId } = reader.state
    const steps = portions.map(({ target, facts }): Step => {
      return { from: target.checkpoint, to: reachedAt(facts.at(-1)!, networkId), folds: target.folds }
    })
    const moved = await writeSteps(follower.db, steps)
    const fenced: string[] = []
    for (const [index, { from, to }] of steps.entries()) {
      const { target } = portions[index]!
      if (!moved.has(from.name)) {
        fenced.push(from.name)
        continue
      }
      target.checkpoint = { ...from, ...to, problem: null, writtenAt: follower.clock() }
      for (const fold of target.folds) settle(fold)
      follower.onAdvance(target)
    }
    if (fenced.length) throw new Fenced(fenced)
  }

  for await (const messages of batches(follower.source.subscribe({ ...behind(start), signal }), follower.batchMax, restMs)) {
    const events = messages.flatMap((message) => (message.kind === 'event' ? [message.event] : []))
    if (events.length) await take(events)
    if (messages.some(({ kind }) => kind === 'caughtUp')) {
      for (const target of following) {
        const { position } = target.checkpoint
        if (position > last.position)
          await stop(target, { kind: 'diverged', detail: `the log ends at ${last.position}, before the checkpoint at ${position}` })
      }
    }
    if (!following.size) return
  }
}

/** Events that a target is given. */
interface Portion {
  readonly target: Target
  readonly facts: readonly LogFact[]
}

/** Index of the first of `events`, which follow on `last`, that a checkpoint has not taken in; or why it belongs to another log. */
function firstNewEvent(
  { position, eventId }: Checkpoint,
  last: Pick<Checkpoint, 'position' | 'eventId'>,
  events: readonly RecordedEvent[],
): number | string {
  const expected = `at position ${position} the log should hold event ${eventId}, but`
  if (position === last.position) return eventId === last.eventId ? 0 : `${expected} ${last.eventId} is there`
  const at = events.findIndex((event) => event.position >= position)
  const found = events[at]
  if (!found) return events.length
  if (found.position !== position) return `${expected} nothing is there`
  return found.id === eventId ? at + 1 : `${expected} ${found.id} is there`
}

async function fold(db: Kysely<ReadModels>, { target, facts }: Portion): Promise<void> {
  const { folds, checkpoint, projection } = target
  for (const tableFold of folds) {
    const { table } = tableFold
    if (isKeyed(table)) await loadRows(db, checkpoint.schema, { ...tableFold, table }, keysOf(projection, table, facts))
  }
  for (const fact of facts) for (const tableFold of folds) foldFact(projection, tableFold, fact)
}

/** What was written needs no more writing. */
function settle(fold: TableFold): void {
  fold.changed.clear()
  fold.added = []
  if (fold.rows.size > cachedRowsMax) fold.rows.clear()
}

/** A fold threw, or Postgres refuses a value for ever: data exception, constraint, too large for an index. */
function isPoison(error: unknown): boolean {
  if (error instanceof FoldFailed) return true
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(22|23|54)[0-9A-Z]{3}$/.test(error.code)
}

function causeOf(error: unknown): unknown {
  return error instanceof FoldFailed ? error.cause : error
}
