import { type ExpressionBuilder, type Kysely, sql, type Transaction } from 'kysely'
import type { Endpoint, Tried, WebhookQueue } from '../../../commands/processes/webhook-ports.ts'
import type { PrivateStore, PrivateTables } from './store.ts'

/** The webhooks of the private store as they are sent for. */
export function webhookQueue(store: PrivateStore): WebhookQueue {
  return {
    async ready(now, nextIndex) {
      const db = await store.db()
      const isDue = (is: ExpressionBuilder<PrivateTables, 'webhooks'>) =>
        is.exists(
          is
            .selectFrom('webhookDeliveries as d')
            .select('d.messageId')
            .whereRef('d.webhookId', '=', 'webhooks.id')
            .where('d.state', '=', 'retrying')
            .where('d.nextAttemptAt', '<=', now)
            .where((of) => of.or([of('d.index', 'is', null), of('d.index', '<', of.ref('webhooks.nextIndex'))])),
        )
      const rows = await db
        .selectFrom('webhooks')
        .select(['id', 'url', 'eventTypes', 'subjects', 'nextIndex', 'epoch', 'failingSince'])
        .select((is) => isDue(is).as('hasDue'))
        .where('disabled', 'is', null)
        .where((is) => is.or([is('waitUntil', 'is', null), is('waitUntil', '<=', now)]))
        .where((is) => is.or([is('nextIndex', '<', BigInt(nextIndex)), isDue(is)]))
        .orderBy('failures')
        .orderBy('id')
        .execute()
      return rows.map((row) => ({ ...row, nextIndex: Number(row.nextIndex), hasDue: Boolean(row.hasDue) }))
    },

    async secrets({ id }, now) {
      const rows = await (await store.db())
        .selectFrom('webhookSecrets')
        .select('text')
        .where('webhookId', '=', id)
        .where((is) => is.or([is('expiresAt', 'is', null), is('expiresAt', '>', now)]))
        .orderBy('expiresAt', 'desc')
        .execute()
      return rows.map(({ text }) => text)
    },

    async due({ id, nextIndex }, now, limit) {
      const rows = await (await store.db())
        .selectFrom('webhookDeliveries')
        .select(['messageId', 'index', 'type'])
        .where('webhookId', '=', id)
        .where('state', '=', 'retrying')
        .where('nextAttemptAt', '<=', now)
        .where((is) => is.or([is('index', 'is', null), is('index', '<', BigInt(nextIndex))]))
        .orderBy('nextAttemptAt')
        .limit(limit)
        .execute()
      return rows.map(({ index, ...row }) => ({ ...row, index: index === null ? null : Number(index) }))
    },

    async delivered(endpoint, tried, inTurn) {
      return (await store.db()).transaction().execute(async (tx) => {
        const webhook = await lock(tx, endpoint, inTurn)
        if (!webhook) return false
        await record(tx, endpoint, tried, { state: 'delivered', nextAttemptAt: null, error: null })
        if (inTurn)
          await tx
            .updateTable('webhooks')
            .set({ nextIndex: BigInt(tried.index! + 1), failures: 0, failingSince: null, waitUntil: null })
            .where('id', '=', endpoint.id)
            .execute()
        return webhook.disabled === null
      })
    },

    async failed(endpoint, { error, ...tried }, inTurn, after) {
      return (await store.db()).transaction().execute(async (tx) => {
        const webhook = await lock(tx, endpoint, inTurn)
        if (!webhook) return false
        const so = await record(tx, endpoint, tried, { state: 'retrying', nextAttemptAt: null, error })
        const failures = webhook.failures + (inTurn ? 1 : 0)
        const failingSince = webhook.failingSince ?? tried.at
        const { nextAttemptAt, putAside, waitUntil, disable } = after({ ...so, failures, failingSince })
        await tx
          .updateTable('webhookDeliveries')
          .set({ state: nextAttemptAt ? 'retrying' : 'parked', nextAttemptAt: nextAttemptAt ?? null })
          .where('webhookId', '=', endpoint.id)
          .where('messageId', '=', tried.messageId)
          .execute()
        const changes = {
          ...(inTurn && { failures, failingSince }),
          ...(inTurn && putAside && { nextIndex: BigInt(tried.index! + 1) }),
          ...(waitUntil && { waitUntil }),
          ...(disable && webhook.disabled === null && { disabled: disable }),
        }
        if (Object.keys(changes).length) await tx.updateTable('webhooks').set(changes).where('id', '=', endpoint.id).execute()
        return webhook.disabled === null && disable === undefined && waitUntil === undefined
      })
    },

    async skipTo({ id, epoch }, index) {
      await (await store.db())
        .updateTable('webhooks')
        .set({ nextIndex: BigInt(index) })
        .where('id', '=', id)
        .where('epoch', '=', epoch)
        .where('nextIndex', '<', BigInt(index))
        .execute()
    },

    async prune(keep, parkedBefore) {
      const db = await store.db()
      const ranked = db
        .selectFrom('webhookDeliveries')
        .select(['webhookId', 'messageId'])
        .select(sql<bigint>`row_number() over (partition by "webhookId" order by sequence desc)`.as('rank'))
        .where('state', '=', 'delivered')
      await db
        .with('ranked', () => ranked)
        .deleteFrom('webhookDeliveries as d')
        .using('ranked')
        .whereRef('d.webhookId', '=', 'ranked.webhookId')
        .whereRef('d.messageId', '=', 'ranked.messageId')
        .where('ranked.rank', '>', BigInt(keep))
        .execute()
      await db.deleteFrom('webhookDeliveries').where('state', '=', 'parked').where('lastAttemptAt', '<', parkedBefore).execute()
    },

    async standing(nextIndex) {
      const db = await store.db()
      const count = (condition: ReturnType<typeof sql<boolean>>) => sql<bigint>`count(*) filter (where ${condition})`
      const counted = await db
        .selectFrom('webhooks')
        .select([
          count(sql`disabled is null`).as('active'),
          count(sql`disabled is null and "failingSince" is not null`).as('failing'),
          count(sql`disabled is not null`).as('disabled'),
          sql<bigint | null>`max(${nextIndex}::bigint - "nextIndex") filter (where disabled is null)`.as('behind'),
        ])
        .executeTakeFirstOrThrow()
      const { parked } = await db
        .selectFrom('webhookDeliveries')
        .select((is) => is.fn.countAll<bigint>().as('parked'))
        .where('state', '=', 'parked')
        .executeTakeFirstOrThrow()
      return {
        active: Number(counted.active),
        failing: Number(counted.failing),
        disabled: Number(counted.disabled),
        parked: Number(parked),
        behind: Math.max(0, Number(counted.behind ?? 0)),
      }
    },
  }
}

/** The webhook, for this transaction alone; undefined when it is gone or, for its next message, was put elsewhere. */
async function lock(tx: Transaction<PrivateTables>, { id, epoch }: Endpoint, inTurn: boolean) {
  let query = tx.selectFrom('webhooks').select(['disabled', 'failures', 'failingSince']).where('id', '=', id).forUpdate()
  if (inTurn) query = query.where('epoch', '=', epoch)
  return query.executeTakeFirst()
}

/** One try more of a message. */
async function record(
  tx: Kysely<PrivateTables>,
  { id }: Endpoint,
  { messageId, index, type, at, status }: Tried,
  outcome: { readonly state: 'delivered' | 'retrying'; readonly nextAttemptAt: null; readonly error: string | null },
): Promise<{ readonly attempts: number; readonly firstAttemptAt: Date }> {
  const last = { ...outcome, lastAttemptAt: at, status }
  const { attempts, firstAttemptAt } = await tx
    .insertInto('webhookDeliveries')
    .values({
      webhookId: id,
      messageId,
      index: index === null ? null : BigInt(index),
      type,
      attempts: 1,
      firstAttemptAt: at,
      ...last,
    })
    .onConflict((conflict) =>
      conflict.columns(['webhookId', 'messageId']).doUpdateSet((is) => ({
        ...last,
        attempts: is('webhookDeliveries.attempts', '+', 1),
        firstAttemptAt: is.fn.coalesce('webhookDeliveries.firstAttemptAt', is.val(at)),
      })),
    )
    .returning(['attempts', 'firstAttemptAt'])
    .executeTakeFirstOrThrow()
  return { attempts, firstAttemptAt: firstAttemptAt ?? at }
}
