import type { Kysely, Selectable } from 'kysely'
import type { ChainStore, PaymentAttempt, TreasuryCoin } from '../../../commands/ports.ts'
import type { PrivateStore, PrivateTables } from './store.ts'

/** Whose address is whose. */
export interface DepositAddressRow {
  walletId: string
  address: string
}

/** One attempt at paying a withdrawal. */
export interface PaymentRow {
  withdrawalId: string
  attempt: number
  psbt: Buffer
  /** Units, decimal text. */
  fee: string
  height: number
  /** Null while signatures are missing. */
  txid: string | null
  bytes: Buffer | null
}

/** What a withdrawal's payments spend, all of its attempts the same. */
export interface PaymentInputRow {
  txid: string
  vout: number
  withdrawalId: string
  /** Of the inputs of the payment. */
  place: number
  address: string
  walletId: string | null
  amount: string
}

export interface ChainPlaceRow {
  name: string
  blockHash: string
}

const deposits = 'deposits'

/** The chain's part of the private store. */
export function chainStore(store: PrivateStore): ChainStore {
  return {
    async destination(commitment) {
      const db = await store.db()
      const row = await db
        .selectFrom('disclosures')
        .select('content')
        .where('commitment', '=', commitment)
        .where('content', 'is not', null)
        .executeTakeFirst()
      return row?.content?.toString('utf8').trim()
    },

    async addAddress(walletId, address) {
      const db = await store.db()
      await db
        .insertInto('depositAddresses')
        .values({ walletId, address })
        .onConflict((on) => on.doNothing())
        .execute()
    },

    async walletsOf(addresses) {
      if (!addresses.length) return new Map()
      const db = await store.db()
      const rows = await db.selectFrom('depositAddresses').selectAll().where('address', 'in', addresses).execute()
      return new Map(rows.map(({ address, walletId }) => [address, walletId]))
    },

    async addressesAfter(address, limit) {
      const db = await store.db()
      const rows = await db
        .selectFrom('depositAddresses')
        .select('address')
        .where('address', '>', address)
        .orderBy('address')
        .limit(limit)
        .execute()
      return rows.map((row) => row.address)
    },

    async place() {
      const db = await store.db()
      const row = await db.selectFrom('chainPlaces').select('blockHash').where('name', '=', deposits).executeTakeFirst()
      return row?.blockHash
    },

    async setPlace(blockHash) {
      const db = await store.db()
      if (blockHash === undefined) {
        await db.deleteFrom('chainPlaces').where('name', '=', deposits).execute()
        return
      }
      await db
        .insertInto('chainPlaces')
        .values({ name: deposits, blockHash })
        .onConflict((on) => on.column('name').doUpdateSet({ blockHash }))
        .execute()
    },

    async spokenFor(outpoints) {
      if (!outpoints.length) return new Set()
      const db = await store.db()
      const wanted = new Set(outpoints)
      const txids = [...new Set(outpoints.map((outpoint) => outpoint.slice(0, 64)))]
      const rows = await db.selectFrom('paymentInputs').select(['txid', 'vout']).where('txid', 'in', txids).execute()
      return new Set(rows.map(({ txid, vout }) => `${txid}:${vout}`).filter((outpoint) => wanted.has(outpoint)))
    },

    async attempts(withdrawalIds) {
      if (!withdrawalIds.length) return new Map()
      const db = await store.db()
      const [payments, inputs] = await Promise.all([
        db.selectFrom('payments').selectAll().where('withdrawalId', 'in', withdrawalIds).orderBy('attempt').execute(),
        db.selectFrom('paymentInputs').selectAll().where('withdrawalId', 'in', withdrawalIds).orderBy('place').execute(),
      ])
      const inputsOf = Map.groupBy(inputs, (input) => input.withdrawalId)
      return Map.groupBy(
        payments.map((payment) => attemptOf(payment, inputsOf.get(payment.withdrawalId) ?? [])),
        (attempt) => attempt.withdrawalId,
      )
    },

    async unsigned() {
      const db = await store.db()
      const rows = await db.selectFrom('payments').select('withdrawalId').distinct().where('bytes', 'is', null).execute()
      return rows.map(({ withdrawalId }) => withdrawalId)
    },

    async keep(attempt) {
      const db = await store.db()
      return db
        .transaction()
        .execute((tx) => keep(tx, attempt))
        .catch(takenIsFalse)
    },

    async keepSignatures({ withdrawalId, attempt, psbt, signed }, before) {
      const db = await store.db()
      const { numUpdatedRows } = await db
        .updateTable('payments')
        .set({ psbt: Buffer.from(psbt), ...signedColumns(signed) })
        .where('withdrawalId', '=', withdrawalId)
        .where('attempt', '=', attempt)
        .where('psbt', '=', Buffer.from(before))
        // Bytes that are there may have been told of.
        .where('bytes', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    async release(withdrawalId) {
      const db = await store.db()
      await db.transaction().execute(async (tx) => {
        await tx.deleteFrom('payments').where('withdrawalId', '=', withdrawalId).execute()
        await tx.deleteFrom('paymentInputs').where('withdrawalId', '=', withdrawalId).execute()
      })
    },
  }
}

async function keep(tx: Kysely<PrivateTables>, payment: PaymentAttempt): Promise<boolean> {
  const { withdrawalId, attempt, psbt, fee, height, signed, inputs } = payment
  await tx
    .insertInto('payments')
    .values({ withdrawalId, attempt, psbt: Buffer.from(psbt), fee: String(fee), height, ...signedColumns(signed) })
    .execute()
  if (attempt > 1) return true
  await tx
    .insertInto('paymentInputs')
    .values(
      inputs.map(({ txid, vout, address, walletId, amount }, place) => ({
        txid,
        vout,
        withdrawalId,
        place,
        address,
        walletId: walletId ?? null,
        amount: String(amount),
      })),
    )
    .execute()
  return true
}

const uniqueViolation = '23505'

function takenIsFalse(error: unknown): false {
  if (error instanceof Error && 'code' in error && error.code === uniqueViolation) return false
  throw error
}

const signedColumns = (signed: PaymentAttempt['signed']) => ({
  txid: signed?.txid ?? null,
  bytes: signed ? Buffer.from(signed.bytes) : null,
})

function attemptOf(payment: Selectable<PaymentRow>, inputs: readonly PaymentInputRow[]): PaymentAttempt {
  const { withdrawalId, attempt, psbt, fee, height, txid, bytes } = payment
  const coins = inputs.map(
    ({ txid, vout, address, walletId, amount }): TreasuryCoin => ({
      txid,
      vout,
      address,
      walletId: walletId ?? undefined,
      amount: BigInt(amount),
    }),
  )
  const signed = txid !== null && bytes !== null ? { txid, bytes } : undefined
  return { withdrawalId, attempt, psbt, fee: BigInt(fee), height, signed, inputs: coins }
}
