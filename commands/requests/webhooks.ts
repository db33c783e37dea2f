import { z } from 'zod'
import { DomainError, malformed } from '../../domain/errors.ts'
import { uuidV5 } from '../../domain/ids.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import { admitSecret, admitWebhook, createWebhookData, replayWebhookData, secretText } from '../../domain/webhook.ts'
import type { Webhook, Webhooks } from './ports.ts'
import { type Applied, type RequestGiven, requestKind } from './request.ts'

/** For how long a secret signs beside the one that follows it. */
const oldSecretMs = 24 * 3_600_000

/** The name of what a test message is about. */
export const testType = 'WebhookTested'

export const createWebhook = requestKind({
  data: createWebhookData,
  subject: 'new webhook',
  async apply({ data, commandId, signer, now, network, surroundings }, { webhooks }) {
    const reason = surroundings.refusalOfUrl(data.url)
    if (reason !== undefined) throw new DomainError('WebhookUrlRefused', { field: 'command.data.url', reason })
    if (await webhooks.find(commandId)) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId })
    if (signer !== network.authority) admitWebhook(await webhooks.count(signer), await webhooks.count())
    const next = await surroundings.nextIndex()
    const { fromIndex = next } = data
    checkIndex(fromIndex, next)
    await webhooks.add({
      id: commandId,
      owner: signer,
      url: data.url,
      eventTypes: data.eventTypes ?? null,
      subjects: data.subjects ?? null,
      createdAt: now,
      disabled: null,
      nextIndex: fromIndex,
      failures: 0,
      failingSince: null,
      waitUntil: null,
    })
    const secret = { id: commandId, text: secretText(surroundings.newKey()), createdAt: now }
    await webhooks.addSecret(commandId, secret, now)
    return { answer: { webhookId: commandId, nextIndex: fromIndex }, shownOnce: { secret: secret.text } }
  },
})

export const rotateWebhookSecret = requestKind({
  data: z.strictObject({}),
  subject: 'webhook',
  async apply({ subject, commandId, signer, now, surroundings }, { webhooks }) {
    await owned(webhooks, subject, signer)
    admitSecret((await webhooks.secrets(subject, now)).length)
    const othersEndAt = new Date(now.getTime() + oldSecretMs)
    const secret = { id: commandId, text: secretText(surroundings.newKey()), createdAt: now }
    await webhooks.addSecret(subject, secret, othersEndAt)
    return {
      answer: { webhookId: subject, oldSecretsUntil: othersEndAt.toISOString() },
      shownOnce: { secret: secret.text },
    }
  },
})

export const disableWebhook = requestKind({
  data: z.strictObject({}),
  subject: 'webhook',
  async apply(given, { webhooks }) {
    const { id, disabled, owner } = await managed(webhooks, given.subject, given.signer, given.network)
    const byOwner = given.signer === owner
    // The authority's word stands over the owner's.
    if (!disabled || !byOwner) await webhooks.setDisabled(id, byOwner ? 'owner' : 'authority')
    return done(given)
  },
})

/** Goes on where it stopped, at once. What the authority has disabled only the authority enables. */
export const enableWebhook = requestKind({
  data: z.strictObject({}),
  subject: 'webhook',
  async apply(given, { webhooks }) {
    const { id, disabled } = await managed(webhooks, given.subject, given.signer, given.network)
    if (disabled === 'authority' && given.signer !== given.network.authority)
      throw new DomainError('SignerNotAllowed', { needed: 'authority' })
    await webhooks.setDisabled(id, null)
    return done(given)
  },
})

export const deleteWebhook = requestKind({
  data: z.strictObject({}),
  subject: 'webhook',
  async apply(given, { webhooks }) {
    const { id } = await managed(webhooks, given.subject, given.signer, given.network)
    await webhooks.remove(id)
    return done(given)
  },
})

export const replayWebhook = requestKind({
  data: replayWebhookData,
  subject: 'webhook',
  async apply(given, { webhooks }) {
    const { data, signer, now, surroundings } = given
    const { id } = await owned(webhooks, given.subject, signer)
    if ('fromIndex' in data) {
      checkIndex(data.fromIndex, await surroundings.nextIndex())
      await webhooks.goTo(id, data.fromIndex)
    } else if (!(await webhooks.again(id, data.messageId, now))) {
      throw new DomainError('WebhookMessageUnknown', { messageId: data.messageId })
    }
    return done(given)
  },
})

/** Sends a message that is about no event, once. */
export const testWebhook = requestKind({
  data: z.strictObject({}),
  subject: 'webhook',
  async apply({ subject, commandId, signer, now }, { webhooks }) {
    const { id, disabled } = await owned(webhooks, subject, signer)
    if (disabled) throw new DomainError('WebhookDisabled', { webhookId: id, disabled })
    const messageId = uuidV5(id, commandId)
    await webhooks.test(id, { messageId, type: testType }, now)
    return { answer: { webhookId: id, messageId } }
  },
})

/** A webhook that is `key`'s. Throws `WebhookUnknown`, also for one of somebody else. */
export async function owned(webhooks: Webhooks, id: string, key: string): Promise<Webhook> {
  const webhook = await webhooks.find(id)
  if (webhook?.owner !== key) throw new DomainError('WebhookUnknown', { webhookId: id })
  return webhook
}

/** Likewise, but the authority may see and end what others have set up, for it answers for what is sent from here. */
export async function managed(webhooks: Webhooks, id: string, key: string, { authority }: NetworkState): Promise<Webhook> {
  const webhook = await webhooks.find(id)
  if (!webhook || (key !== webhook.owner && key !== authority)) throw new DomainError('WebhookUnknown', { webhookId: id })
  return webhook
}

function checkIndex(index: number, next: number): void {
  if (index > next) throw malformed('command.data.fromIndex', `lies behind the end of the log, ${next}`)
}

function done({ subject }: RequestGiven): Applied {
  return { answer: { webhookId: subject } }
}
