import { randomUUID } from 'node:crypto'
import { type Log, readRecord } from '../storage/log.ts'
import { encodeRecord, recordId, tombstoneRevision } from '../storage/record.ts'
import { type Batch, newBatch } from './batch.ts'
import type { Feed } from './feed.ts'
import { expiredBefore, firstVisible, type Limits, limitsOf, newestOnly, revivedMetadata, softDeletionMetadata } from './limits.ts'
import type { Place, RecentIds } from './recent-ids.ts'
import { type Decision, decide, type Expected, noStream, type StreamFacts } from './rules.ts'
import { type Head, isMetadataStream, metadataPrefix, type Stream, type Streams } from './streams.ts'

/** An event as a client proposes it. The id is canonical; type, metadata and data are bytes. */
export interface Proposal {
  readonly id: string
  readonly type: Buffer
  readonly isJson: boolean
  readonly metadata: Buffer
  readonly data: Buffer
}

export type Outcome =
  /** `revision` is -1 when the stream has no event; without `position` the original event is hidden by now. */
  | { readonly kind: 'written'; readonly revision: number; readonly position: number | undefined }
  /** `current` is -1 when the stream has no event. */
  | { readonly kind: 'wrong-revision'; readonly current: number }
  | { readonly kind: 'deleted' }
  /** Nothing was stored, and the store goes on; the request may be sent again. */
  | { readonly kind: 'failed'; readonly error: Error }

export type Answer = (outcome: Outcome) => void

/** Events that the store itself derives, for one stream. */
export interface DerivedWrite {
  readonly stream: string
  readonly events: readonly Proposal[]
  /** Whether they replace what the stream holds: that is hidden then. */
  readonly isFresh: boolean
}

const metadataType = Buffer.from('$metadata')
const tombstoneType = Buffer.from('$streamDeleted')
const nothing = Buffer.alloc(0)
const noMembers = Buffer.from('{}')

/**
 * Decides writes one after another against the newest state, and makes them durable in groups: while one transaction is
 * on its way to the disk, the next one collects. An answer is given once everything that it rests on is durable.
 */
export class Writer {
  readonly #log: Log
  readonly #streams: Streams
  readonly #recentIds: RecentIds
  readonly #feed: Feed
  readonly #now: () => number
  #nextPosition: number
  #nextStream: number
  #collecting: Batch | undefined
  #inFlight: Batch | undefined
  #idle: (() => void) | undefined

  constructor(log: Log, streams: Streams, recentIds: RecentIds, feed: Feed, now: () => number = Date.now) {
    this.#log = log
    this.#streams = streams
    this.#recentIds = recentIds
    this.#feed = feed
    this.#now = now
    this.#nextPosition = log.nextPosition
    this.#nextStream = log.nextStream
  }

  /** Appends all events or none. */
  append(name: string, expected: Expected, events: readonly Proposal[], answer: Answer): void {
    const stream = this.#streams.get(name)
    const decision = this.#decide(
      stream,
      expected,
      events.map((event) => event.id),
    )
    if (decision.kind !== 'write') {
      this.#answer(answer, this.#settled(stream, decision))
      return
    }
    const batch = this.#batch()
    const wasSoftDeleted = softDeleted(stream)
    const owner = isMetadataStream(name) ? this.#streams.get(name.slice(metadataPrefix.length)) : undefined
    const ownerWasSoftDeleted = owner !== undefined && !owner.head.tombstoned && softDeleted(owner)
    const firstRevision = stream.head.last + 1
    const position = events.length > 0 ? this.#stage(batch, stream, events) : this.#giveOutPosition(batch)
    const outcome: Outcome = { kind: 'written', revision: stream.head.last, position }
    if (wasSoftDeleted) this.#revive(batch, stream, firstRevision)
    if (ownerWasSoftDeleted) this.#revive(batch, owner, owner.head.last + 1)
    batch.answers.push({ answer, outcome })
  }

  /** Hides all events of a stream; it can be written to again, and then goes on counting. */
  softDelete(name: string, expected: Expected, answer: Answer): void {
    const stream = this.#streams.get(name)
    const decision = this.#decide(stream, expected, [randomUUID()])
    const nothingThere = stream.head.last < 0 && stream.metadata.head.last < 0 && !stream.head.tombstoned
    if (nothingThere) {
      this.#answer(answer, { kind: 'wrong-revision', current: noStream })
      return
    }
    if (decision.kind !== 'write') {
      this.#answer(answer, this.#settled(stream, decision))
      return
    }
    const batch = this.#batch()
    const position = this.#stageMetadata(batch, stream, softDeletionMetadata)
    batch.answers.push({ answer, outcome: { kind: 'written', revision: stream.head.last, position } })
  }

  /** Ends a stream for ever. */
  tombstone(name: string, expected: Expected, answer: Answer): void {
    const stream = this.#streams.get(name)
    const id = randomUUID()
    const decision = this.#decide(stream, expected, [id])
    if (decision.kind !== 'write') {
      this.#answer(answer, this.#settled(stream, decision))
      return
    }
    const batch = this.#batch()
    const tombstone: Proposal = { id, type: tombstoneType, isJson: false, metadata: nothing, data: nothing }
    const position = this.#stageOne(batch, stream, tombstone, tombstoneRevision, Buffer.from(name), this.#now())
    this.#moveHead(batch, stream, { ...stream.head, tombstoned: true })
    batch.answers.push({ answer, outcome: { kind: 'written', revision: stream.head.last, position } })
  }

  /**
   * Appends to many streams, whatever they hold, and replaces marks, all in one transaction. A stream with a tombstone is passed over.
   * The answer is that it is written, or that it failed.
   */
  appendDerived(writes: readonly DerivedWrite[], marks: Iterable<readonly [string, Buffer]>, answer: Answer): void {
    // What cannot be loaded must show before anything is staged.
    for (const { stream } of writes) softDeleted(this.#streams.get(stream))
    const batch = this.#batch()
    for (const { stream: name, events, isFresh } of writes) {
      const stream = this.#streams.get(name)
      if (stream.head.tombstoned) continue
      const isHidden = isFresh || softDeleted(stream)
      const firstRevision = stream.head.last + 1
      this.#stage(batch, stream, events, false)
      if (isHidden && firstRevision > 0) this.#revive(batch, stream, firstRevision)
    }
    for (const [name, value] of marks) batch.marks.set(name, value)
    batch.answers.push({ answer, outcome: { kind: 'written', revision: noStream, position: undefined } })
  }

  /** Resolves when everything that was accepted is durable. */
  async drained(): Promise<void> {
    while (this.#collecting || this.#inFlight) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #decide(stream: Stream, expected: Expected, ids: readonly string[]): Decision {
    return decide(this.#facts(stream), expected, ids)
  }

  #facts(stream: Stream): StreamFacts {
    return {
      last: stream.head.last,
      tombstoned: stream.head.tombstoned,
      softDeleted: softDeleted(stream),
      get hasMetadata() {
        return stream.metadata.head.last >= 0
      },
      recentRevision: (id) => (stream.number === undefined ? undefined : this.#recentIds.get(stream.number, id)?.revision),
      idAt: (revision) => this.#idAt(stream, revision),
    }
  }

  #idAt(stream: Stream, revision: number): string | undefined {
    const pending = stream.pending.find((event) => event.revision === revision)
    if (pending) return pending.id
    const position = this.#positionOf(stream, revision)
    return position === undefined ? undefined : recordId(this.#log.record(position)!)
  }

  #positionOf(stream: Stream, revision: number): number | undefined {
    const pending = stream.pending.find((event) => event.revision === revision)
    if (pending) return pending.position
    return stream.number === undefined ? undefined : this.#log.positionOf(stream.number, revision)
  }

  #settled(stream: Stream, decision: Exclude<Decision, { kind: 'write' }>): Outcome {
    if (decision.kind === 'deleted') return decision
    if (decision.kind === 'wrong-revision') return { kind: 'wrong-revision', current: stream.head.last }
    const { revision } = decision
    return {
      kind: 'written',
      revision,
      position: this.#isVisible(stream, revision) ? this.#positionOf(stream, revision) : undefined,
    }
  }

  #isVisible(stream: Stream, revision: number): boolean {
    const limits = writerLimits(stream)
    if (revision < firstVisible(limits, stream.head.last)) return false
    if (limits.maxAgeMs === undefined || stream.pending.some((event) => event.revision === revision)) return true
    const position = this.#positionOf(stream, revision)
    const event = position === undefined ? undefined : readRecord(this.#log, position)
    return event !== undefined && event.created >= expiredBefore(limits, this.#now())
  }

  /** Writes events to the end of a stream; the position of the last one. Ids that no client will send again need not be remembered. */
  #stage(batch: Batch, stream: Stream, events: readonly Proposal[], areRemembered = true): number {
    const name = Buffer.from(stream.name)
    const created = this.#now()
    let last = stream.head.last
    let position = 0
    for (const event of events) {
      position = this.#stageOne(batch, stream, event, ++last, name, created)
      if (areRemembered) this.#remember(batch, stream.number!, event.id, { revision: last, position })
    }
    this.#moveHead(batch, stream, { ...stream.head, last, ...newestMetadata(stream, events.at(-1)!) })
    return position
  }

  #stageOne(batch: Batch, stream: Stream, event: Proposal, revision: number, name: Buffer, created: number): number {
    const number = this.#numberOf(batch, stream)
    const position = this.#nextPosition++
    batch.entries.push({
      position,
      stream: number,
      revision,
      record: encodeRecord({ ...event, stream: name, revision, position, created }),
    })
    stream.pending.push({ id: event.id, revision, position })
    return position
  }

  #remember(batch: Batch, stream: number, id: string, place: Place): void {
    if (this.#recentIds.add(stream, id, place)) batch.newIds.push({ stream, id })
  }

  #numberOf(batch: Batch, stream: Stream): number {
    if (stream.number === undefined) {
      stream.number = this.#nextStream++
      batch.newStreams.push({ name: stream.name, stream: stream.number })
    }
    return stream.number
  }

  #moveHead(batch: Batch, stream: Stream, head: Head): void {
    stream.head = head
    batch.heads.set(stream, head)
  }

  #stageMetadata(batch: Batch, stream: Stream, data: Buffer): number {
    return this.#stage(batch, stream.metadata, [{ id: randomUUID(), type: metadataType, isJson: true, metadata: nothing, data }])
  }

  /** Leaves a stream visible from its next event on: one that was soft-deleted and is written to, or its metadata is, or that begins afresh. */
  #revive(batch: Batch, stream: Stream, firstRevision: number): void {
    const { last, metadata: former } = stream.metadata.head
    const metadata = revivedMetadata(last < 0 ? noMembers : former, firstRevision)
    if (metadata) this.#stageMetadata(batch, stream, metadata)
  }

  /** An append of no events is told a position all the same, which no event will have. */
  #giveOutPosition(batch: Batch): number {
    batch.gaveOutPositions = true
    return this.#nextPosition++
  }

  #answer(answer: Answer, outcome: Outcome): void {
    const restsOn = this.#collecting ?? this.#inFlight
    if (restsOn) restsOn.answers.push({ answer, outcome })
    else answer(outcome)
  }

  #batch(): Batch {
    if (!this.#collecting) {
      this.#collecting = newBatch()
      // After this turn of the event loop, so that all requests that have arrived by then share a transaction.
      // An answer that writes again comes before the next commit begins by itself; then there is nothing left to begin here.
      if (!this.#inFlight)
        setImmediate(() => {
          if (this.#collecting && !this.#inFlight) this.#commit()
        })
    }
    return this.#collecting
  }

  async #commit(): Promise<void> {
    const batch = this.#collecting!
    this.#collecting = undefined
    this.#inFlight = batch
    const { entries, newStreams, marks, answers } = batch
    for (let n = 0; n < marks.size; n++) this.#giveOutPosition(batch)
    const nextPosition = batch.gaveOutPositions ? this.#nextPosition : undefined
    const isAlone = answers.length === 1 && marks.size === 0
    const error = await this.#log.write({ entries, newStreams, marks, nextPosition }, isAlone).then(none, (error: Error) => error)
    this.#inFlight = undefined
    if (error) this.#failed(batch, error)
    else this.#committed(batch)
    if (this.#collecting) this.#commit()
    else this.#idle?.()
  }

  #committed(batch: Batch): void {
    const position = batch.entries.at(-1)?.position ?? 0
    for (const [stream, head] of batch.heads) {
      stream.committed = head
      stream.pending = stream.pending.filter((event) => event.position > position)
    }
    for (const { answer, outcome } of batch.answers) answer(outcome)
    // Behind the answers, which their calls send when this turn is over.
    queueMicrotask(() => this.#feed.committed(position, streamNames(batch)))
  }

  /** What was decided on top of a failed transaction fails with it. */
  #failed(batch: Batch, error: Error): void {
    const failed = this.#collecting ? [batch, this.#collecting] : [batch]
    this.#collecting = undefined
    this.#nextPosition = this.#log.nextPosition
    this.#nextStream = this.#log.nextStream
    for (const { heads, newIds } of failed) {
      for (const stream of heads.keys()) this.#streams.forget(stream.name)
      for (const { stream, id } of newIds) this.#recentIds.remove(stream, id)
    }
    for (const { answers } of failed) for (const { answer } of answers) answer({ kind: 'failed', error })
  }
}

const none = () => undefined

function* streamNames(batch: Batch): Iterable<string> {
  for (const stream of batch.heads.keys()) yield stream.name
}

const writerLimits = (stream: Stream): Limits => (isMetadataStream(stream.name) ? newestOnly : stream.metadata.head.limits)

const softDeleted = (stream: Stream) => writerLimits(stream).softDeleted

/** What the newest event of a metadata stream changes. */
function newestMetadata(stream: Stream, event: Proposal): Partial<Head> {
  return isMetadataStream(stream.name) ? { limits: limitsOf(event), metadata: event.data } : {}
}
