import { hash } from 'node:crypto'
import type { Json } from '../domain/canonical.ts'
import { type DomainEvent, decode, type Fact } from '../domain/catalogue.ts'
import type { Category } from '../domain/stream.ts'
import { clockWindowMs } from './decide.ts'
import { deciders } from './deciders.ts'
import type { Clock, EventStore, SnapshotStore } from './ports.ts'

/** For how long a command's first answer is known: twice the clock window, and a minute that two servers' clocks may differ by. */
const rememberedMs = 2 * clockWindowMs + 60_000

/** Where a command's events are, which are its first answer. */
export interface Answer {
  /** Of the signed text and who signed it. */
  readonly digest: string
  readonly revision: number
  count: number
  readonly recordedAtMs: number
}

/** A stream as far as it was read: the decider's state, and the recent commands with their answers, oldest first. */
export interface Fold {
  readonly stream: string
  readonly category: Category
  state: unknown
  /** Of the last event folded; -1 when there is none. */
  revision: number
  /** When it was known to be all of the stream, in milliseconds since 1970 by our clock. */
  readAt: number
  /** Id of the event at `revision`; empty when there is none. */
  eventId: string
  /** Up to where a snapshot was written or read. */
  snapshotAt: number
  readonly answers: Map<string, Answer>
}

/** An event as a fold takes it in, whether read or just appended. */
export interface Foldable {
  readonly id: string
  readonly event: DomainEvent
  readonly revision: number
  readonly commandId: string
  readonly recordedAt: string
  /** Of the command, on its first event. */
  readonly digest?: string
}

/** What tells one signed command from another that has the same id. */
export function digestOf(publicKey: string, text: string): string {
  return hash('sha256', `${publicKey}\n${text}`, 'base64url')
}

/** The folds of streams, the most recently used of them kept in memory. A fold is changed in place, by whoever reads or appends. */
export interface Folds {
  /** The fold as it is in memory, which others may have passed; undefined when it is not there. */
  peek(stream: string): Fold | undefined
  /** The fold, read from the store unless it is in memory. */
  load(stream: string, category: Category): Promise<Fold>
  /** Reads forward from where the fold is. */
  refresh(fold: Fold): Promise<void>
  /** Takes in what was appended at `foldable.revision`, unless a reader was faster. */
  take(fold: Fold, foldables: readonly Foldable[]): void
  drop(stream: string): void
}

/** A fold that is kept, and what it takes in memory. */
interface Kept {
  readonly fold: Fold
  bytes: number
}

/**
 * `bytesMax` bounds the memory of all folds, by estimate. They are kept in two generations: the young ones are those used since they last took
 * half of it, the others wait for their next use or for the next change of generations. To move a stream to the end of a Map with each use
 * would keep them in order, but leaves a tombstone behind each time, and the network's stream, which every command uses, thousands.
 */
export function createFolds(store: EventStore, clock: Clock, bytesMax: number, snapshots?: SnapshotStore): Folds {
  let young = new Map<string, Kept>()
  let old = new Map<string, Kept>()
  const loading = new Map<string, Promise<Fold>>()
  /** Of the young. */
  let bytes = 0

  function peek(stream: string): Fold | undefined {
    const kept = young.get(stream)
    if (kept) return kept.fold
    const found = old.get(stream)
    if (!found) return undefined
    old.delete(stream)
    add(found)
    return found.fold
  }

  function add(kept: Kept): void {
    young.set(kept.fold.stream, kept)
    grow(kept.bytes)
  }

  function grow(by: number): void {
    bytes += by
    if (bytes <= bytesMax / 2) return
    old = young
    young = new Map()
    bytes = 0
  }

  function keep(fold: Fold): void {
    forget(fold, clock().getTime() - rememberedMs)
    if (writeDown(fold)) fold.snapshotAt = fold.revision
    const kept = young.get(fold.stream)
    // What is not there is not worth remembering: anybody can ask for streams that never were.
    if (fold.revision < 0 || kept?.fold !== fold) drop(fold.stream)
    if (fold.revision < 0) return
    const size = bytesOf(fold)
    if (kept?.fold !== fold) return add({ fold, bytes: size })
    const by = size - kept.bytes
    kept.bytes = size
    grow(by)
  }

  function drop(stream: string): void {
    bytes -= young.get(stream)?.bytes ?? 0
    young.delete(stream)
    old.delete(stream)
  }

  function load(stream: string, category: Category): Promise<Fold> {
    const known = peek(stream)
    if (known) return Promise.resolve(known)
    let pending = loading.get(stream)
    if (!pending) {
      pending = read(stream, category).finally(() => loading.delete(stream))
      loading.set(stream, pending)
    }
    return pending
  }

  async function read(stream: string, category: Category): Promise<Fold> {
    const fold = emptyFold(stream, category, clock().getTime())
    const { newest } = deciders[category]
    if (newest === undefined) {
      await restore(fold)
      for await (const recorded of store.readStream(stream, { from: fold.revision + 1 })) takeIn(fold, foldableOf(decode(recorded)))
    } else await readNewest(fold, newest)
    keep(fold)
    return fold
  }

  /** Brings a fold to where its snapshot stands, if there is one and the log still holds what it was made of. */
  async function restore(fold: Fold): Promise<void> {
    const decider = deciders[fold.category]
    const snapshot = decider.snapshots && (await snapshots?.find(fold.stream))
    if (!snapshot || snapshot.rules !== decider.rules) return
    const { revision, eventId } = snapshot
    for await (const { id } of store.readStream(fold.stream, { from: revision, limit: 1 })) {
      if (id !== eventId) return
      Object.assign(fold, { revision, eventId, snapshotAt: revision, state: decider.snapshots!.read(snapshot.state) })
      for (const [commandId, answer] of snapshot.answers as unknown as [string, Answer][]) fold.answers.set(commandId, answer)
    }
  }

  /** Writes a snapshot when reading on from the last one has come to cost too much. */
  function writeDown({ stream, category, revision, eventId, state, answers, snapshotAt }: Fold): boolean {
    const { snapshots: form, rules } = deciders[category]
    if (!snapshots || !form || revision - snapshotAt < Math.max(snapshotEvents, revision >> 3) + spreadOf(eventId)) return false
    snapshots.keep({
      stream,
      revision,
      eventId,
      rules,
      state: form.write(state as never),
      answers: [...answers] as unknown as Json,
    })
    return true
  }

  async function refresh(fold: Fold): Promise<void> {
    const { newest } = deciders[fold.category]
    const from = fold.revision + 1
    const readAt = clock().getTime()
    if (newest === undefined)
      for await (const recorded of store.readStream(fold.stream, { from })) takeIn(fold, foldableOf(decode(recorded)))
    else await refreshNewest(fold, newest, from)
    fold.readAt = readAt
    keep(fold)
  }

  async function refreshNewest(fold: Fold, newest: number, from: number): Promise<void> {
    const facts: Fact[] = []
    for await (const recorded of store.readStream(fold.stream, { from, limit: pageSize })) facts.push(decode(recorded))
    // Far behind, or what comes next has left the store (design.md 6).
    const isBehind = facts.length === pageSize || (facts.length > 0 && facts[0]!.revision > from)
    if (isBehind) await readNewest(fold, newest)
    else for (const fact of facts) takeIn(fold, foldableOf(fact))
  }

  /** Reads backwards no further than the state and the memory of commands need. */
  async function readNewest(fold: Fold, newest: number): Promise<void> {
    const horizon = clock().getTime() - rememberedMs
    const facts: Fact[] = []
    let isAll = false
    while (!isAll) {
      const last = facts.at(-1)
      const from = last && { from: last.revision - 1 }
      const before = facts.length
      for await (const recorded of store.readStream(fold.stream, { direction: 'backwards', limit: pageSize, ...from })) {
        const fact = decode(recorded)
        facts.push(fact)
        isAll = fact.revision === 0 || (facts.length >= newest && Date.parse(fact.metadata.recordedAt) < horizon)
        if (isAll) break
      }
      isAll ||= facts.length - before < pageSize
    }
    if (!facts.length || facts[0]!.revision <= fold.revision) return
    Object.assign(fold, emptyFold(fold.stream, fold.category, fold.readAt), { revision: facts.at(-1)!.revision - 1 })
    for (const fact of facts.reverse()) takeIn(fold, foldableOf(fact))
  }

  function take(fold: Fold, foldables: readonly Foldable[]): void {
    for (const foldable of foldables) takeIn(fold, foldable)
    // Where the store appends what expects a revision, that one was the last.
    fold.readAt = Date.parse(foldables.at(-1)!.recordedAt)
    keep(fold)
  }

  return { peek, load, refresh, take, drop }
}

/** Events from one snapshot to the next; more in a long stream, so that writing them all down stays cheaper than the events. */
const snapshotEvents = 250

/** 0 to 255, by the event: streams that grow alike are not all written down at once. */
const spreadOf = (eventId: string) => Number.parseInt(eventId.slice(0, 2), 16)

/** Events read at a time where only a stream's newest matter. */
const pageSize = 32

function emptyFold(stream: string, category: Category, readAt: number): Fold {
  const { initialState } = deciders[category]
  return { stream, category, state: initialState, revision: -1, eventId: '', snapshotAt: -1, readAt, answers: new Map() }
}

function foldableOf(fact: Fact): Foldable {
  const { commandId, publicKey, recordedAt, command } = fact.metadata
  return {
    id: fact.id,
    event: fact,
    revision: fact.revision,
    commandId,
    recordedAt,
    ...(command === undefined ? {} : { digest: digestOf(publicKey, command) }),
  }
}

function takeIn(fold: Fold, { id, event, revision, commandId, recordedAt, digest }: Foldable): void {
  if (revision <= fold.revision) return
  if (revision !== fold.revision + 1) throw new Error(`${fold.stream} goes from revision ${fold.revision} to ${revision}`)
  fold.state = deciders[fold.category].evolve(fold.state, event, recordedAt)
  fold.revision = revision
  fold.eventId = id
  const answer = fold.answers.get(commandId)
  if (digest !== undefined) fold.answers.set(commandId, { digest, revision, count: 1, recordedAtMs: Date.parse(recordedAt) })
  else if (answer) answer.count += 1
}

function forget(fold: Fold, horizon: number): void {
  for (const [commandId, { recordedAtMs }] of fold.answers) {
    if (recordedAtMs >= horizon) break
    fold.answers.delete(commandId)
  }
}

/** What a fold takes in memory, roughly. */
function bytesOf({ category, state, answers }: Fold): number {
  return foldBytes + answers.size * answerBytes + (deciders[category].sizeOf?.(state) ?? 0)
}

/** With a state that is small, as a node's profile is. */
const foldBytes = 2048
const answerBytes = 384
