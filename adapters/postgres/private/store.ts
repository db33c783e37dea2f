import { type Kysely, sql } from 'kysely'
import { openPrivatePool, type PoolOptions } from '../pool.ts'
import type {
  AttemptRow,
  ChainPlaceRow,
  DepositAddressRow,
  PaymentInputRow,
  PaymentMemberRow,
  PaymentRow,
  WithdrawnRow,
} from './chain.ts'
import type { DisclosureRow } from './disclosures.ts'
import { migrations } from './migrations.ts'
import type { RequestRow } from './records.ts'
import type { DeliveryRow, SecretRow, WebhookRow } from './webhooks.ts'

/** Its tables; `migrations.ts` makes them. */
export interface PrivateTables {
  disclosures: DisclosureRow
  requests: RequestRow
  webhooks: WebhookRow
  webhookSecrets: SecretRow
  webhookDeliveries: DeliveryRow
  depositAddresses: DepositAddressRow
  chainPlaces: ChainPlaceRow
  payments: PaymentRow
  paymentMembers: PaymentMemberRow
  paymentAttempts: AttemptRow
  paymentsWithdrawn: WithdrawnRow
  paymentInputs: PaymentInputRow
}

/**
 * What the log and the read models must not hold (design.md 7): it can be erased, rebuilds leave it alone, and whoever may only read
 * the read models sees nothing of it.
 */
export interface PrivateStore {
  /** Resolves when its tables are those of this program, which the first to ask sees to. Throws what Postgres throws; the next call tries again. */
  db(): Promise<Kysely<PrivateTables>>
  /** Waits for the queries in hand; all others fail from then on. */
  close(): Promise<void>
}

const privateSchema = 'duxnet_private'

/** Opens no connection yet. The user must own the schema, or be allowed to make it. */
export function openPrivateStore(options: PoolOptions): PrivateStore {
  const { db, close } = openPrivatePool<PrivateTables>(options)
  const schema = db.withSchema(privateSchema)
  let migrated: Promise<void> | undefined
  return {
    async db() {
      migrated ??= migrate(db).catch((error) => {
        migrated = undefined
        throw error
      })
      await migrated
      return schema
    },
    close,
  }
}

/** Applies the steps that are missing, all or none; those of a newer program stay. Safe to be run by many at once. */
async function migrate(db: Kysely<PrivateTables>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${privateSchema}))`.execute(tx)
    await sql`set local statement_timeout = 0`.execute(tx)
    await sql.raw(`create schema if not exists ${privateSchema}; revoke all on schema ${privateSchema} from public`).execute(tx)
    await sql.raw(`set local search_path = ${privateSchema}`).execute(tx)
    await sql`create table if not exists migrations (number integer primary key, "appliedAt" timestamptz not null default now())`.execute(
      tx,
    )
    const { rows } = await sql<{ number: number }>`select number from migrations`.execute(tx)
    const applied = new Set(rows.map(({ number }) => number))
    for (const [index, statements] of migrations.entries()) {
      if (applied.has(index + 1)) continue
      await sql.raw(statements).execute(tx)
      await sql`insert into migrations (number) values (${index + 1})`.execute(tx)
    }
  })
}
