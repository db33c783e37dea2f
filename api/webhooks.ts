import { z } from 'zod'
import { type Delivery, deliveryStates, type Webhook, type WebhookSecret } from '../commands/requests/ports.ts'
import type { Reading } from '../commands/requests/submit.ts'
import { managed, owned } from '../commands/requests/webhooks.ts'
import { instantSchema, uuidSchema } from '../domain/ids.ts'
import { messageIdOf } from '../domain/webhook.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { idOf } from './example-signers.ts'
import { example } from './examples.ts'
import { nextSchema, pageLimit, pageParameters } from './reading.ts'
import { json, type Route, route } from './route.ts'
import { readAs, readerProblems, type SignedRoute, signedRoute } from './signed.ts'

const webhookId = idOf('CreateWebhook')
const messageId = messageIdOf(webhookId, example.event.event.id)
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwZHhYfR2bZ7Q='

const webhookSchema = z
  .strictObject({
    webhookId: uuidSchema,
    url: z.string(),
    eventTypes: z.array(z.string()).nullable().describe('Null for all'),
    subjects: z.array(z.string()).nullable().describe('Null for all'),
    createdAt: instantSchema,
    disabled: z
      .enum(['owner', 'authority', 'gone', 'failing'])
      .nullable()
      .describe('`gone`: it answered 410; `failing`: nothing was taken for days; null: events are sent'),
    nextIndex: z.int().describe('Index in the log up to which all events were delivered, parked or put aside'),
    failures: z.int().describe('Tries in a row that failed'),
    failingSince: instantSchema.nullable(),
    waitUntil: instantSchema.nullable().describe('Nothing is sent before'),
    secrets: z.array(z.strictObject({ createdAt: instantSchema, expiresAt: instantSchema.nullable() })).describe('Newest first'),
  })
  .meta({ id: 'Webhook' })

const deliverySchema = z
  .strictObject({
    messageId: uuidSchema.describe('`webhook-id`'),
    index: z.int().nullable().describe('Of the event in the log; null for a test message'),
    type: z.string(),
    state: z.enum(deliveryStates).describe('`parked`: given up, until it is replayed'),
    attempts: z.int(),
    firstAttemptAt: instantSchema.nullable(),
    lastAttemptAt: instantSchema.nullable(),
    nextAttemptAt: instantSchema.nullable(),
    status: z.int().nullable().describe('That the last attempt was answered with'),
    error: z.string().nullable().describe('Why the last attempt failed'),
  })
  .meta({ id: 'WebhookDelivery' })

const webhookExample = {
  webhookId,
  url: 'https://example.com/duxnet',
  eventTypes: ['NodeHealthChanged'],
  subjects: null,
  createdAt: example.recordedAt,
  disabled: null,
  nextIndex: 98,
  failures: 0,
  failingSince: null,
  waitUntil: null,
  secrets: [{ createdAt: example.recordedAt, expiresAt: null }],
}

const deliveryExample = {
  messageId,
  index: 97,
  type: 'NodeHealthChanged',
  state: 'delivered',
  attempts: 1,
  firstAttemptAt: example.recordedAt,
  lastAttemptAt: example.recordedAt,
  nextAttemptAt: null,
  status: 204,
  error: null,
}

const tag = 'Webhooks'
const params = z.strictObject({ id: uuidSchema })
const secretSchema = z.string().optional().describe('Shown only once; it begins with `whsec_`')

/** An address that changes a webhook and answers nothing else. */
function change(
  action: string,
  type: SignedRoute['type'],
  summary: string,
  rest: Pick<SignedRoute, 'done'> & { readonly description: string } & Partial<Pick<SignedRoute, 'problems'>> & {
      data?: SignedRoute['example']['data']
    },
): Route {
  return signedRoute({
    path: `/v1/webhooks/:id/${action}`,
    type,
    tag,
    summary,
    description: rest.description,
    params,
    status: 200,
    done: rest.done,
    answer: z.strictObject({ webhookId: uuidSchema }),
    example: { subject: webhookId, data: rest.data ?? {}, answer: { webhookId } },
    problems: ['WebhookUnknown', ...(rest.problems ?? [])],
  })
}

export const webhookRoutes: readonly Route[] = [
  signedRoute({
    path: '/v1/webhooks',
    type: 'CreateWebhook',
    tag,
    summary: 'Have events posted to an address',
    description: 'Its id is the command id, which is the subject, too. The secret that verifies its messages is shown only here.',
    status: 201,
    done: 'Events will be sent, from `nextIndex` on',
    answer: z.strictObject({ webhookId: uuidSchema, nextIndex: z.int(), secret: secretSchema }),
    example: {
      subject: webhookId,
      data: { url: webhookExample.url, eventTypes: webhookExample.eventTypes },
      answer: { webhookId, nextIndex: 98, secret },
    },
    problems: ['WebhookUrlRefused', 'WebhookQuotaExceeded'],
  }),
  route({
    method: 'GET',
    path: '/v1/webhooks',
    tag,
    summary: 'The webhooks of the key that reads; for the authority, all',
    authorized: true,
    successes: {
      200: {
        description: 'Oldest first',
        schema: z.strictObject({ webhooks: z.array(webhookSchema) }).meta({ id: 'Webhooks' }),
        example: { webhooks: [webhookExample] },
      },
    },
    problems: readerProblems,
    lane: 'query',
    async handle(asked, deps) {
      const webhooks = await readAs(asked, deps, async (reading) => {
        const { records, reader, network } = reading
        const found = await records.webhooks.list(reader === network.authority ? undefined : reader)
        return Promise.all(found.map((webhook) => view(webhook, reading)))
      })
      return json(200, { webhooks })
    },
  }),
  route({
    method: 'GET',
    path: '/v1/webhooks/:id',
    tag,
    summary: 'One webhook: how far it is, and how it does',
    params,
    authorized: true,
    successes: { 200: { description: 'The webhook', schema: webhookSchema, example: webhookExample } },
    problems: [...readerProblems, 'WebhookUnknown'],
    lane: 'query',
    async handle(asked, deps) {
      const found = await readAs(asked, deps, async (reading) =>
        view(await managed(reading.records.webhooks, asked.params.id, reading.reader, reading.network), reading),
      )
      return json(200, found)
    },
  }),
  route({
    method: 'GET',
    path: '/v1/webhooks/:id/deliveries',
    tag,
    summary: 'What became of its messages, newest first',
    description: 'All that are retrying or parked, and the last 1,000 that were delivered.',
    params,
    query: z.strictObject({ ...pageParameters, state: z.enum(deliveryStates).optional() }),
    authorized: true,
    successes: {
      200: {
        description: 'A page of them',
        schema: z.strictObject({ deliveries: z.array(deliverySchema), next: nextSchema }).meta({ id: 'WebhookDeliveries' }),
        example: { deliveries: [deliveryExample], next: null },
      },
    },
    problems: [...readerProblems, 'WebhookUnknown', 'CursorInvalid'],
    lane: 'query',
    async handle(asked, deps) {
      const { id } = asked.params
      const { state, cursor, limit = pageLimit } = asked.query
      const list = ['webhook deliveries', id, state]
      const before = cursor === undefined ? undefined : readCursor(list, z.int(), cursor).place
      const found = await readAs(asked, deps, async ({ records: { webhooks }, reader }) => {
        await owned(webhooks, id, reader)
        return webhooks.deliveries(id, { state, before, limit: limit + 1 })
      })
      const page = found.slice(0, limit)
      const next = found.length > limit ? writeCursor(list, { generation: 0, place: page.at(-1)!.sequence }) : null
      return json(200, { deliveries: page.map(deliveryView), next })
    },
  }),
  signedRoute({
    path: '/v1/webhooks/:id/rotate',
    type: 'RotateWebhookSecret',
    tag,
    summary: 'A new secret; the former ones sign beside it for a day',
    params,
    status: 200,
    done: 'Messages bear the signature of the new secret, too',
    answer: z.strictObject({ webhookId: uuidSchema, oldSecretsUntil: instantSchema, secret: secretSchema }),
    example: { subject: webhookId, data: {}, answer: { webhookId, oldSecretsUntil: '2026-11-24T10:15:30.042Z', secret } },
    problems: ['WebhookUnknown', 'WebhookQuotaExceeded'],
  }),
  change('disable', 'DisableWebhook', 'Send nothing for a while', {
    done: 'Nothing is sent',
    description: 'Events stay in the log, where `enable` finds them. The authority may disable any.',
  }),
  change('enable', 'EnableWebhook', 'Go on where it stopped, at once', {
    done: 'Events are sent',
    description: 'Also ends the wait after failures.',
    problems: ['SignerNotAllowed'],
  }),
  change('delete', 'DeleteWebhook', 'Forget a webhook', { done: 'It is gone', description: 'The authority may delete any.' }),
  change('replay', 'ReplayWebhook', 'Send again: all from a place in the log on, or one message', {
    done: 'They will be sent',
    description: 'Messages keep their ids, so a receiver that remembers them can tell. An index ahead skips what lies before it.',
    problems: ['WebhookMessageUnknown'],
    data: { fromIndex: 97 },
  }),
  signedRoute({
    path: '/v1/webhooks/:id/test',
    type: 'TestWebhook',
    tag,
    summary: 'Send a message about no event',
    description: 'It is tried once; `/deliveries` tells what became of it.',
    params,
    status: 200,
    done: 'It will be sent',
    answer: z.strictObject({ webhookId: uuidSchema, messageId: uuidSchema }),
    example: { subject: webhookId, data: {}, answer: { webhookId, messageId } },
    problems: ['WebhookUnknown', 'WebhookDisabled'],
  }),
]

const instant = (date: Date | null) => date?.toISOString() ?? null

async function view({ id, owner: _, ...webhook }: Webhook, { records, now }: Reading) {
  const secrets = await records.webhooks.secrets(id, now)
  return {
    webhookId: id,
    ...webhook,
    createdAt: webhook.createdAt.toISOString(),
    failingSince: instant(webhook.failingSince),
    waitUntil: instant(webhook.waitUntil),
    secrets: secrets.map(({ createdAt, expiresAt }: WebhookSecret) => ({
      createdAt: createdAt.toISOString(),
      expiresAt: instant(expiresAt),
    })),
  }
}

function deliveryView({ sequence: _, ...delivery }: Delivery) {
  return {
    ...delivery,
    firstAttemptAt: instant(delivery.firstAttemptAt),
    lastAttemptAt: instant(delivery.lastAttemptAt),
    nextAttemptAt: instant(delivery.nextAttemptAt),
  }
}
