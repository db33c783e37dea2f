import type { Log } from '../storage/log.ts'
import { StoredRecord } from '../storage/record.ts'
import type { Page } from '../wire/page.ts'
import { type Filter, isHiddenFromAll } from './filter.ts'
import { expiredBefore, firstVisible } from './limits.ts'
import { resolveLink } from './links.ts'
import type { Progress, Source } from './pump.ts'
import type { Streams } from './streams.ts'

/** Events looked at before others get their turn, whether they were sent or not. */
const turn = 1_000

export interface Library {
  readonly log: Log
  readonly streams: Streams
}

/** Adds an event to a page, followed to its target when it is a link and the reader asked for that. */
export type Send = (page: Page, record: Buffer, position: number, live: boolean) => void

export function sender({ log, streams }: Library, resolveLinks: boolean): Send {
  if (!resolveLinks) return (page, record, position) => page.event(record, undefined, position)
  return (page, record, position, live) => {
    const { event, link } = resolveLink(log, streams, record, live)
    page.event(event, link, position)
  }
}

export interface StreamRead {
  readonly stream: string
  /** The first revision wanted; beyond the last one is no error. */
  readonly from: number
  readonly backwards: boolean
  readonly count: number
  readonly resolveLinks: boolean
}

/** The visible events of a stream as it is now. The stream has events, and no tombstone. */
export function streamSource(library: Library, read: StreamRead): Source {
  const { log, streams } = library
  const stream = streams.get(read.stream)
  const { last } = stream.committed
  const { limits } = stream
  const lowest = firstVisible(limits, last)
  const cutoff = expiredBefore(limits, Date.now())
  const send = sender(library, read.resolveLinks)
  let next = read.backwards ? Math.min(read.from, last) : Math.max(read.from, lowest)
  let left = read.count
  const isPast = () => left <= 0 || (read.backwards ? next < lowest : next > last)

  return (page) => {
    if (isPast()) return 'done'
    let looked = 0
    const [from, to] = read.backwards ? [lowest, next] : [next, last]
    log.scanStream(stream.number!, from, to, read.backwards, (revision, position) => {
      next = read.backwards ? revision - 1 : revision + 1
      looked++
      const record = log.record(position)!
      if (cutoff === 0 || new StoredRecord(record).created >= cutoff) {
        send(page, record, position, false)
        left--
      }
      return left > 0 && !page.isFull && looked < turn
    })
    return looked === 0 || isPast() ? 'done' : 'more'
  }
}

export interface AllRead {
  /** Forwards: the first position wanted. Backwards: the position before which to begin. */
  readonly from: number
  /** The newest position that may be read. */
  readonly end: number
  readonly backwards: boolean
  readonly count: number
  readonly resolveLinks: boolean
  readonly filter: Filter | undefined
}

/** The events of the log as it is now. */
export function allSource(library: Library, read: AllRead): Source {
  const send = sender(library, read.resolveLinks)
  let next = read.backwards ? Math.min(read.from - 1, read.end) : read.from
  let left = read.count

  return (page) => {
    if (left <= 0) return 'done'
    let looked = 0
    let progress: Progress = 'done'
    const [from, to] = read.backwards ? [0, next] : [next, read.end]
    if (from > to) return 'done'
    library.log.scanAll(from, to, read.backwards, (position, record) => {
      next = read.backwards ? position - 1 : position + 1
      if (!isHiddenFromAll(record) && (!read.filter || read.filter(new StoredRecord(record)))) {
        send(page, record, position, false)
        left--
      }
      if (left > 0 && !page.isFull && ++looked < turn) return true
      progress = left > 0 ? 'more' : 'done'
      return false
    })
    return progress
  }
}
