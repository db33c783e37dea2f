import {
  type Appended,
  AppendOutcomeUnknown,
  type Clock,
  type EventStore,
  type ExpectedRevision,
  LogDiverged,
  type LogMessage,
  type LogPlace,
  type NewEvent,
  type ReadStreamOptions,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../../commands/ports.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { streamPrefix } from '../../domain/stream.ts'

/** The port in memory, and the faults that a real store can have, to be caused on purpose. */
export interface MemoryEventStore extends EventStore {
  /** The store cannot be reached: calls throw `StoreUnavailable`, subscriptions wait and open again after `comeBack`. */
  goAway(): void
  comeBack(): void
  /** The next append is written, but its answer is lost: `AppendOutcomeUnknown`. */
  loseNextReply(): void
  /** The next append is lost on its way: `AppendOutcomeUnknown`, and nothing was written. */
  loseNextAppend(): void
  /** The store is restored from an older copy, with the namespace's first `count` events and none of others; every connection breaks. */
  restore(namespace: string, count: number): void
  /** Another client of the same store, for another namespace or for a second process. */
  connect(options?: { readonly namespace?: string; readonly clock?: Clock }): MemoryEventStore
}

/** An `EventStore` in memory with its own empty log. */
export function memoryEventStore(options: { readonly namespace?: string; readonly clock?: Clock } = {}): MemoryEventStore {
  return connect(memoryLog(), options)
}

/** What EventStoreDB takes in one append by default: bytes of data. */
const appendBytesMax = 1024 * 1024

interface Log {
  readonly events: RecordedEvent[]
  readonly streams: Map<string, RecordedEvent[]>
  readonly sleepers: Set<() => void>
  end: bigint
  away: boolean
  losing: 'nothing' | 'reply' | 'append'
  /** Counts broken connections: a subscription that sees it change opens again. */
  breaks: number
}

function memoryLog(): Log {
  return { events: [], streams: new Map(), sleepers: new Set(), end: 0n, away: false, losing: 'nothing', breaks: 0 }
}

function connect(
  log: Log,
  { namespace = 'dux', clock = () => new Date() }: { readonly namespace?: string; readonly clock?: Clock },
): MemoryEventStore {
  const prefix = streamPrefix(namespace)
  let closed = false

  function reach(): void {
    if (closed) throw new StoreUnavailable('the event store is closed')
    if (log.away) throw new StoreUnavailable('the event store is away')
  }

  function own(stream: string): void {
    if (!stream.startsWith(prefix)) throw new RangeError(`${stream} is not a stream of the namespace ${namespace}`)
  }

  /** Index of the first event after `after`. Throws `LogDiverged`. */
  function indexAfter(after: LogPlace | undefined): number {
    if (!after) return 0
    const index = lowerBound(log.events, after.position)
    const found = log.events[index]
    if (!found) throw new LogDiverged(after, 'it ends before that')
    if (found.position !== after.position) throw new LogDiverged(after, 'nothing is there')
    if (found.id !== after.eventId) throw new LogDiverged(after, `event ${found.id} is there`)
    return index + 1
  }

  async function append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended> {
    own(stream)
    if (!events.length) throw new RangeError('there is nothing to append')
    await turn()
    reach()
    const losing = log.losing
    log.losing = 'nothing'
    if (losing === 'append') throw new AppendOutcomeUnknown(stream)
    const appended = write(log, stream, expected, events, clock())
    if (losing === 'reply') throw new AppendOutcomeUnknown(stream)
    return appended
  }

  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    own(stream)
    await turn()
    reach()
    const { direction = 'forwards', from, limit = Number.POSITIVE_INFINITY } = options
    const events = log.streams.get(stream) ?? []
    const found =
      direction === 'forwards' ? events.slice(from) : events.slice(0, from === undefined ? undefined : from + 1).reverse()
    for (const event of found.slice(0, limit)) {
      reach()
      yield event
    }
  }

  async function* readAll({ after, signal }: { after?: LogPlace; signal?: AbortSignal } = {}): AsyncGenerator<RecordedEvent> {
    signal?.throwIfAborted()
    await turn()
    reach()
    const events = log.events.slice(indexAfter(after))
    for (const event of events) {
      signal?.throwIfAborted()
      reach()
      if (event.stream.startsWith(prefix)) yield event
    }
  }

  async function* subscribe({ after, signal }: { after?: LogPlace; signal: AbortSignal }): AsyncGenerator<LogMessage> {
    let place = after
    for (;;) {
      signal.throwIfAborted()
      if (closed) throw new StoreUnavailable('the event store is closed')
      if (log.away) {
        await woken(log, signal)
        continue
      }
      for await (const message of session(place, signal)) {
        if (message.kind === 'event') place = { position: message.event.position, eventId: message.event.id }
        yield message
      }
    }
  }

  /** One connection's part of a subscription: it ends when the connection breaks. */
  async function* session(after: LogPlace | undefined, signal: AbortSignal): AsyncGenerator<LogMessage> {
    const { breaks } = log
    let next = indexAfter(after)
    let told = next
    let live = false
    while (breaks === log.breaks && !closed) {
      signal.throwIfAborted()
      const event = log.events[next]
      if (event) {
        next += 1
        if (!event.stream.startsWith(prefix)) continue
        told = next
        yield { kind: 'event', event }
      } else if (told < next) {
        told = next
        yield { kind: 'passed', position: log.events[next - 1]!.position }
      } else if (!live) {
        live = true
        yield { kind: 'caughtUp' }
      } else await woken(log, signal)
    }
  }

  return {
    append,
    readStream,
    readAll,
    subscribe,
    async head() {
      await turn()
      reach()
      const event = log.events.findLast(({ stream }) => stream.startsWith(prefix))
      return event && { position: event.position, eventId: event.id }
    },
    async ping() {
      await turn()
      reach()
    },
    async close() {
      closed = true
      wake(log)
    },
    goAway() {
      log.away = true
      disconnect(log)
    },
    comeBack() {
      log.away = false
      wake(log)
    },
    loseNextReply() {
      log.losing = 'reply'
    },
    loseNextAppend() {
      log.losing = 'append'
    },
    restore(namespace, count) {
      const kept = log.events
        .splice(0)
        .filter(({ stream }) => stream.startsWith(streamPrefix(namespace)))
        .slice(0, count)
      log.streams.clear()
      for (const event of kept) keep(log, event)
      const last = kept.at(-1)
      log.end = last ? last.position + sizeOf(last) : 0n
      disconnect(log)
    },
    connect: (other = {}) => connect(log, { namespace, clock, ...other }),
  }
}

/** Checks the expectation as EventStoreDB does and appends. Throws `WrongExpectedRevision`. */
function write(log: Log, stream: string, expected: ExpectedRevision, events: readonly NewEvent[], created: Date): Appended {
  const before = log.streams.get(stream) ?? []
  const current = before.length - 1
  const at = expected === 'no_stream' ? -1 : expected
  if (at < current) {
    // Earlier than the end: either the same append again, or somebody else was first.
    if (events.every(({ id }, index) => before[at + 1 + index]?.id === id)) return placeOf(before[at + events.length]!)
  }
  if (at !== current) throw new WrongExpectedRevision(stream, expected, current < 0 ? 'no_stream' : current)
  const copies = events.map((event) => frozenCopy(event))
  if (copies.reduce((bytes, { data }) => bytes + bytesOf(data), 0) > appendBytesMax)
    throw new RangeError(`the append to ${stream} is larger than ${appendBytesMax} bytes`)
  for (const [index, copy] of copies.entries()) {
    const event = Object.freeze({ ...copy, stream, revision: current + 1 + index, position: log.end, created })
    log.end += sizeOf(event)
    keep(log, event)
  }
  wake(log)
  return placeOf(log.events.at(-1)!)
}

function placeOf({ revision, position }: RecordedEvent): Appended {
  return { revision, position }
}

function keep(log: Log, event: RecordedEvent): void {
  log.events.push(event)
  const stream = log.streams.get(event.stream)
  if (stream) stream.push(event)
  else log.streams.set(event.stream, [event])
}

/** Room that an event takes in the log, so that positions have gaps as a real store's have. */
function sizeOf({ data, metadata }: RecordedEvent): bigint {
  return BigInt(64 + bytesOf(data) + bytesOf(metadata))
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8')
}

/** What JSON makes of an event; frozen, because every reader is given the same object. */
function frozenCopy({ id, type, data, metadata }: NewEvent): NewEvent {
  return deepFreeze(JSON.parse(JSON.stringify({ id, type, data, metadata })))
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}

/** Index of the first event at or behind `position`. */
function lowerBound(events: readonly RecordedEvent[], position: bigint): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (events[middle]!.position < position) low = middle + 1
    else high = middle
  }
  return low
}

function disconnect(log: Log): void {
  log.breaks += 1
  wake(log)
}

function wake(log: Log): void {
  const sleepers = [...log.sleepers]
  log.sleepers.clear()
  for (const sleeper of sleepers) sleeper()
}

/** Resolves at the next change of the log or when `signal` is aborted. */
function woken(log: Log, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      log.sleepers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    log.sleepers.add(done)
    signal.addEventListener('abort', done)
  })
}

/** A store answers in a later turn of the event loop, never in the same one: callers' races show here too. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
