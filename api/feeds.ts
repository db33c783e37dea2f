import type { EventFilter, EventLogQueries } from '../projections/event-log.query.ts'
import type { Progress } from '../projections/progress.ts'
import { cloudEventText, type EventSource } from './cloud-event.ts'
import type { FeedQuery } from './feed-query.ts'
import { createTail, type Heard, type Piece, passes } from './feed-tail.ts'
import { ApiProblem } from './problem.ts'

/** One listener's connection, on one face of the feed. Whatever ends it aborts the signal that the feed runs with. */
export interface Sink<Encoded> {
  readonly face: Face<Encoded>
  /** False when nothing more is to be written before there is room. */
  write(encoded: Encoded): boolean
  /** There is nothing to say; `position` is where to resume. Not called while there is no room. */
  alive(position: bigint): void
  /** Calls `wake` each time that there is room again. */
  onRoom(wake: () => void): void
}

/** How events look to listeners of a kind. What is made of a piece is made once for all of them with the same filter. */
export interface Face<Encoded> {
  readonly name: 'sse' | 'websocket'
  encode(events: readonly Heard[]): Encoded
}

/** A listener took nothing for too long. */
export class TooSlow extends Error {
  constructor() {
    super('the listener takes nothing')
    this.name = 'TooSlow'
  }
}

/** The read model is of another log than when the feed began. */
export class FeedDiverged extends Error {
  constructor() {
    super('the log is another one than before')
    this.name = 'FeedDiverged'
  }
}

export interface Feed {
  /** Tells `sink` everything until `signal` is aborted. Throws `TooSlow`, `FeedDiverged`, and what reads of the past throw. */
  run<Encoded>(sink: Sink<Encoded>, signal: AbortSignal): Promise<void>
}

export interface Feeds {
  /**
   * A feed that has not begun: it counts from now on, until `run` ends. `lastEventId` is what the listener heard last, and beats `from`.
   * Throws `Overloaded` when there are too many, `ParameterInvalid` for an id that is no position, and what reads throw.
   */
  open(query: FeedQuery, lastEventId: string | undefined): Promise<Feed>
}

export interface FeedMetrics {
  /** How many are open on a face, changed by one. */
  opened(face: Face<unknown>['name'], change: 1 | -1): void
  sent(face: Face<unknown>['name'], events: number): void
  /** A listener that took nothing was cut off. */
  cutOff(face: Face<unknown>['name']): void
}

export interface FeedsOptions {
  readonly reads: Pick<EventLogQueries, 'nextIndex' | 'indexAfter' | 'eventsBetween'>
  readonly progress: Pick<Progress, 'reached'>
  readonly source: () => EventSource
  readonly metrics: FeedMetrics
  /** Told of reads that failed; they are tried again. */
  readonly onError: (error: unknown) => void
  /** Feeds at once; 4096 unless given. */
  readonly atOnce?: number
  /** How often a listener without news hears that the connection lives; 15 s unless given. */
  readonly aliveMs?: number
  /** How long a listener's connection may take nothing; 30 s unless given. */
  readonly patienceMs?: number
}

/** For as many filters what was encoded is kept with a piece; whoever has another one encodes for itself. */
const filtersKept = 64

/** The feeds of an instance: all of them read the newest part of the log together. */
export function createFeeds(options: FeedsOptions): Feeds {
  const { reads, progress, source, metrics, onError, atOnce = 4096, aliveMs = 15_000, patienceMs = 30_000 } = options
  const tail = createTail({ reads, progress, textOf: (view) => cloudEventText(view, source()), onError })
  let open = 0

  async function startOf({ from = 'end' }: FeedQuery, lastEventId: string | undefined): Promise<Start> {
    const after = lastEventId === undefined ? from : positionIn(lastEventId)
    if (after === 'start') return { index: 0, after: undefined }
    // Whoever comes from an instance that is further than this one must not hear again what it has heard.
    if (typeof after === 'bigint') return { index: (await reads.indexAfter(after)).value, after }
    const { value: index, position } = await reads.nextIndex()
    return { index, after: position }
  }

  return {
    async open(query, lastEventId) {
      if (open >= atOnce) throw new ApiProblem('Overloaded')
      const filter = filterOf(query)
      const start = await startOf(query, lastEventId)
      return { run: (sink, signal) => run(filter, start, sink, signal) }
    },
  }

  /** A thousand of these go on with each move of the tail: what they do then is done at once, without a promise or a timer each. */
  function run<Encoded>(filter: EventFilter, start: Start, sink: Sink<Encoded>, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { face } = sink
    const key = `${face.name} ${JSON.stringify(filter)}`
    const epoch = tail.epoch()
    let { index } = start
    let position = start.after ?? -1n
    let state: 'telling' | 'searching' | 'idle' | 'full' | 'ended' = 'telling'
    let since = performance.now()
    let forget: (() => void) | undefined

    function end(error?: unknown): void {
      if (state === 'ended') return
      state = 'ended'
      forget?.()
      clearInterval(watch)
      signal.removeEventListener('abort', leave)
      open -= 1
      metrics.opened(face.name, -1)
      if (error instanceof TooSlow) metrics.cutOff(face.name)
      if (error === undefined) resolve()
      else reject(error)
    }

    function tell(): void {
      state = 'telling'
      try {
        while (state === 'telling') {
          if (tail.epoch() !== epoch) throw new FeedDiverged()
          const piece = tail.pieceAt(index, filter)
          if (!piece) wait()
          else if (piece instanceof Promise) search(piece)
          else take(piece)
        }
      } catch (error) {
        end(error)
      }
    }

    function wait(): void {
      state = 'idle'
      forget = tail.onMove(tell)
    }

    function search(searched: Promise<Piece>): void {
      state = 'searching'
      searched.then((piece) => {
        if (state === 'ended') return
        state = 'telling'
        take(piece)
        if (state === 'telling') tell()
      }, end)
    }

    function take(piece: Piece): void {
      const wanted = encodedFor(piece, key, filter, { index, after: start.after }, face)
      index = piece.upTo
      if (piece.position !== undefined && piece.position > position) position = piece.position
      if (!wanted) return
      metrics.sent(face.name, wanted.count)
      since = performance.now()
      if (!sink.write(wanted.encoded) && state === 'telling') state = 'full'
    }

    function look(): void {
      const ms = performance.now() - since
      if (state === 'full' && ms >= patienceMs) return end(new TooSlow())
      if (state !== 'idle' || ms < aliveMs) return
      const known = tail.end()
      if (known?.index === index && known.position > position) position = known.position
      since = performance.now()
      if (position >= 0n) sink.alive(position)
    }

    const watch = setInterval(look, Math.min(aliveMs, patienceMs) / 2)
    const leave = () => end()
    signal.addEventListener('abort', leave)
    open += 1
    metrics.opened(face.name, 1)
    sink.onRoom(() => {
      if (state === 'full') tell()
    })
    // So that whoever loses the connection before the first event misses nothing, either.
    if (position >= 0n) sink.alive(position)
    if (signal.aborted) end()
    else tell()
    return promise
  }
}

/** Where a feed begins: at an index, and behind a position. */
interface Start {
  readonly index: number
  readonly after: bigint | undefined
}

interface Wanted<Encoded> {
  readonly encoded: Encoded
  readonly count: number
}

/** What a listener hears of a piece; undefined for nothing. */
function encodedFor<Encoded>(
  piece: Piece,
  key: string,
  filter: EventFilter,
  { index, after }: Start,
  face: Face<Encoded>,
): Wanted<Encoded> | undefined {
  const isWhole = piece.from >= index && (after === undefined || !piece.events.length || piece.events[0]!.position > after)
  if (isWhole && piece.encoded.has(key)) return piece.encoded.get(key) as Wanted<Encoded> | undefined
  const events = piece.events.filter(
    (event) => event.index >= index && (after === undefined || event.position > after) && passes(filter, event),
  )
  const wanted = events.length ? { encoded: face.encode(events), count: events.length } : undefined
  if (isWhole && piece.encoded.size < filtersKept) piece.encoded.set(key, wanted)
  return wanted
}

function filterOf({ type, category, stream, subject }: FeedQuery): EventFilter {
  return {
    ...(type && { types: type }),
    ...(category && { categories: category }),
    ...(stream && { streams: stream }),
    ...(subject && { subjects: subject }),
  }
}

function positionIn(lastEventId: string): bigint {
  if (/^(0|[1-9]\d{0,19})$/.test(lastEventId)) return BigInt(lastEventId)
  throw new ApiProblem('ParameterInvalid', { parameter: 'Last-Event-ID', reason: 'must be a position: decimal digits' })
}
