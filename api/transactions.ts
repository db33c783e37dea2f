import { z } from 'zod'
import { commitmentSchema } from '../domain/commitment.ts'
import { instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { chainHashSchema, signalSchema } from '../domain/wallet/events.ts'
import { type DepositRow, deposits } from '../projections/deposits.ts'
import { type WithdrawalRow, withdrawals } from '../projections/withdrawals.ts'
import { moneyExample } from './money-examples.ts'
import { newestPlace } from './paging.ts'
import { detail, list } from './query-routes.ts'
import { jsonText } from './reading.ts'
import type { Route } from './route.ts'
import { positionSchema } from './schemas.ts'

// How money comes into wallets and leaves them.

const tag = 'Wallets'
const ofWallet = z.strictObject({ id: uuidSchema })
const height = z.int().nonnegative().nullable()

const withdrawalSchema = z
  .strictObject({
    withdrawalId: uuidSchema,
    walletId: uuidSchema,
    status: z.enum(['review', 'approved', 'signed', 'confirmed', 'rejected', 'cancelled', 'failed']),
    amount: amountSchema,
    feeMax: amountSchema,
    destination: commitmentSchema.describe('Commits to the address'),
    signals: z.array(signalSchema).describe('Why a steward had to look at it, each with the figures it was judged by'),
    reviewedBy: publicKeySchema.nullable(),
    attempts: z
      .array(z.strictObject({ txid: chainHashSchema, fee: amountSchema }))
      .describe('Transactions that were signed for it, each recorded before it was broadcast'),
    txid: chainHashSchema.nullable().describe('The one that the chain holds'),
    fee: amountSchema.nullable(),
    blockHash: chainHashSchema.nullable(),
    height,
    reason: z.string().nullable().describe('Why it failed, or why the chain took it back'),
    requestedAt: instantSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Withdrawal' })

const depositSchema = z
  .strictObject({
    deposit: z.string().describe('`txid:vout`; of test money the id of the deposit'),
    walletId: uuidSchema,
    origin: z.enum(['chain', 'test']),
    amount: amountSchema,
    status: z.enum(['credited', 'reversed']).describe('`reversed`: the chain took it back'),
    blockHash: chainHashSchema.nullable(),
    height,
    reason: z.string().nullable().describe('Why it was reversed'),
    shortfall: amountSchema.describe('Of it, what had been spent when it was reversed'),
    creditedAt: instantSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Deposit' })

function withdrawalOf({ review, transactions, ...row }: WithdrawalRow) {
  return { ...row, ...review, ...transactions }
}

const withdrawalItems = {
  projection: withdrawals,
  field: 'withdrawals',
  item: withdrawalSchema,
  example: moneyExample.withdrawal,
  place: newestPlace,
  text: (row: WithdrawalRow) => jsonText(withdrawalOf(row)),
} as const

const depositItems = {
  projection: deposits,
  field: 'deposits',
  item: depositSchema,
  example: moneyExample.deposit,
  place: newestPlace,
  text: (row: DepositRow) => jsonText(row),
} as const

const statusFilter = { status: withdrawalSchema.shape.status.optional() }

export const transactionRoutes: readonly Route[] = [
  list({
    path: '/v1/wallets/:id/withdrawals',
    tag,
    summary: 'What a wallet took out over the chain, the newest first',
    params: ofWallet,
    filter: statusFilter,
    ...withdrawalItems,
    read: ({ reads }, { params: { id: wallet }, filter, ...page }) => reads.listWithdrawals({ ...filter, wallet, ...page }),
  }),
  list({
    path: '/v1/withdrawals',
    tag,
    summary: 'Withdrawals of all wallets, the newest first; those in `review` wait for a steward',
    filter: statusFilter,
    ...withdrawalItems,
    read: ({ reads }, { filter, ...page }) => reads.listWithdrawals({ ...filter, ...page }),
  }),
  detail({
    path: '/v1/withdrawals/:withdrawalId',
    tag,
    summary: 'A withdrawal: why it waits, by which transactions it is paid, in which block it is',
    projection: withdrawals,
    params: z.strictObject({ withdrawalId: uuidSchema }),
    schema: withdrawalSchema,
    example: moneyExample.withdrawal,
    unknown: { code: 'WithdrawalUnknown', details: ({ withdrawalId }) => ({ withdrawalId }) },
    read: (reads, { withdrawalId }) => reads.findWithdrawal(withdrawalId),
    body: withdrawalOf,
  }),
  list({
    path: '/v1/wallets/:id/deposits',
    tag,
    summary: 'What came into a wallet from outside, the newest first',
    params: ofWallet,
    filter: {},
    ...depositItems,
    read: ({ reads }, { params: { id: wallet }, filter: _, ...page }) => reads.listDeposits({ wallet, ...page }),
  }),
  detail({
    path: '/v1/deposits/:deposit',
    tag,
    summary: 'A deposit, by `txid:vout` or the id of a test deposit',
    projection: deposits,
    params: z.strictObject({
      deposit: z.string().regex(/^([0-9a-f]{64}:\d{1,10}|[0-9a-f-]{36})$/, 'must be txid:vout, or a UUID'),
    }),
    schema: depositSchema,
    example: moneyExample.deposit,
    unknown: { code: 'DepositUnknown', details: ({ deposit }) => ({ deposit }) },
    read: (reads, { deposit }) => reads.findDeposit(deposit),
  }),
]
