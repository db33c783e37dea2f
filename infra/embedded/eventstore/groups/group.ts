import { type Resolved, resolveLink } from '../engine/links.ts'
import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import { loadCheckpoint, writeCheckpoint } from './checkpoints.ts'
import type { Consumer } from './consumer.ts'
import { Delivery, type NackAction } from './delivery.ts'
import { GroupFailure } from './failure.ts'
import type { GroupInfo } from './info.ts'
import type { Found, Message } from './message.ts'
import { Meter } from './meter.ts'
import { ParkedMessages } from './parked.ts'
import { bucketOf } from './pinned.ts'
import { Progress } from './progress.ts'
import { Replay } from './replay.ts'
import { compiledFilter, type Definition, type StrategyName } from './settings.ts'
import { type Source, sourceOf } from './source.ts'
import { strategyOf } from './strategies.ts'

/** Messages read before others get their turn. */
const longestPage = 100

export const keyOf = (stream: string, group: string) => `${stream}::${group}`

/**
 * A group at work: reads its source as far as its buffers have room, hands messages to its consumers, keeps checkpoints.
 * Whatever happens to it ends in `#advance`, which does all that has become possible.
 */
export class Group {
  readonly definition: Definition
  readonly #key: string
  readonly #store: Store
  readonly #now: () => number
  readonly #source: Source
  readonly #progress: Progress
  readonly #delivery: Delivery
  readonly #parked: ParkedMessages
  readonly #replay: Replay
  readonly #meter = new Meter()
  readonly #unsubscribe: () => void
  /** The place to look at next. */
  #next: number
  #isLive = false
  /** Events since it became live. */
  #sinceLive = 0
  /** Where the source ended when this run began: what lies beyond was seen as it was written. */
  readonly #firstEnd: number
  /** Why nothing can be read: the stream is gone, or damaged. */
  #obstacle: GroupFailure | undefined
  #isStopped = false
  #isScheduled = false
  #checkpoint: number | undefined
  #isWritingCheckpoint = false
  /** Messages that could not be parked: the next look delivers them again. */
  #unparked: Message[] = []
  #lastKnown: number | undefined
  #askedAt: number

  constructor(store: Store, definition: Definition, now: () => number) {
    const { stream, group, settings, filter, first } = definition
    this.definition = definition
    this.#key = keyOf(stream, group)
    this.#store = store
    this.#now = now
    this.#askedAt = now()
    this.#checkpoint = this.#lastKnown = loadCheckpoint(store, stream, this.#key)
    this.#next = this.#checkpoint === undefined ? first : this.#checkpoint + 1
    this.#progress = new Progress(settings, this.#checkpoint)
    this.#parked = new ParkedMessages(store, this.#key)
    this.#replay = new Replay(this.#parked)
    this.#delivery = new Delivery(
      settings,
      strategyOf(settings.strategy as StrategyName),
      this.#progress,
      {
        park: (message, reason) => this.#park(message, reason),
        replayed: (revision) => this.#replay.done(revision),
      },
      now,
    )
    this.#source = sourceOf(store, store.feed, { stream, resolveLinks: settings.resolveLinks, filter: compiledFilter(filter) })
    this.#firstEnd = this.#source.end
    if (this.#source.isGone) this.#obstacle = GroupFailure.dropped(stream, group)
    this.#unsubscribe = this.#source.onMore(() => this.#advance())
    this.#advance()
  }

  /** Throws GroupFailure when the group has as many consumers as it may have. */
  connect(consumer: Consumer): void {
    const { stream, group, settings } = this.definition
    const { maxSubscriberCount } = settings
    if (maxSubscriberCount !== 0 && this.#delivery.consumers.size >= maxSubscriberCount) throw GroupFailure.full(stream, group)
    if (this.#obstacle || this.#isStopped) {
      consumer.connection.drop(this.#obstacle ?? GroupFailure.dropped(stream, group))
      return
    }
    this.#do(() => this.#delivery.connect(consumer))
  }

  disconnect(consumer: Consumer): void {
    this.#do(() => this.#delivery.disconnect(consumer))
  }

  ack(ids: readonly string[]): void {
    this.#do(() => this.#delivery.ack(ids))
  }

  nack(ids: readonly string[], action: NackAction, reason: string): void {
    this.#do(() => this.#delivery.nack(ids, action, reason))
  }

  /** A consumer whose connection did not flow takes messages again. */
  resume(): void {
    this.#advance()
  }

  /** The regular look, once a second. */
  check(): void {
    this.#do(() => {
      for (const message of this.#unparked.splice(0)) this.#delivery.notParked(message)
      this.#delivery.expire()
      this.#replay.check()
      this.#writeCheckpoint(true)
    })
  }

  replayParked(stopAt: number | undefined): void {
    this.#do(() => this.#replay.start(stopAt))
  }

  /** Ends its consumers, for the reason given, and does nothing from then on. */
  stop(reason: GroupFailure): void {
    this.close()
    for (const consumer of this.#delivery.consumers) consumer.connection.drop(reason)
  }

  /** Does nothing from now on; consumers are left to whoever closes the server. */
  close(): void {
    this.#isStopped = true
    this.#unsubscribe()
  }

  info(): GroupInfo {
    const { settings } = this.definition
    const now = this.#now()
    const sinceMs = now - this.#askedAt
    this.#askedAt = now
    const consumers = [...this.#delivery.consumers]
    const state = this.#isLive ? 'Live' : 'Behind'
    return {
      definition: this.definition,
      status: this.#replay.isReading ? `ReplayingParkedMessages, ${state}` : state,
      connections: consumers.map((consumer) => consumer.info(sinceMs, settings.extraStatistics)),
      ...this.#meter.read(sinceMs),
      lastCheckpointed: this.#checkpoint,
      lastKnown: this.#isLive ? this.#lastKnown : (this.#source.newestEvent(this.#next) ?? this.#lastKnown),
      readBufferCount: this.#delivery.buffered,
      liveBufferCount: this.#liveBufferCount,
      retryBufferCount: this.#delivery.retrying,
      inFlight: this.#delivery.inFlight,
      parkedMessageCount: this.#parked.count,
    }
  }

  #do(change: () => void): void {
    if (this.#isStopped) return
    try {
      change()
    } catch (error) {
      this.#break(error as Error)
    }
    this.#advance()
  }

  /** Reads, delivers and notes what can be; what takes longer goes on after others had their turn. */
  #advance(): void {
    if (this.#isStopped || this.#obstacle) return
    try {
      this.#readParked()
      this.#read()
      for (let sent = this.#delivery.push(); sent > 0; sent--) this.#meter.count()
      this.#writeCheckpoint(false)
    } catch (error) {
      this.#break(error as Error)
      return
    }
    const canRead = !this.#isLive && this.#delivery.acceptsBatch
    if ((canRead || (this.#replay.isReading && this.#roomForParked > 0)) && !this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.#advance()
      })
    }
  }

  get #liveFrom(): number {
    if (this.#isLive) return this.#next
    return Math.max(this.#firstEnd + 1, this.#source.newest(this.definition.settings.liveBufferSize))
  }

  #read(): void {
    const { readBatchSize, historyBufferSize } = this.definition.settings
    const page = Math.max(1, Math.min(readBatchSize, longestPage))
    let left = this.#isLive ? historyBufferSize - this.#delivery.buffered : this.#delivery.acceptsBatch ? page : 0
    if (left > 0)
      this.#next = this.#source.scan(this.#next, this.#liveFrom, (place, found) => {
        if (found) {
          this.#delivery.add(this.#found(found), place)
          this.#lastKnown = place
          if (this.#isLive) this.#sinceLive++
          left--
        } else this.#progress.pass(place)
        return left > 0
      })
    const isLive = this.#next > this.#source.end
    if (isLive && !this.#isLive) this.#sinceLive = 0
    this.#isLive = isLive
  }

  /** As EventStoreDB counts it: events that came live stay in its live buffer after they were delivered, up to its size. */
  get #liveBufferCount(): number {
    const unread = this.#isLive ? 0 : Math.max(0, this.#source.end - Math.max(this.#next, this.#firstEnd + 1) + 1)
    return Math.max(0, Math.min(this.definition.settings.liveBufferSize, this.#sinceLive + unread))
  }

  #found({ event, link }: Resolved): Found {
    const original = new StoredRecord((link ?? event)!)
    return {
      id: original.id,
      event: event && (link ? new StoredRecord(event) : original).position,
      link: link && original.position,
      bucket: bucketOf(this.definition.settings.strategy as StrategyName, (event ?? link)!),
    }
  }

  get #roomForParked(): number {
    return Math.max(1, this.definition.settings.historyBufferSize) - this.#delivery.retrying
  }

  #readParked(): void {
    const { log, streams } = this.#store
    this.#replay.read(Math.min(this.#roomForParked, longestPage), (revision, link) =>
      this.#delivery.replay(this.#found(resolveLink(log, streams, link.bytes, false)), revision),
    )
  }

  #park(message: Message, reason: string): void {
    this.#parked.park(message, reason, (error) => {
      if (error) this.#unparked.push(message)
      else this.#do(() => this.#delivery.parked(message))
    })
  }

  #writeCheckpoint(isCheck: boolean): void {
    if (this.#isWritingCheckpoint) return
    const reached = this.#progress.due(this.#now(), isCheck)
    if (!reached) return
    this.#isWritingCheckpoint = true
    writeCheckpoint(this.#store, this.definition.stream, this.#key, reached.place, (error) => {
      this.#isWritingCheckpoint = false
      if (error) return // the next look tries again
      this.#checkpoint = reached.place
      this.#progress.written(reached, this.#now())
      this.#advance()
    })
  }

  /** Nothing can be read on: consumers hear why, those to come too. */
  #break(error: Error): void {
    const { stream, group } = this.definition
    const broken = new GroupFailure('broken', stream, group, `Subscription group ${group} on stream ${stream}: ${error.message}`)
    this.#obstacle = broken
    for (const consumer of [...this.#delivery.consumers]) {
      consumer.connection.drop(broken)
      this.#delivery.disconnect(consumer)
    }
  }
}
