import type { Feed } from '../engine/feed.ts'
import { type Filter, isHiddenFromAll } from '../engine/filter.ts'
import { expiredBefore, firstVisible } from '../engine/limits.ts'
import { type Resolved, resolveLink } from '../engine/links.ts'
import type { Library } from '../engine/sources.ts'
import { StoredRecord, tombstoneRevision } from '../storage/record.ts'
import { all } from './place.ts'

/** Events looked at before others get their turn. */
const turn = 1_000

/** What is delivered of the event at a place; nothing of an event that is not for the group. False: look no further. */
export type Take = (place: number, found: Resolved | undefined) => boolean

/** Where the messages of a group come from: a stream or `$all`, by places. */
export interface Source {
  /** The newest place, -1 when there is none. */
  readonly end: number
  /** From here on there are so many places. */
  newest(count: number): number
  /** The newest place at or after one that holds an event of the group; it does not look far. */
  newestEvent(from: number): number | undefined
  /** Nothing can be read any more. */
  readonly isGone: boolean
  /**
   * Goes through events from a place on, for a while; answers the place to go on from. Events from `liveFrom` on were seen as
   * they were written: no limits of the stream hide them, and links are followed as subscriptions follow them live.
   */
  scan(from: number, liveFrom: number, take: Take): number
  /** Calls `wake` when there is more; answers how to stop that. */
  onMore(wake: () => void): () => void
}

export interface SourceOptions {
  readonly stream: string
  readonly resolveLinks: boolean
  readonly filter: Filter | undefined
}

export function sourceOf(library: Library, feed: Feed, options: SourceOptions): Source {
  return options.stream === all ? allSource(library, feed, options) : streamSource(library, feed, options)
}

type Resolve = (record: Buffer, live: boolean) => Resolved

function resolver({ log, streams }: Library, resolveLinks: boolean): Resolve {
  if (!resolveLinks) return (record) => ({ event: record, link: undefined })
  return (record, live) => resolveLink(log, streams, record, live)
}

function streamSource(library: Library, feed: Feed, { stream: name, resolveLinks }: SourceOptions): Source {
  const { log, streams } = library
  const resolve = resolver(library, resolveLinks)
  const end = () => {
    const { last, tombstoned } = streams.get(name).committed
    return tombstoned ? tombstoneRevision : last
  }

  return {
    get end() {
      return end()
    },
    get isGone() {
      return streams.get(name).committed.tombstoned
    },
    newest: (count) => streams.get(name).committed.last - count + 1,
    newestEvent: (from) => (end() >= from ? end() : undefined),
    onMore: (wake) => feed.onStream(name, wake),

    scan(from, liveFrom, take) {
      const { number, committed, limits } = streams.get(name)
      if (number === undefined) return from
      const { last, tombstoned } = committed
      const cutoff = expiredBefore(limits, Date.now())
      let next = from < liveFrom ? Math.max(from, Math.min(firstVisible(limits, last), last + 1, liveFrom)) : from
      let looked = 0
      let isCut = false
      if (next <= last)
        log.scanStream(number, next, last, false, (revision, position) => {
          next = revision + 1
          const record = log.record(position)!
          const live = revision >= liveFrom
          const isVisible = live || cutoff === 0 || new StoredRecord(record).created >= cutoff
          isCut = !take(revision, isVisible ? resolve(record, live) : undefined) || ++looked >= turn
          return !isCut
        })
      if (isCut || !tombstoned || next > tombstoneRevision) return next
      take(tombstoneRevision, resolve(log.record(log.positionOf(number, tombstoneRevision)!)!, true))
      return Number.POSITIVE_INFINITY
    },
  }
}

function allSource(library: Library, feed: Feed, { resolveLinks, filter }: SourceOptions): Source {
  const { log } = library
  const resolve = resolver(library, resolveLinks)

  /** In history a filter looks at the link, live at its target. */
  function select(record: Buffer, live: boolean): Resolved | undefined {
    if (!live && filter && !filter(new StoredRecord(record))) return undefined
    const resolved = resolve(record, live)
    return !live || !filter || filter(new StoredRecord(resolved.event ?? record)) ? resolved : undefined
  }

  return {
    get end() {
      return feed.position
    },
    isGone: false,
    newest: (count) => feed.position - count + 1,
    newestEvent(from) {
      let found: number | undefined
      let looked = 0
      log.scanAll(from, feed.position, true, (position, record) => {
        if (!isHiddenFromAll(record) && select(record, true)) found = position
        return found === undefined && ++looked < turn
      })
      return found
    },
    onMore: (wake) => feed.onAny(wake),

    scan(from, liveFrom, take) {
      const end = feed.position
      let next = from
      let looked = 0
      let isCut = false
      if (next > end) return next
      log.scanAll(next, end, false, (position, record) => {
        next = position + 1
        const goesOn = isHiddenFromAll(record) || take(position, select(record, position >= liveFrom))
        isCut = !goesOn || ++looked >= turn
        return !isCut
      })
      return isCut ? next : end + 1
    },
  }
}
