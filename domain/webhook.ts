import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { eventTypes } from './catalogue.ts'
import { DomainError } from './errors.ts'
import { uuidSchema, uuidV5 } from './ids.ts'
import { subjectSchema } from './subjects.ts'

const listMax = 100

export const createWebhookData = z.strictObject({
  url: z.string().max(2000).describe('Where events are posted to; https, and no private address'),
  eventTypes: z
    .array(z.enum(eventTypes))
    .min(1)
    .max(listMax)
    .exactOptional()
    .describe('Only events of these types; all unless given'),
  subjects: z
    .array(subjectSchema)
    .min(1)
    .max(listMax)
    .exactOptional()
    .describe('Only events that touch one of these, as `GET /v1/events` has them: `wallet:<id>`, `escrow:<id>`, `node:<id>` …'),
  fromIndex: z
    .int()
    .nonnegative()
    .exactOptional()
    .describe('Index in the log of the first event that may be sent; the next one unless given'),
})

export const replayWebhookData = z.union([
  z.strictObject({ fromIndex: z.int().nonnegative().describe('Goes on from this index of the log, with all that follows') }),
  z.strictObject({ messageId: uuidSchema.describe('One message, as `webhook-id` named it') }),
])

/** Which events a webhook is for. */
export interface WebhookFilter {
  /** Null for all. */
  readonly eventTypes: readonly string[] | null
  readonly subjects: readonly string[] | null
}

/** Whether an event of this type that touches these subjects is for it. */
export function wants({ eventTypes, subjects }: WebhookFilter, type: string, touched: readonly string[]): boolean {
  return (eventTypes?.includes(type) ?? true) && (subjects?.some((subject) => touched.includes(subject)) ?? true)
}

/** `webhook-id`: the same however often the event is sent to this webhook, after a replay and after a rebuild, too. */
export function messageIdOf(webhookId: string, eventId: string): string {
  return uuidV5(webhookId, eventId)
}

const secretPrefix = 'whsec_'

/** The secret that the key's bytes are written as. */
export function secretText(key: Uint8Array): string {
  return secretPrefix + Buffer.from(key).toString('base64')
}

/** What is signed, as Standard Webhooks has it. */
export interface SignedMessage {
  readonly id: string
  /** Seconds since 1970 at which it is sent. */
  readonly timestamp: number
  readonly body: string
}

/** `webhook-signature`: one signature for each secret that is in force. */
export function signaturesOf({ id, timestamp, body }: SignedMessage, secrets: readonly string[]): string {
  return secrets
    .map((secret) => createHmac('sha256', Buffer.from(secret.slice(secretPrefix.length), 'base64')))
    .map((hmac) => `v1,${hmac.update(`${id}.${timestamp}.${body}`).digest('base64')}`)
    .join(' ')
}

const limits = { webhooksPerKey: 10, webhooksAll: 1000, secrets: 5 }

/** Throws `WebhookQuotaExceeded` when a key that has `own` of the network's `all` webhooks may not have another one. */
export function admitWebhook(own: number, all: number): void {
  if (own >= limits.webhooksPerKey)
    throw new DomainError('WebhookQuotaExceeded', { webhooks: own, webhooksMax: limits.webhooksPerKey })
  if (all >= limits.webhooksAll) throw new DomainError('WebhookQuotaExceeded', { webhooks: all, webhooksMax: limits.webhooksAll })
}

/** Throws `WebhookQuotaExceeded` when a webhook with so many secrets in force may not have another one yet. */
export function admitSecret(inForce: number): void {
  if (inForce >= limits.secrets) throw new DomainError('WebhookQuotaExceeded', { secrets: inForce, secretsMax: limits.secrets })
}
