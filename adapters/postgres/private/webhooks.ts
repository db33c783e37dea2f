import type { Generated, Kysely, Selectable } from 'kysely'
import type { Delivery, DeliveryState, DisabledReason, Webhook, Webhooks } from '../../../commands/requests/ports.ts'
import type { PrivateTables } from './store.ts'

export interface WebhookRow {
  id: string
  owner: string
  url: string
  eventTypes: string[] | null
  subjects: string[] | null
  createdAt: Date
  disabled: DisabledReason | null
  nextIndex: bigint
  epoch: Generated<number>
  failures: number
  failingSince: Date | null
  waitUntil: Date | null
}

export interface SecretRow {
  webhookId: string
  id: string
  text: string
  createdAt: Date
  expiresAt: Date | null
}

export interface DeliveryRow {
  webhookId: string
  messageId: string
  sequence: Generated<bigint>
  index: bigint | null
  type: string
  state: DeliveryState
  attempts: number
  firstAttemptAt: Date | null
  lastAttemptAt: Date | null
  nextAttemptAt: Date | null
  status: number | null
  error: string | null
}

export function webhooksIn(db: Kysely<PrivateTables>): Webhooks {
  return {
    async find(id) {
      const row = await db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
      return row && webhookOf(row)
    },
    async list(owner) {
      let query = db.selectFrom('webhooks').selectAll().orderBy('createdAt').orderBy('id')
      if (owner !== undefined) query = query.where('owner', '=', owner)
      return (await query.execute()).map(webhookOf)
    },
    async count(owner) {
      let query = db.selectFrom('webhooks').select((is) => is.fn.countAll<bigint>().as('count'))
      if (owner !== undefined) query = query.where('owner', '=', owner)
      return Number((await query.executeTakeFirstOrThrow()).count)
    },
    async add({ eventTypes, subjects, nextIndex, ...webhook }) {
      const row = { ...webhook, eventTypes: eventTypes && [...eventTypes], subjects: subjects && [...subjects] }
      await db
        .insertInto('webhooks')
        .values({ ...row, nextIndex: BigInt(nextIndex) })
        .execute()
    },
    async remove(id) {
      await db.deleteFrom('webhooks').where('id', '=', id).execute()
    },
    async setDisabled(id, disabled) {
      await db
        .updateTable('webhooks')
        .set({ disabled, failures: 0, failingSince: null, waitUntil: null })
        .where('id', '=', id)
        .execute()
    },
    async secrets(id, now) {
      return db
        .selectFrom('webhookSecrets')
        .select(['id', 'text', 'createdAt', 'expiresAt'])
        .where('webhookId', '=', id)
        .where((is) => is.or([is('expiresAt', 'is', null), is('expiresAt', '>', now)]))
        .orderBy('expiresAt', 'desc')
        .orderBy('createdAt', 'desc')
        .execute()
    },
    async addSecret(id, secret, othersEndAt) {
      const secrets = db.updateTable('webhookSecrets').where('webhookId', '=', id)
      await secrets.set({ expiresAt: othersEndAt }).where('expiresAt', 'is', null).execute()
      await db.deleteFrom('webhookSecrets').where('webhookId', '=', id).where('expiresAt', '<=', secret.createdAt).execute()
      await db
        .insertInto('webhookSecrets')
        .values({ webhookId: id, ...secret, expiresAt: null })
        .execute()
    },
    async goTo(id, index) {
      const nextIndex = BigInt(index)
      await db
        .updateTable('webhooks')
        .set((is) => ({ nextIndex, epoch: is('epoch', '+', 1), failures: 0, failingSince: null, waitUntil: null }))
        .where('id', '=', id)
        .execute()
      await db.deleteFrom('webhookDeliveries').where('webhookId', '=', id).where('index', '>=', nextIndex).execute()
    },
    async again(id, messageId, now) {
      const { numUpdatedRows } = await db
        .updateTable('webhookDeliveries')
        .set({ state: 'retrying', attempts: 0, firstAttemptAt: null, nextAttemptAt: now })
        .where('webhookId', '=', id)
        .where('messageId', '=', messageId)
        .executeTakeFirst()
      if (!numUpdatedRows) return false
      await db.updateTable('webhooks').set({ waitUntil: null }).where('id', '=', id).execute()
      return true
    },
    async test(id, message, now) {
      const attempt = { attempts: 0, firstAttemptAt: null, lastAttemptAt: null, nextAttemptAt: now, status: null, error: null }
      await db
        .insertInto('webhookDeliveries')
        .values({ webhookId: id, ...message, index: null, state: 'retrying', ...attempt })
        .execute()
      await db.updateTable('webhooks').set({ waitUntil: null }).where('id', '=', id).execute()
    },
    async deliveries(id, { state, before, limit }) {
      let query = db.selectFrom('webhookDeliveries').selectAll().where('webhookId', '=', id)
      if (state !== undefined) query = query.where('state', '=', state)
      if (before !== undefined) query = query.where('sequence', '<', BigInt(before))
      return (await query.orderBy('sequence', 'desc').limit(limit).execute()).map(deliveryOf)
    },
  }
}

export function webhookOf({ nextIndex, epoch: _, ...row }: Selectable<WebhookRow>): Webhook {
  return { ...row, nextIndex: Number(nextIndex) }
}

function deliveryOf({ webhookId: _, sequence, index, ...row }: Selectable<DeliveryRow>): Delivery {
  return { ...row, sequence: Number(sequence), index: index === null ? null : Number(index) }
}
