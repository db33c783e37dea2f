import { setTimeout as sleep } from 'node:timers/promises'
import type { Fact } from '../domain/catalogue.ts'
import { partsOfStream } from '../domain/stream.ts'
import { referencesOf, subjectOf } from '../domain/subjects.ts'
import type { EventFilter, EventLogQueries, EventView } from '../projections/event-log.query.ts'
import { eventLog } from '../projections/event-log.ts'
import type { Progress } from '../projections/progress.ts'

/** An event on its way to listeners. */
export interface Heard {
  readonly index: number
  readonly position: bigint
  readonly stream: string
  readonly type: string
  /** What is sent of it: JSON in one line. */
  readonly text: string
  /** What it touches: `node:<id>`. */
  readonly subjects: () => readonly string[]
}

/** Events of a part of the log: all of them, or, where a reader far behind searched for it alone, those that its filter lets pass. */
export interface Piece {
  /** Index of the first event of the part. */
  readonly from: number
  /** Index behind its last one. */
  readonly upTo: number
  /** Where to resume behind it; undefined where no event of it is known. */
  readonly position: bigint | undefined
  readonly events: readonly Heard[]
  /** What was made of it for listeners, by face and filter. */
  readonly encoded: Map<string, unknown>
}

export interface TailOptions {
  readonly reads: Pick<EventLogQueries, 'nextIndex' | 'eventsBetween'>
  readonly progress: Pick<Progress, 'reached'>
  readonly textOf: (view: EventView) => string
  /** Told of reads that failed; they are tried again. */
  readonly onError: (error: unknown) => void
}

/** The newest part of the log, read once for all who listen. */
export interface Tail {
  /** Counts how often the log turned out to be another one than before: whoever began in an earlier epoch must end. */
  epoch(): number
  /** Where a reader would go on that has heard all that is known; undefined before the first read. */
  end(): { readonly index: number; readonly position: bigint } | undefined
  /** What comes at `from`, if it is known or can be searched for; undefined: not yet. Throws what a read throws. */
  pieceAt(from: number, filter: EventFilter): Promise<Piece> | Piece | undefined
  /** Calls `wake` when the tail has moved; once. Answers what takes that back. */
  onMove(wake: () => void): () => void
}

const eventsPerRead = 500
/** Of text: what a reader may have to hold at a time. */
const pieceCharactersMax = 256 * 1024
const kept = { events: 5000, characters: 16 * 1024 * 1024 }
/** How long nobody is written to: a write costs much the same, whatever is in it, and a quarter of the time is enough for writing. */
const flush = { leastMs: 25, restOfWriting: 4 }
const idleMs = 1000
const retryMs = 500
/** Events that one search passes over. */
const searchedMax = 20_000
const searchedRows = 200
const searchesAtOnce = 8

/** Whether an event is wanted. */
export function passes({ types, categories, streams, subjects }: EventFilter, event: Heard): boolean {
  if (types && !types.includes(event.type)) return false
  if (streams && !streams.includes(event.stream)) return false
  if (categories && !categories.includes(partsOfStream(event.stream)?.category ?? '')) return false
  return !subjects || event.subjects().some((subject) => subjects.includes(subject))
}

export function createTail({ reads, progress, textOf, onError }: TailOptions): Tail {
  const pieces: Piece[] = []
  const waiting = new Set<() => void>()
  let epoch = 0
  let last: { readonly index: number; readonly position: bigint; readonly leaf: Buffer | undefined } | undefined
  let following = false
  let searches = 0
  const queue: (() => void)[] = []

  /** Reads what has come, for as long as somebody waits for it. */
  async function follow(): Promise<void> {
    if (following) return
    following = true
    let isLate = last !== undefined
    while (waiting.size) {
      const began = performance.now()
      let pauseMs = flush.leastMs
      try {
        if (isLate) await skip()
        isLate = false
        if (await readOn()) {
          const writingSince = performance.now()
          for (const wake of take(waiting)) wake()
          pauseMs = Math.max(pauseMs, (performance.now() - writingSince) * flush.restOfWriting)
        } else await progress.reached(eventLog.name, last!.position + 1n, idleMs)
      } catch (error) {
        onError(error)
        await sleep(retryMs)
      }
      await sleep(Math.max(0, pauseMs - (performance.now() - began)))
    }
    following = false
  }

  /** Nobody listened for a while: what came meanwhile is not read for nobody, where it is more than would be kept. */
  async function skip(): Promise<void> {
    const { value: next } = await reads.nextIndex()
    const { index, leaf } = last!
    if (next >= index && next - index <= kept.events) return
    const same = leaf && (await reads.eventsBetween(index - 1, index, 1)).value[0]?.leaf.equals(leaf)
    if (leaf && !same) epoch += 1
    pieces.length = 0
    last = undefined
  }

  /** Takes in what comes next; false when there is nothing. */
  async function readOn(): Promise<boolean> {
    if (!last) return begin()
    const { index, leaf } = last
    // The last one again: it tells whether this is still the same log.
    const from = leaf ? index - 1 : index
    const { value, position } = await reads.eventsBetween(from, index + eventsPerRead, eventsPerRead + 1)
    if (leaf && !value[0]?.leaf.equals(leaf)) {
      epoch += 1
      last = undefined
      pieces.length = 0
      return true
    }
    const events = leaf ? value.slice(1) : value
    const isAll = events.length < eventsPerRead
    const newest = events.at(-1)
    if (newest) {
      if (events[0]!.index !== index || newest.index !== index + events.length - 1)
        throw new Error(`the read model of the log lacks events behind ${index}`)
      pieces.push(...piecesOf(events))
      forget()
      last = { index: newest.index + 1, position: isAll ? position : newest.position, leaf: newest.leaf }
    } else if (isAll && position > last.position) last = { ...last, position }
    return newest !== undefined
  }

  async function begin(): Promise<boolean> {
    const { value: index, position } = await reads.nextIndex()
    const newest = index > 0 ? (await reads.eventsBetween(index - 1, index, 1)).value[0] : undefined
    last = { index, position, leaf: newest?.leaf }
    return true
  }

  function piecesOf(views: readonly EventView[]): Piece[] {
    const made: Piece[] = []
    let events: Heard[] = []
    let characters = 0
    const close = () => {
      const [first, end] = [events[0]!, events.at(-1)!]
      made.push({ from: first.index, upTo: end.index + 1, position: end.position, events, encoded: new Map() })
      events = []
      characters = 0
    }
    for (const view of views) {
      const event = heard(view, textOf)
      if (events.length && characters + event.text.length > pieceCharactersMax) close()
      events.push(event)
      characters += event.text.length
    }
    if (events.length) close()
    return made
  }

  function forget(): void {
    let events = 0
    let characters = 0
    for (let at = pieces.length - 1; at >= 0; at--) {
      events += pieces[at]!.events.length
      for (const { text } of pieces[at]!.events) characters += text.length
      if (events > kept.events || characters > kept.characters) return void pieces.splice(0, at)
    }
  }

  /** For a reader far behind, alone; few at once, so that nobody's past slows everybody's present. */
  async function search(from: number, before: number, filter: EventFilter): Promise<Piece> {
    if (searches >= searchesAtOnce) await new Promise<void>((resolve) => queue.push(resolve))
    searches += 1
    try {
      const end = Math.min(before, from + searchedMax)
      const { value } = await reads.eventsBetween(from, end, searchedRows, filter)
      const found = piecesOf(value)[0]
      const isAll = value.length < searchedRows && (!found || found.events.length === value.length)
      return { encoded: new Map(), events: [], position: undefined, ...found, from, upTo: isAll ? end : found!.upTo }
    } finally {
      searches -= 1
      queue.shift()?.()
    }
  }

  return {
    epoch: () => epoch,
    end: () => last,
    pieceAt(from, filter) {
      if (!last || from >= last.index) return undefined
      const start = pieces[0]?.from ?? last.index
      if (from < start) return search(from, start, filter)
      return pieces.findLast((piece) => piece.from <= from)
    },
    onMove(wake) {
      waiting.add(wake)
      void follow()
      return () => waiting.delete(wake)
    },
  }
}

function take<T>(set: Set<T>): T[] {
  const all = [...set]
  set.clear()
  return all
}

function heard(view: EventView, textOf: (view: EventView) => string): Heard {
  const { index, position, stream, type, canonical } = view
  let subjects: readonly string[] | undefined
  return {
    index,
    position,
    stream,
    type,
    text: textOf(view),
    subjects() {
      if (subjects) return subjects
      const own = subjectOf(stream)
      // It was checked when it was taken into the read model.
      subjects = [...(own === undefined ? [] : [own]), ...referencesOf(JSON.parse(canonical) as Fact)]
      return subjects
    },
  }
}
