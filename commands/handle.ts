import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError } from '../domain/errors.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { type Category, streamName } from '../domain/stream.ts'
import type { CheckedCommand } from './check.ts'
import { type Decision, decideCommand, needsOf, seenOf } from './decide.ts'
import { type Answer, createFolds, digestOf, type Fold, type Foldable } from './folds.ts'
import { createLanes, StreamBusy } from './lanes.ts'
import {
  type Appended,
  AppendOutcomeUnknown,
  type Clock,
  type CommandContext,
  type CommandMetrics,
  type CommandOutcome,
  type EventStore,
  type NewEvent,
  type SnapshotStore,
  WrongExpectedRevision,
} from './ports.ts'

export interface HandleOptions {
  readonly store: EventStore
  readonly namespace: string
  readonly networkId: string
  readonly clock: Clock
  readonly metrics?: CommandMetrics
  /** Absent: long streams are read from their beginning. */
  readonly snapshots?: SnapshotStore
  /** Memory for the folds of streams, in bytes. */
  readonly cacheBytesMax?: number
  /** Commands that may wait for one stream at a time. */
  readonly waitingMax?: number
}

/** How often a command is decided before it is given up as unlucky. */
const triesMax = 10

/** What counts as recent where a handler asks for that, in milliseconds: in this time a changed key is known to every instance. */
const recentMs = 5000

/** What one command has seen of other streams: their folds by name, and which folds were read forward for it. */
interface Others {
  readonly held: Map<string, Fold>
  readonly fresh: Set<Fold>
}

/**
 * Decides a checked command against its stream and appends what was decided (design.md 9 to 11). Throws `DomainError`, `StoreUnavailable`
 * (`StreamBusy` when too many want the same stream), `AppendOutcomeUnknown`, `UnreadableEvent`.
 */
export function createHandle(
  options: HandleOptions,
): (command: CheckedCommand, context: CommandContext) => Promise<CommandOutcome> {
  const { store, namespace, networkId, clock, metrics, snapshots, cacheBytesMax = 64 * 1024 * 1024, waitingMax = 256 } = options
  const folds = createFolds(store, clock, cacheBytesMax, snapshots)
  const inLane = createLanes(waitingMax)

  async function foldOf(stream: string, category: Category): Promise<Fold> {
    return folds.peek(stream) ?? (await folds.load(stream, category))
  }

  async function decideAndAppend(command: CheckedCommand, context: CommandContext, stream: string): Promise<CommandOutcome> {
    const { category } = command.handler
    const digest = digestOf(command.signer, command.text)
    let fold = await foldOf(stream, category)
    const others: Others = { held: new Map(), fresh: new Set() }
    for (let tries = 1; tries <= triesMax; ) {
      // Nothing is awaited from here to the append: it expects what was decided on.
      const first = fold.answers.get(command.commandId)
      if (first) return answerAgain(command, stream, first, digest)
      const facts = gather(command, fold, others)
      if (facts instanceof Promise) {
        await facts
        continue
      }
      const decision = decide(command, context, fold, facts)
      if (decision.refusal || !decision.events.length) {
        // Not from memory alone: another instance may have gone on.
        const stale = [fold, ...Object.values(facts)].filter((fold) => !others.fresh.has(fold))
        if (stale.length) {
          await refresh(stale, others)
          continue
        }
        if (decision.refusal) throw decision.refusal
        return { commandId: command.commandId, outcome: 'unchanged', stream, events: [], position: undefined }
      }
      const { revision } = fold
      const appended = await append(stream, revision, decision.events)
      if (appended) {
        folds.take(fold, foldables(decision, revision, command, digest))
        const events = decision.events.map(({ id, type, data }, n) => ({ id, revision: revision + 1 + n, type, data }))
        return { commandId: command.commandId, outcome: 'accepted', stream, events, position: appended.position }
      }
      await sleep(Math.random() * 5 * tries++)
      await folds.refresh(fold)
      if (fold.revision > revision) continue
      // The log is shorter than the fold: it was restored from an older copy.
      folds.drop(stream)
      fold = await foldOf(stream, category)
    }
    throw new StreamBusy(stream)
  }

  /** The folds behind a decision's facts, by name; where some must be read first, the reading of those. */
  function gather(command: CheckedCommand, own: Fold, others: Others): Record<string, Fold> | Promise<unknown> {
    const facts: Record<string, Fold> = {}
    const reading: Promise<unknown>[] = []
    for (const [name, { category, id }] of needsOf(command, own.state)) {
      const stream = streamName(namespace, category, id)
      const fold = stream === own.stream ? own : (others.held.get(stream) ?? folds.peek(stream))
      if (!fold) reading.push(folds.load(stream, category).then((fold) => others.held.set(stream, fold)))
      else if (isOld(fold, command.handler.freshness, others)) reading.push(refresh([fold], others))
      else facts[name] = fold
    }
    return reading.length ? Promise.all(reading) : facts
  }

  function isOld(fold: Fold, freshness: 'always' | 'recent' | undefined, { fresh }: Others): boolean {
    if (freshness === undefined || fresh.has(fold)) return false
    return freshness === 'always' || Math.abs(clock().getTime() - fold.readAt) > recentMs
  }

  async function refresh(stale: readonly Fold[], { held, fresh }: Others): Promise<void> {
    await Promise.all(stale.map(folds.refresh))
    for (const fold of stale) {
      held.set(fold.stream, fold)
      fresh.add(fold)
    }
  }

  function decide(command: CheckedCommand, context: CommandContext, fold: Fold, facts: Readonly<Record<string, Fold>>): Decided {
    const { stream, state } = fold
    const network = facts.network?.state as NetworkState | undefined
    if (!network) throw new Error(`the log holds no network ${networkId}`)
    const seen = Object.fromEntries(Object.entries(facts).map(([name, fold]) => [name, seenOf(fold)]))
    const now = clock().toISOString()
    try {
      return { ...decideCommand(command, { stream, state, now, network, seen }, context), now }
    } catch (error) {
      if (error instanceof DomainError) return { refusal: error }
      throw error
    }
  }

  /** Appends, until it is certain whether it happened; undefined when somebody else's events are there, now and for ever. */
  async function append(stream: string, revision: number, events: readonly NewEvent[]): Promise<Appended | undefined> {
    const expected = revision < 0 ? 'no_stream' : revision
    const giveUpAt = performance.now() + settlingMs
    let unknown: AppendOutcomeUnknown | undefined
    for (;;) {
      const started = performance.now()
      try {
        return await store.append(stream, expected, events)
      } catch (error) {
        if (error instanceof WrongExpectedRevision) return undefined
        if (error instanceof AppendOutcomeUnknown) unknown ??= error
        else if (!unknown) throw error
        // What is not known stays unknown, whatever goes wrong while asking again.
        if (!(error instanceof AppendOutcomeUnknown) || performance.now() > giveUpAt) {
          folds.drop(stream)
          throw unknown
        }
      } finally {
        metrics?.appended((performance.now() - started) / 1000)
      }
      // The store knows the ids: the same events at the same revision succeed again if they are there, and not if others are.
      await sleep(Math.random() * 100)
    }
  }

  async function answerAgain(command: CheckedCommand, stream: string, first: Answer, digest: string): Promise<CommandOutcome> {
    const { commandId } = command
    if (first.digest !== digest) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId })
    const events: CommandOutcome['events'][number][] = []
    let last: bigint | undefined
    for await (const { id, revision, type, data, position } of store.readStream(stream, {
      from: first.revision,
      limit: first.count,
    })) {
      events.push({ id, revision, type, data })
      last = position
    }
    return { commandId, outcome: 'repeated', stream, events, position: last }
  }

  return (command, context) => {
    const stream = streamName(namespace, command.handler.category, command.subject)
    return inLane(stream, () => decideAndAppend(command, context, stream))
  }
}

type Decided = (Decision & { readonly refusal?: never; readonly now: string }) | { readonly refusal: DomainError }

/** For how long an append whose outcome is unknown is sent again, in milliseconds: whoever waits is told within three seconds. */
const settlingMs = 500

/** What was decided, as a fold takes it in. */
function foldables(
  { decided, events, now }: Extract<Decided, { now: string }>,
  revision: number,
  { commandId }: CheckedCommand,
  digest: string,
): Foldable[] {
  return decided.map((event, n) => ({
    id: events[n]!.id,
    event,
    revision: revision + 1 + n,
    commandId,
    recordedAt: now,
    ...(n === 0 && { digest }),
  }))
}
