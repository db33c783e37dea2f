import type { Json } from '../../domain/canonical.ts'
import type { Disclosure, DisclosureUsage } from '../../domain/disclosure.ts'
import type { WebhookFilter } from '../../domain/webhook.ts'

// What signed requests are kept in: it is private, can be erased and is no part of the log (design.md 7). All of it throws what
// Postgres throws.

/** What was handed in, by commitment and by who did it. */
export interface Disclosures {
  /** Of all who handed it in, erased or not, oldest first. */
  copies(commitment: string): Promise<readonly Disclosure[]>
  usage(discloser: string): Promise<DisclosureUsage>
  /** Puts it in the place of what this discloser had under the commitment. */
  keep(disclosure: Disclosure & { readonly disclosed: NonNullable<Disclosure['disclosed']> }): Promise<void>
  erase(commitment: string, discloser: string, at: Date): Promise<void>
}

export type DisabledReason = 'owner' | 'authority' | 'gone' | 'failing'

/** A webhook as its owner sees it. */
export interface Webhook extends WebhookFilter {
  readonly id: string
  readonly owner: string
  readonly url: string
  readonly createdAt: Date
  /** Null as long as events are sent. */
  readonly disabled: DisabledReason | null
  /** Index in the log of the first event that is still to be looked at. */
  readonly nextIndex: number
  /** Tries in a row that failed. */
  readonly failures: number
  readonly failingSince: Date | null
  /** Nothing is sent before. */
  readonly waitUntil: Date | null
}

export interface WebhookSecret {
  /** Of the request that made it. */
  readonly id: string
  readonly text: string
  readonly createdAt: Date
  /** Null for the newest one. */
  readonly expiresAt: Date | null
}

export const deliveryStates = ['retrying', 'delivered', 'parked'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** What became of one message. */
export interface Delivery {
  /** Counts up in the order in which messages were first tried. */
  readonly sequence: number
  readonly messageId: string
  /** Null for a test message. */
  readonly index: number | null
  readonly type: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly firstAttemptAt: Date | null
  readonly lastAttemptAt: Date | null
  /** While it is retrying. */
  readonly nextAttemptAt: Date | null
  /** Of the last attempt, where there was an answer. */
  readonly status: number | null
  /** Of the last attempt. */
  readonly error: string | null
}

export interface DeliveryPaging {
  readonly state?: DeliveryState | undefined
  /** Only those with a smaller `sequence`. */
  readonly before?: number | undefined
  readonly limit: number
}

export interface Webhooks {
  find(id: string): Promise<Webhook | undefined>
  /** Oldest first; of every owner without one. */
  list(owner?: string): Promise<readonly Webhook[]>
  count(owner?: string): Promise<number>
  add(webhook: Webhook): Promise<void>
  remove(id: string): Promise<void>
  /** Null to go on, at once. */
  setDisabled(id: string, reason: DisabledReason | null): Promise<void>
  /** Those in force at `now`, newest first. */
  secrets(id: string, now: Date): Promise<readonly WebhookSecret[]>
  /** Adds the newest; the others end at `othersEndAt` at the latest. */
  addSecret(id: string, secret: Omit<WebhookSecret, 'expiresAt'>, othersEndAt: Date): Promise<void>
  /** Goes on from `index`, forgetting what became of that event and all behind it. */
  goTo(id: string, index: number): Promise<void>
  /** Sends a message again as if it had never been tried; false when it is not known. */
  again(id: string, messageId: string, now: Date): Promise<boolean>
  /** Sends a message about no event. */
  test(id: string, message: Pick<Delivery, 'messageId' | 'type'>, now: Date): Promise<void>
  /** Newest first. */
  deliveries(id: string, paging: DeliveryPaging): Promise<readonly Delivery[]>
}

/** What signed requests read and change. */
export interface Records {
  readonly disclosures: Disclosures
  readonly webhooks: Webhooks
}

/** A request by what tells it from others. */
export interface RequestKey {
  readonly signer: string
  readonly commandId: string
  /** Of the signed text. */
  readonly digest: string
  readonly at: Date
}

/** A request that was done before. */
export interface Done {
  readonly digest: string
  readonly answer: Json
}

export interface PrivateRecords {
  read<T>(work: (records: Records) => Promise<T>): Promise<T>

  /**
   * Does `work` and remembers its answer in one transaction, one request of a signer at a time, unless the request was done before.
   * `recent` is how many requests of the signer were done since `recentSince`; what is older than `rememberedSince` is forgotten.
   * When `work` throws nothing has happened.
   */
  once(
    request: RequestKey & { readonly recentSince: Date; readonly rememberedSince: Date },
    work: (records: Records, recent: number) => Promise<Json>,
  ): Promise<{ readonly before: Done } | { readonly answer: Json }>
}
