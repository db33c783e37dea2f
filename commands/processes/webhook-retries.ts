import type { AfterFailure, FailedSoFar } from './webhook-ports.ts'

/** How a message that fails is tried again. */
export interface RetryRules {
  /** From the first try to the second. */
  readonly firstMs: number
  /** Of each wait to the one before. */
  readonly factor: number
  /** The longest wait of a message. */
  readonly messageMsMax: number
  /** The longest wait of a webhook: its receiver may be back any time, and all its messages wait. */
  readonly webhookMsMax: number
  /** Tries for which the messages behind it wait for a message. */
  readonly triesInTurn: number
  /** From the first try on, after which a message is parked. */
  readonly giveUpMs: number
  /** Of nothing but failures, after which a webhook is disabled. */
  readonly disableMs: number
}

const hourMs = 3_600_000

/** Waits of about 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, 9 h and then 12 h each. */
export function retryRules(giveUpHours: number): RetryRules {
  return {
    firstMs: 5_000,
    factor: 3,
    messageMsMax: 12 * hourMs,
    webhookMsMax: hourMs,
    triesInTurn: 5,
    giveUpMs: giveUpHours * hourMs,
    disableMs: Math.max(5 * 24, giveUpHours) * hourMs,
  }
}

/** One failure as it is judged. */
export interface Failure {
  readonly now: Date
  /** What the receiver answered; undefined where it said nothing. */
  readonly retryAfterMs: number | undefined
  /** Whether it was the webhook's next message, not one that was put aside before. */
  readonly inTurn: boolean
  /** Whether it is worth more than one try: not when it is a test. */
  readonly retries: boolean
  /** Random, from 0 to 1, so that many who failed together do not come back together. */
  readonly jitter: number
}

export function afterFailure(
  { attempts, firstAttemptAt, failures, failingSince }: FailedSoFar,
  { now, retryAfterMs = 0, inTurn, retries, jitter }: Failure,
  rules: RetryRules,
): AfterFailure {
  const backOff = (tries: number, most: number) =>
    Math.max(Math.min(rules.firstMs * rules.factor ** (tries - 1), most) * (0.8 + 0.4 * jitter), retryAfterMs)
  const inMs = (ms: number) => new Date(now.getTime() + ms)
  const pause = retryAfterMs > 0 ? inMs(retryAfterMs) : undefined
  const wait = backOff(attempts, rules.messageMsMax)
  const isParked = !retries || now.getTime() + wait - firstAttemptAt.getTime() > rules.giveUpMs
  if (!inTurn) return { nextAttemptAt: isParked ? undefined : inMs(wait), putAside: true, waitUntil: pause, disable: undefined }
  const waitUntil = inMs(backOff(failures, rules.webhookMsMax))
  const putAside = isParked || attempts >= rules.triesInTurn
  return {
    nextAttemptAt: isParked ? undefined : putAside ? inMs(wait) : waitUntil,
    putAside,
    waitUntil,
    disable: now.getTime() - failingSince.getTime() > rules.disableMs ? 'failing' : undefined,
  }
}

/** What follows 410: the receiver wants nothing more. The message stays where it is, for the case that somebody enables the webhook. */
export function afterGone(now: Date): AfterFailure {
  return { nextAttemptAt: now, putAside: false, waitUntil: undefined, disable: 'gone' }
}
