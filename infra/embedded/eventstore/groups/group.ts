import { type Resolved, resolveLink } from '../engine/links.ts'
import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import { Checkpoints, loadCheckpoint } from './checkpoints.ts'
import type { Consumer } from './consumer.ts'
import { Delivery, type NackAction } from './delivery.ts'
import { GroupFailure } from './failure.ts'
import type { GroupInfo } from './info.ts'
import { Intake } from './intake.ts'
import type { Found, Message } from './message.ts'
import { Meter } from './meter.ts'
import { ParkedMessages } from './parked.ts'
import { bucketOf } from './pinned.ts'
import { Progress } from './progress.ts'
import { Replay } from './replay.ts'
import { compiledFilter, type Definition, type StrategyName } from './settings.ts'
import { sourceOf } from './source.ts'
import { strategyOf } from './strategies.ts'

/** Parked messages read before others get their turn. */
const parkedPage = 100

export const keyOf = (stream: string, group: string) => `${stream}::${group}`

/**
 * A group at work: reads its source as far as its buffers have room, hands messages to its consumers, keeps checkpoints.
 * Whatever happens to it ends in `#advance`, which does all that has become possible.
 */
export class Group {
  readonly definition: Definition
  readonly #store: Store
  readonly #strategy: StrategyName
  readonly #now: () => number
  readonly #intake: Intake
  readonly #delivery: Delivery
  readonly #checkpoints: Checkpoints
  readonly #parked: ParkedMessages
  readonly #replay: Replay
  /** Messages that could not be parked: the next look delivers them again. */
  readonly #unparked: Message[] = []
  readonly #meter = new Meter()
  #askedAt: number
  readonly #unsubscribe: () => void
  #isStopped = false
  #isScheduled = false
  /** Why nothing can be read: the stream is gone, or a record is damaged. */
  #obstacle: GroupFailure | undefined

  constructor(store: Store, definition: Definition, now: () => number) {
    const { stream, group, settings, filter, first } = definition
    const key = keyOf(stream, group)
    const checkpoint = loadCheckpoint(store, stream, key)
    const progress = new Progress(settings, checkpoint)
    const source = sourceOf(store, store.feed, { stream, resolveLinks: settings.resolveLinks, filter: compiledFilter(filter) })
    this.definition = definition
    this.#store = store
    this.#strategy = settings.strategy as StrategyName
    this.#now = now
    this.#askedAt = now()
    this.#checkpoints = new Checkpoints(store, stream, key, progress, now)
    this.#parked = new ParkedMessages(store, key)
    this.#replay = new Replay(this.#parked)
    const surroundings = {
      park: (message: Message, reason: string) => this.#park(message, reason),
      replayed: (revision: number) => this.#replay.done(revision),
    }
    const delivery = new Delivery(settings, strategyOf(this.#strategy), progress, surroundings, now)
    this.#delivery = delivery
    const reading = {
      get buffered() {
        return delivery.buffered
      },
      get acceptsBatch() {
        return delivery.acceptsBatch
      },
      found: (place: number, event: Resolved) => delivery.add(this.#found(event), place),
      passed: (place: number) => progress.pass(place),
    }
    this.#intake = new Intake(source, settings, reading, first, checkpoint)
    if (source.isGone) this.#obstacle = GroupFailure.dropped(stream, group)
    this.#unsubscribe = source.onMore(() => this.#advance())
    this.#advance()
  }

  /** Throws GroupFailure when the group has as many consumers as it may have. */
  connect(consumer: Consumer): void {
    const { stream, group, settings } = this.definition
    const { maxSubscriberCount } = settings
    if (maxSubscriberCount !== 0 && this.#delivery.consumers.size >= maxSubscriberCount) throw GroupFailure.full(stream, group)
    if (this.#obstacle || this.#isStopped) consumer.connection.drop(this.#obstacle ?? GroupFailure.dropped(stream, group))
    else this.#do(() => this.#delivery.connect(consumer))
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

  replayParked(stopAt: number | undefined): void {
    this.#do(() => this.#replay.start(stopAt))
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
    const now = this.#now()
    const sinceMs = now - this.#askedAt
    this.#askedAt = now
    const state = this.#intake.isLive ? 'Live' : 'Behind'
    const { extraStatistics } = this.definition.settings
    return {
      definition: this.definition,
      status: this.#replay.isReading ? `ReplayingParkedMessages, ${state}` : state,
      connections: Array.from(this.#delivery.consumers, (consumer) => consumer.info(sinceMs, extraStatistics)),
      ...this.#meter.read(sinceMs),
      lastCheckpointed: this.#checkpoints.newest,
      lastKnown: this.#intake.lastKnown,
      readBufferCount: this.#delivery.buffered,
      liveBufferCount: this.#intake.liveBufferCount,
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
      this.#intake.read()
      for (let sent = this.#delivery.push(); sent > 0; sent--) this.#meter.count()
      this.#writeCheckpoint(false)
    } catch (error) {
      this.#break(error as Error)
      return
    }
    if (this.#intake.canGoOn || (this.#replay.isReading && this.#roomForParked > 0)) this.#advanceLater()
  }

  #advanceLater(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#advance()
    })
  }

  get #roomForParked(): number {
    return Math.max(1, this.definition.settings.historyBufferSize) - this.#delivery.retrying
  }

  #readParked(): void {
    const { log, streams } = this.#store
    this.#replay.read(Math.min(this.#roomForParked, parkedPage), (revision, link) =>
      this.#delivery.replay(this.#found(resolveLink(log, streams, link.bytes, false)), revision),
    )
  }

  #found({ event, link }: Resolved): Found {
    const original = new StoredRecord((link ?? event)!)
    return {
      id: original.id,
      event: event && (link ? new StoredRecord(event) : original).position,
      link: link && original.position,
      bucket: bucketOf(this.#strategy, (event ?? link)!),
    }
  }

  #park(message: Message, reason: string): void {
    this.#parked.park(message, reason, (error) => {
      if (error) this.#unparked.push(message)
      else this.#do(() => this.#delivery.parked(message))
    })
  }

  #writeCheckpoint(isCheck: boolean): void {
    this.#checkpoints.write(isCheck, () => this.#advance())
  }

  /** Nothing can be read on: consumers hear why, those to come too. */
  #break(error: Error): void {
    const { stream, group } = this.definition
    const reason = new GroupFailure('broken', stream, group, `Subscription group ${group} on stream ${stream}: ${error.message}`)
    this.#obstacle = reason
    for (const consumer of [...this.#delivery.consumers]) {
      consumer.connection.drop(reason)
      this.#delivery.disconnect(consumer)
    }
  }
}
