import type { Consumer } from './consumer.ts'
import type { Found, Message } from './message.ts'
import type { Progress } from './progress.ts'
import type { Settings } from './settings.ts'
import type { Strategy } from './strategies.ts'

/** What a consumer wants done with a message that it does not acknowledge. */
export type NackAction = 'retry' | 'park' | 'skip'

/** Characters that are kept of why a message was parked; it is for a person to read. */
const longestReason = 64 * 1024

/** What the delivery asks of its surroundings. */
export interface Surroundings {
  /** To be followed by `parked`, or by `notParked` when it could not be stored. */
  park(message: Message, reason: string): void
  /** A message that came from the parked ones is done. */
  replayed(revision: number): void
}

interface Flight {
  readonly message: Message
  readonly consumer: Consumer
  readonly sentAt: number
  readonly expiresAt: number
}

/**
 * The state of a group's delivery: which messages wait, which are open with which consumer, and what becomes of them.
 * It does nothing by itself: what time it is and what was read, acknowledged or refused comes from outside, and messages
 * go out in `push` only.
 */
export class Delivery {
  readonly #settings: Settings
  readonly #strategy: Strategy<Consumer>
  readonly #progress: Progress
  readonly #surroundings: Surroundings
  readonly #now: () => number
  /** Never delivered so far, in order. */
  readonly #buffer = new Set<Message>()
  /** To be delivered again, in order, and then the replayed ones. */
  readonly #retries: Message[] = []
  /** By id, those that expire first in front. */
  readonly #inFlight = new Map<string, Flight>()
  readonly #consumers = new Set<Consumer>()

  constructor(settings: Settings, strategy: Strategy<Consumer>, progress: Progress, surroundings: Surroundings, now: () => number) {
    this.#settings = settings
    this.#strategy = strategy
    this.#progress = progress
    this.#surroundings = surroundings
    this.#now = now
  }

  get buffered(): number {
    return this.#buffer.size
  }

  get retrying(): number {
    return this.#retries.length
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get consumers(): ReadonlySet<Consumer> {
    return this.#consumers
  }

  /** Whether there is room for a batch of history. */
  get acceptsBatch(): boolean {
    const { historyBufferSize, readBatchSize } = this.#settings
    return historyBufferSize - this.#buffer.size - this.#retries.length > readBatchSize
  }

  add(found: Found, place: number): void {
    this.#buffer.add({ ...found, origin: { kind: 'source', order: this.#progress.begin(place) }, retries: 0 })
  }

  replay(found: Found, revision: number): void {
    this.#retries.push({ ...found, origin: { kind: 'parked', revision }, retries: 0 })
  }

  connect(consumer: Consumer): void {
    this.#consumers.add(consumer)
    this.#strategy.join(consumer)
  }

  /** What it had open goes to others as a retry, and is never parked for that. */
  disconnect(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer)) return
    this.#strategy.leave(consumer)
    for (const flight of this.#inFlight.values()) {
      if (flight.consumer !== consumer) continue
      this.#land(flight)
      this.#again(flight.message)
    }
  }

  /** Ids that are not open are ignored. */
  ack(ids: readonly string[]): void {
    for (const id of ids) {
      const flight = this.#inFlight.get(id)
      if (!flight) continue
      this.#land(flight, this.#now() - flight.sentAt)
      this.#done(flight.message)
    }
  }

  nack(ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      const flight = this.#inFlight.get(id)
      if (!flight) continue
      this.#land(flight)
      const { message } = flight
      if (action === 'retry') this.#retryOrPark(message)
      else if (action === 'park')
        this.#surroundings.park(message, `Client explicitly NAK'ed message.\n${reason.slice(0, longestReason)}`)
      else this.#done(message)
    }
  }

  /** It is stored, and no longer owed. */
  parked(message: Message): void {
    this.#done(message)
  }

  /** It could not be stored, and is still owed. */
  notParked(message: Message): void {
    this.#insert(message)
  }

  /** Takes back what was not answered in time. */
  expire(): void {
    const now = this.#now()
    for (const flight of this.#inFlight.values()) {
      if (flight.expiresAt > now) break
      this.#land(flight)
      this.#retryOrPark(flight.message)
    }
  }

  /** Sends what can be sent. Answers how many messages that were. */
  push(): number {
    if (this.#consumers.size === 0) return 0
    let sent = 0
    let isFull = false
    const kept: Message[] = []
    for (const [n, message] of this.#retries.entries()) {
      const outcome = this.#send(message)
      if (outcome === 'sent') sent++
      else kept.push(message)
      if (outcome !== 'full') continue
      isFull = true
      kept.push(...this.#retries.slice(n + 1))
      break
    }
    if (sent > 0) this.#retries.splice(0, this.#retries.length, ...kept)
    if (isFull) return sent
    for (const message of this.#buffer) {
      const outcome = this.#send(message)
      if (outcome === 'full') break
      if (outcome === 'held') continue
      this.#buffer.delete(message)
      sent++
    }
    return sent
  }

  #send(message: Message): 'sent' | 'held' | 'full' {
    // Two events may have one id. An acknowledgement could mean either, so the second waits for the first.
    if (this.#inFlight.has(message.id)) return 'held'
    const consumer = this.#strategy.choose(message.bucket)
    if (typeof consumer === 'string') return consumer
    const sentAt = this.#now()
    this.#inFlight.set(message.id, { message, consumer, sentAt, expiresAt: sentAt + this.#settings.messageTimeoutMs })
    consumer.send(message)
    return 'sent'
  }

  #land({ message, consumer }: Flight, ms?: number): void {
    this.#inFlight.delete(message.id)
    this.#strategy.released(consumer, message.bucket)
    consumer.released(ms)
  }

  #retryOrPark(message: Message): void {
    const { maxRetryCount } = this.#settings
    if (message.retries < maxRetryCount) this.#again(message)
    else this.#surroundings.park(message, `Reached retry count of ${maxRetryCount}`)
  }

  #again(message: Message): void {
    message.retries++
    this.#insert(message)
  }

  #insert(message: Message): void {
    const order = orderOf(message)
    const at = this.#retries.findLastIndex((other) => orderOf(other) <= order)
    this.#retries.splice(at + 1, 0, message)
  }

  #done({ origin }: Message): void {
    if (origin.kind === 'source') this.#progress.done(origin.order)
    else this.#surroundings.replayed(origin.revision)
  }
}

/** Replayed messages go last, in the order in which they were replayed. */
const orderOf = ({ origin }: Message) => (origin.kind === 'source' ? origin.order : Number.POSITIVE_INFINITY)
