import { messageIdOf, signaturesOf, wants } from '../../domain/webhook.ts'
import type { Clock } from '../ports.ts'
import type {
  DueMessage,
  Endpoint,
  MessageSource,
  SendOutcome,
  SendWebhook,
  Standing,
  Tried,
  WebhookQueue,
} from './webhook-ports.ts'
import { afterFailure, afterGone, type RetryRules } from './webhook-retries.ts'
import { createTail } from './webhook-tail.ts'

export interface WebhookMetrics {
  /** One try. */
  tried(outcome: 'delivered' | 'failed' | 'parked'): void
  standing(standing: Standing): void
}

export interface WebhookRunnerDeps {
  readonly queue: WebhookQueue
  readonly source: MessageSource
  readonly send: SendWebhook
  readonly rules: RetryRules
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly metrics: WebhookMetrics
  /** Told of whatever stopped a round or a webhook; the next round tries again. */
  readonly onError: (error: unknown) => void
}

export interface WebhookRunner {
  /** The log has moved. */
  moved(): void
  /** Sends until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
  /** As of the last look; undefined when this process does not send. */
  standing(): Standing | undefined
}

const pauseMs = 20
const tickMs = 1000
const houseMs = 10_000
const pruneMs = 300_000
/** Webhooks that are sent for at once; of those that fail, which may each take a time-out, so many. */
const atOnce = { all: 128, failing: 64 }
/** Messages that a webhook is sent before its settings are read again. */
const turnMax = 100
const dueMax = 10
const keepDelivered = 1000
const keepParkedMs = 30 * 24 * 3_600_000

/**
 * Posts the events of the log to webhooks, each in order and one at a time. A message is sent before the cursor moves: whoever dies in
 * between sends it again, under the same id.
 */
export function createWebhookRunner(deps: WebhookRunnerDeps): WebhookRunner {
  const { queue, source, send, rules, clock, random, sleep, metrics, onError } = deps
  const read = createTail(source)
  const busy = new Map<string, { readonly isFailing: boolean; readonly done: Promise<void> }>()
  /** How far webhooks have looked in vain; written now and then, for to look again costs nothing but time. */
  const looked = new Map<string, { readonly endpoint: Endpoint; readonly index: number }>()
  let woken = new AbortController()
  let standing: Standing | undefined
  let next = 0

  function moved(): void {
    woken.abort()
  }

  function placeOf({ id, epoch, nextIndex }: Endpoint): number {
    const seen = looked.get(id)
    return seen?.endpoint.epoch === epoch ? Math.max(seen.index, nextIndex) : nextIndex
  }

  async function round(signal: AbortSignal): Promise<void> {
    next = await source.nextIndex()
    for (const endpoint of await queue.ready(clock(), next)) {
      if (busy.has(endpoint.id) || (!endpoint.hasDue && placeOf(endpoint) >= next)) continue
      const isFailing = endpoint.failingSince !== null
      if (busy.size >= atOnce.all) break
      if (isFailing && [...busy.values()].filter((other) => other.isFailing).length >= atOnce.failing) continue
      const done = serve(endpoint, signal)
        // Perhaps there is more to do. After an error, not before the next tick.
        .then(moved, onError)
        .finally(() => busy.delete(endpoint.id))
      busy.set(endpoint.id, { isFailing, done })
    }
  }

  async function serve(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
    const secrets = await queue.secrets(endpoint, clock())
    if (endpoint.hasDue)
      for (const message of await queue.due(endpoint, clock(), dueMax))
        if (!(await sendDue(endpoint, message, secrets, signal))) return
    let from = placeOf(endpoint)
    for (let sent = 0; from < next && sent < turnMax && !signal.aborted; ) {
      const { messages, upTo } = await read(from, next, endpoint.eventTypes)
      for (const { index, eventId, type, subjects, body } of messages) {
        if (!wants(endpoint, type, subjects)) continue
        const message = { messageId: messageIdOf(endpoint.id, eventId), index, type }
        if (signal.aborted || !(await attempt(endpoint, message, body, secrets, signal, true))) return
        looked.set(endpoint.id, { endpoint, index: index + 1 })
        sent += 1
      }
      from = upTo
      looked.set(endpoint.id, { endpoint, index: from })
    }
  }

  /** A message out of its turn. */
  async function sendDue(endpoint: Endpoint, message: DueMessage, secrets: readonly string[], signal: AbortSignal) {
    const { index, messageId, type } = message
    if (signal.aborted) return false
    if (index === null) return attempt(endpoint, message, testBody(type, endpoint.id, clock()), secrets, signal, false)
    const [event] = await source.between(index, index + 1, 1)
    if (event && messageIdOf(endpoint.id, event.eventId) === messageId)
      return attempt(endpoint, message, event.body, secrets, signal, false)
    // The read model has not come there again yet, or the log is another one.
    return fail(endpoint, { ...message, at: clock(), status: null, error: 'the log does not show the event' }, false)
  }

  /** Answers whether more may be sent to this endpoint now. */
  async function attempt(
    endpoint: Endpoint,
    message: DueMessage,
    body: string,
    secrets: readonly string[],
    signal: AbortSignal,
    inTurn: boolean,
  ): Promise<boolean> {
    const at = clock()
    const signed = { id: message.messageId, timestamp: Math.floor(at.getTime() / 1000), body }
    const outcome = await send(endpoint.url, signed, signaturesOf(signed, secrets), signal)
    // Cut off by our own end: that was no try.
    if (outcome.status === null && signal.aborted) return false
    const tried = { ...message, at, status: outcome.status }
    const error = errorOf(outcome)
    if (error === undefined) {
      metrics.tried('delivered')
      return queue.delivered(endpoint, tried, inTurn)
    }
    return fail(endpoint, { ...tried, error }, inTurn, outcome.status === null ? undefined : outcome.retryAfterMs)
  }

  function fail(endpoint: Endpoint, tried: Tried & { readonly error: string }, inTurn: boolean, retryAfterMs?: number) {
    metrics.tried('failed')
    return queue.failed(endpoint, tried, inTurn, (so) => {
      const failure = { now: clock(), retryAfterMs, inTurn, retries: tried.index !== null, jitter: random() }
      const after = tried.status === 410 ? afterGone(failure.now) : afterFailure(so, failure, rules)
      if (!after.nextAttemptAt) metrics.tried('parked')
      return after
    })
  }

  /** Writes how far was looked, forgets what is old, and takes stock. */
  async function keepHouse(prune: boolean): Promise<void> {
    for (const [id, { endpoint, index }] of looked) {
      if (busy.has(id)) continue
      await queue.skipTo(endpoint, index)
      looked.delete(id)
    }
    if (prune) await queue.prune(keepDelivered, new Date(clock().getTime() - keepParkedMs))
    standing = await queue.standing(next)
    metrics.standing(standing)
  }

  async function rounds(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      woken = new AbortController()
      await round(signal).catch(onError)
      await sleep(pauseMs, signal)
      await sleep(tickMs, AbortSignal.any([signal, woken.signal]))
    }
  }

  async function housekeeping(signal: AbortSignal): Promise<void> {
    for (let sincePrune = pruneMs; !signal.aborted; sincePrune += houseMs) {
      const prune = sincePrune >= pruneMs
      if (prune) sincePrune = 0
      await keepHouse(prune).catch(onError)
      await sleep(houseMs, signal)
    }
  }

  return {
    moved,
    standing: () => standing,
    async run(signal) {
      await Promise.all([rounds(signal), housekeeping(signal)])
      await Promise.all([...busy.values()].map(({ done }) => done))
      await keepHouse(false).catch(onError)
      standing = undefined
    },
  }
}

function errorOf(outcome: SendOutcome): string | undefined {
  if (outcome.status === null) return outcome.error
  return outcome.status >= 200 && outcome.status < 300 ? undefined : `answered ${outcome.status}`
}

function testBody(type: string, webhookId: string, now: Date): string {
  return JSON.stringify({ type, timestamp: now.toISOString(), data: { webhookId } })
}
