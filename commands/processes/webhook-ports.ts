import type { SignedMessage, WebhookFilter } from '../../domain/webhook.ts'
import type { DisabledReason } from '../requests/ports.ts'

/** An event as it is sent. */
export interface LogMessage {
  /** In the log. */
  readonly index: number
  readonly eventId: string
  readonly type: string
  readonly subjects: readonly string[]
  /** JSON. */
  readonly body: string
}

/** The log as far as its read model has come. Throws what the read models throw. */
export interface MessageSource {
  /** The index that the next event will have. */
  nextIndex(): Promise<number>
  /** At most `limit` events of those from index `from` on and before `before`; of all types unless given. */
  between(from: number, before: number, limit: number, types?: readonly string[]): Promise<readonly LogMessage[]>
}

/** A webhook as it is sent for. */
export interface Endpoint extends WebhookFilter {
  readonly id: string
  readonly url: string
  readonly nextIndex: number
  /** Changes when its owner puts the cursor elsewhere. */
  readonly epoch: number
  readonly failingSince: Date | null
  /** Whether there are messages to be sent out of their turn. */
  readonly hasDue: boolean
}

/** A message that is to be sent out of its turn. */
export interface DueMessage {
  readonly messageId: string
  /** Null for a test message. */
  readonly index: number | null
  readonly type: string
}

/** A message that was tried. */
export interface Tried extends DueMessage {
  readonly at: Date
  readonly status: number | null
}

/** What counts for what follows a failure. */
export interface FailedSoFar {
  /** Of this message, the last one included. */
  readonly attempts: number
  readonly firstAttemptAt: Date
  /** Of the webhook in a row, the last one included. */
  readonly failures: number
  readonly failingSince: Date
}

/** What follows a failure. */
export interface AfterFailure {
  /** When the message is tried again; undefined when it is parked. */
  readonly nextAttemptAt: Date | undefined
  /** Whether the messages behind it need not wait for it any more. */
  readonly putAside: boolean
  /** The webhook is sent nothing before; undefined leaves that as it is. */
  readonly waitUntil: Date | undefined
  readonly disable: DisabledReason | undefined
}

/**
 * Where each webhook is, and what became of its messages. `inTurn` says that the message was the next one of the endpoint's cursor.
 * Both answer whether the endpoint goes on from there: not when it was disabled, deleted or put elsewhere meanwhile. Throws what Postgres throws.
 */
export interface WebhookQueue {
  /** Those that may be sent something now: their cursor is before `nextIndex`, or messages are due. Those that do not fail first. */
  ready(now: Date, nextIndex: number): Promise<readonly Endpoint[]>
  secrets(endpoint: Endpoint, now: Date): Promise<readonly string[]>
  /** At most `limit` that were put aside, replayed or are tests, and whose time has come. */
  due(endpoint: Endpoint, now: Date, limit: number): Promise<readonly DueMessage[]>
  delivered(endpoint: Endpoint, tried: Tried, inTurn: boolean): Promise<boolean>
  failed(
    endpoint: Endpoint,
    tried: Tried & { readonly error: string },
    inTurn: boolean,
    after: (so: FailedSoFar) => AfterFailure,
  ): Promise<boolean>
  /** Nothing before `index` is for it. */
  skipTo(endpoint: Endpoint, index: number): Promise<void>
  /** Forgets delivered messages but for the newest `keep` of each webhook, and parked ones not tried since `parkedBefore`. */
  prune(keep: number, parkedBefore: Date): Promise<void>
  /** The index that the next event will have is `nextIndex`. */
  standing(nextIndex: number): Promise<Standing>
}

/** How the webhooks do. */
export interface Standing {
  readonly active: number
  /** Of the active ones. */
  readonly failing: number
  readonly disabled: number
  /** Messages. */
  readonly parked: number
  /** Events that the active one furthest behind has still to look at. */
  readonly behind: number
}

/** What came of a request. */
export type SendOutcome =
  | { readonly status: number; readonly retryAfterMs: number | undefined }
  /** There was no answer. */
  | { readonly status: null; readonly error: string }

/** Posts a signed message. Never throws; a `signal` that is aborted ends it at once. */
export type SendWebhook = (url: string, message: SignedMessage, signatures: string, signal: AbortSignal) => Promise<SendOutcome>
