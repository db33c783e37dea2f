import { streamDeleted } from '../grpc/status.ts'
import { StoredRecord, tombstoneRevision } from '../storage/record.ts'
import type { Page } from '../wire/page.ts'
import type { Feed } from './feed.ts'
import { type Filter, isHiddenFromAll } from './filter.ts'
import { expiredBefore, firstVisible } from './limits.ts'
import type { Progress, Source } from './pump.ts'
import { type Library, sender } from './sources.ts'

// A subscription is a cursor over the log and nothing else: it reads until the end, says so, and is woken when there is more.
// What its client has not taken stays in the log, so nothing is lost or repeated however slow the client is.

/** Events looked at before others get their turn. */
const turn = 1_000

/**
 * The events of a stream after a revision (-1: all): first those that its limits leave visible, then `caughtUp`, then each
 * new one, whatever the limits. Ends with stream-deleted after a tombstone.
 */
export function streamSubscription(library: Library, name: string, after: number, resolveLinks: boolean): Source {
  const { log, streams } = library
  const send = sender(library, resolveLinks)
  let next = after + 1
  let live = false

  function fill(page: Page): Progress {
    const stream = streams.get(name)
    const { last, tombstoned } = stream.committed
    const limits = live ? undefined : stream.limits
    const cutoff = limits ? expiredBefore(limits, Date.now()) : 0
    if (limits) next = Math.max(next, Math.min(firstVisible(limits, last), last + 1))
    const to = live && tombstoned ? tombstoneRevision : last
    if (stream.number === undefined || next > to) return 'waiting'
    let looked = 0
    let isDeleted = false
    let isCut = false
    log.scanStream(stream.number, next, to, false, (revision, position) => {
      next = revision + 1
      const record = log.record(position)!
      if (cutoff === 0 || new StoredRecord(record).created >= cutoff) send(page, record, position, live)
      isDeleted = revision === tombstoneRevision
      isCut = page.isFull || ++looked >= turn
      return !isCut
    })
    if (isDeleted) throw streamDeleted(name)
    return isCut ? 'more' : 'waiting'
  }

  return (page) => {
    const progress = fill(page)
    if (progress !== 'waiting' || live) return progress
    page.caughtUp()
    live = true
    return fill(page) // a tombstone is no history
  }
}

export interface AllSubscription {
  /** Only events beyond this position are wanted. */
  readonly after: number
  /** Whether there is a history to read before `caughtUp`. */
  readonly fromEnd: boolean
  readonly resolveLinks: boolean
  readonly filter:
    | { readonly matches: Filter /** Events considered between two checkpoints. */; readonly interval: number }
    | undefined
}

/** The events of the log after a position: history, `caughtUp`, then each new one; with checkpoints when there is a filter. */
export function allSubscription(library: Library, feed: Feed, subscription: AllSubscription): Source {
  const { filter, resolveLinks, after } = subscription
  const send = sender(library, resolveLinks)
  const checkpoints = filter && new Checkpoints(filter.interval, after)
  let next = after + 1
  let live = false

  function fill(page: Page): Progress {
    const to = feed.position
    if (next > to) return 'waiting'
    let looked = 0
    let isCut = false
    library.log.scanAll(next, to, false, (position, record) => {
      next = position + 1
      if (!isHiddenFromAll(record)) {
        const matches = !filter || filter.matches(new StoredRecord(record))
        if (matches) send(page, record, position, live)
        checkpoints?.considered(page, position, matches, live)
      }
      isCut = page.isFull || ++looked >= turn
      return !isCut
    })
    return isCut ? 'more' : 'waiting'
  }

  return (page) => {
    const progress = fill(page)
    if (progress !== 'waiting' || live) return progress
    if (!subscription.fromEnd) checkpoints?.beforeCaughtUp(page)
    page.caughtUp()
    live = true
    return 'waiting'
  }
}

/** Tells a filtered subscription how far it has been considered, so that it can go on from there later. */
class Checkpoints {
  readonly #interval: number
  #sinceLast = 0
  #last = -1
  #sent: number
  #isEmpty = true

  constructor(interval: number, after: number) {
    this.#interval = interval
    this.#sent = after
  }

  /** After an event was looked at: one each interval, and live one after each event sent. */
  considered(page: Page, position: number, matches: boolean, live: boolean): void {
    this.#isEmpty = false
    this.#sinceLast++
    if (matches) this.#sent = position
    if (this.#sinceLast >= this.#interval || (live && matches)) this.#add(page, position, matches ? position : 0)
  }

  /** The last event sent, or the start when none was. */
  beforeCaughtUp(page: Page): void {
    if (!this.#isEmpty && this.#sent > this.#last && this.#sent >= 0) this.#add(page, this.#sent, this.#sent)
  }

  #add(page: Page, commit: number, prepare: number): void {
    page.checkpoint(commit, prepare)
    this.#last = commit
    this.#sinceLast = 0
  }
}
