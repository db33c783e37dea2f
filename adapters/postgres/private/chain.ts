import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ChainStore, Payment, PaymentAttempt, TreasuryCoin } from '../../../commands/ports.ts'
import type { PrivateStore, PrivateTables } from './store.ts'

/** Whose address is whose. */
export interface DepositAddressRow {
  walletId: string
  address: string
}

export interface PaymentRow {
  paymentId: string
  /** Whether the log knows a transaction of it for each of its withdrawals. */
  recorded: boolean
}

/** A withdrawal is in one payment at most. */
export interface PaymentMemberRow {
  withdrawalId: string
  paymentId: string
  /** Of the outputs of the payment. */
  place: number
}

export interface AttemptRow {
  paymentId: string
  attempt: number
  psbt: Buffer
  /** Units, decimal text. */
  fee: string
  height: number
  /** Null while signatures are missing. */
  txid: string | null
  bytes: Buffer | null
}

/** An attempt that was withdrawn after it was signed. */
export interface WithdrawnRow {
  txid: string
  paymentId: string
}

/** What a payment spends, all of its attempts the same. */
export interface PaymentInputRow {
  txid: string
  vout: number
  paymentId: string
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

    async payments(withdrawalIds) {
      if (!withdrawalIds.length) return []
      const db = await store.db()
      const members = db.selectFrom('paymentMembers').select('paymentId').where('withdrawalId', 'in', withdrawalIds)
      return paymentsOf(db, await members.distinct().execute())
    },

    async unrecorded() {
      const db = await store.db()
      const found = db.selectFrom('payments').select('paymentId').where('recorded', '=', false)
      return paymentsOf(db, await found.orderBy('paymentId').limit(unrecordedMax).execute())
    },

    async unsigned() {
      const db = await store.db()
      const attempts = db.selectFrom('paymentAttempts').select('paymentId').where('bytes', 'is', null)
      return paymentsOf(db, await attempts.distinct().execute())
    },

    async keep(payment) {
      const paymentId = randomUUID()
      const db = await store.db()
      const isKept = await unlessTaken(db, async (tx) => {
        await tx.insertInto('payments').values({ paymentId, recorded: false }).execute()
        await insertMembers(tx, paymentId, payment.withdrawalIds)
        await insertInputs(tx, paymentId, payment.inputs)
        await tx
          .insertInto('paymentAttempts')
          .values(payment.attempts.map((attempt) => attemptRow(paymentId, attempt)))
          .execute()
      })
      return isKept ? { ...payment, paymentId, withdrawn: [] } : undefined
    },

    async keepAttempt(paymentId, attempt) {
      const db = await store.db()
      return unlessTaken(db, async (tx) => {
        await tx.insertInto('paymentAttempts').values(attemptRow(paymentId, attempt)).execute()
      })
    },

    async keepSignatures(paymentId, { attempt, psbt, signed }, before) {
      const db = await store.db()
      const { numUpdatedRows } = await db
        .updateTable('paymentAttempts')
        .set({ psbt: Buffer.from(psbt), ...signedColumns(signed) })
        .where('paymentId', '=', paymentId)
        .where('attempt', '=', attempt)
        .where('psbt', '=', Buffer.from(before))
        // Bytes that are there may have been told of.
        .where('bytes', 'is', null)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    async recorded(paymentId) {
      const db = await store.db()
      await db.updateTable('payments').set({ recorded: true }).where('paymentId', '=', paymentId).execute()
    },

    async replace(paymentId, withdrawalIds, next) {
      const db = await store.db()
      return unlessTaken(db, async (tx) => {
        await tx.insertInto('paymentAttempts').values(attemptRow(paymentId, next)).execute()
        const gone = await tx
          .deleteFrom('paymentAttempts')
          .where('paymentId', '=', paymentId)
          .where('attempt', '<', next.attempt)
          .returning('txid')
          .execute()
        const txids = gone.flatMap(({ txid }) => txid ?? [])
        if (txids.length)
          await tx
            .insertInto('paymentsWithdrawn')
            .values(txids.map((txid) => ({ txid, paymentId })))
            .execute()
        await tx.deleteFrom('paymentMembers').where('paymentId', '=', paymentId).execute()
        await insertMembers(tx, paymentId, withdrawalIds)
      })
    },

    async release(paymentId) {
      const db = await store.db()
      await db.deleteFrom('payments').where('paymentId', '=', paymentId).execute()
    },
  }
}

/** Payments that nobody has finished, at once. */
const unrecordedMax = 1000

type Database = Kysely<PrivateTables>

async function insertMembers(tx: Database, paymentId: string, withdrawalIds: readonly string[]): Promise<void> {
  await tx
    .insertInto('paymentMembers')
    .values(withdrawalIds.map((withdrawalId, place) => ({ withdrawalId, paymentId, place })))
    .execute()
}

async function insertInputs(tx: Database, paymentId: string, inputs: readonly TreasuryCoin[]): Promise<void> {
  const rows = inputs.map(({ txid, vout, address, walletId, amount }, place) => ({
    txid,
    vout,
    paymentId,
    place,
    address,
    walletId: walletId ?? null,
    amount: String(amount),
  }))
  await tx.insertInto('paymentInputs').values(rows).execute()
}

async function paymentsOf(db: Database, found: readonly { readonly paymentId: string }[]): Promise<readonly Payment[]> {
  if (!found.length) return []
  const ids = found.map(({ paymentId }) => paymentId)
  const [members, inputs, attempts, withdrawn] = await Promise.all([
    db.selectFrom('paymentMembers').selectAll().where('paymentId', 'in', ids).orderBy('place').execute(),
    db.selectFrom('paymentInputs').selectAll().where('paymentId', 'in', ids).orderBy('place').execute(),
    db.selectFrom('paymentAttempts').selectAll().where('paymentId', 'in', ids).orderBy('attempt').execute(),
    db.selectFrom('paymentsWithdrawn').selectAll().where('paymentId', 'in', ids).execute(),
  ])
  const [membersOf, inputsOf, attemptsOf, withdrawnOf] = [byPayment(members), byPayment(inputs), byPayment(attempts), byPayment(withdrawn)] // biome-ignore format: one line
  return ids.map((paymentId) => ({
    paymentId,
    withdrawalIds: membersOf(paymentId).map(({ withdrawalId }) => withdrawalId),
    inputs: inputsOf(paymentId).map(coinOf),
    attempts: attemptsOf(paymentId).map(attemptOf),
    withdrawn: withdrawnOf(paymentId).map(({ txid }) => txid),
  }))
}

function byPayment<Row extends { readonly paymentId: string }>(rows: readonly Row[]): (paymentId: string) => readonly Row[] {
  const groups = Map.groupBy(rows, ({ paymentId }) => paymentId)
  return (paymentId) => groups.get(paymentId) ?? []
}

/** Does all of it and gives true, or nothing where something of it is there already. */
async function unlessTaken(db: Database, work: (tx: Database) => Promise<void>): Promise<boolean> {
  try {
    await db.transaction().execute(work)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === uniqueViolation) return false
    throw error
  }
}

const uniqueViolation = '23505'

const signedColumns = (signed: PaymentAttempt['signed']) => ({
  txid: signed?.txid ?? null,
  bytes: signed ? Buffer.from(signed.bytes) : null,
})

function attemptRow(paymentId: string, { attempt, psbt, fee, height, signed }: PaymentAttempt): AttemptRow {
  return { paymentId, attempt, psbt: Buffer.from(psbt), fee: String(fee), height, ...signedColumns(signed) }
}

function attemptOf({ attempt, psbt, fee, height, txid, bytes }: AttemptRow): PaymentAttempt {
  const signed = txid !== null && bytes !== null ? { txid, bytes } : undefined
  return { attempt, psbt, fee: BigInt(fee), height, signed }
}

function coinOf({ txid, vout, address, walletId, amount }: PaymentInputRow): TreasuryCoin {
  return { txid, vout, address, walletId: walletId ?? undefined, amount: BigInt(amount) }
}
