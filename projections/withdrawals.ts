import type { Json } from '../domain/canonical.ts'
import type { WalletEvent } from '../domain/wallet/events.ts'
import type { WithdrawalStatus } from '../domain/wallet/state.ts'
import { keyed, type LogFact, type Projection, type RowOf } from './projection.ts'

const columns = {
  withdrawalId: 'text',
  walletId: 'text',
  /** `review`, `approved`, `signed`, `confirmed`, `rejected`, `cancelled` or `failed`. */
  status: 'text',
  amount: 'amount',
  feeMax: 'amount',
  /** Commits to the address. */
  destination: 'text',
  /** {signals}: why a steward had to look at it, each with its figures. */
  review: 'json',
  /** The steward who approved or rejected it. */
  reviewedBy: 'text?',
  /** {attempts: [{txid, fee}]}: recorded before they were broadcast. */
  transactions: 'json',
  /** Of the one that the chain holds. */
  txid: 'text?',
  fee: 'amount?',
  blockHash: 'text?',
  height: 'integer?',
  /** Why it failed, or why the chain took it back. */
  reason: 'text?',
  requestedAt: 'instant',
  changedAt: 'instant',
  changedPosition: 'position',
} as const

export type WithdrawalRow = RowOf<typeof columns>

/** Every withdrawal, from the request to the block that paid it. */
const withdrawalTable = keyed({
  columns,
  key: 'withdrawalId',
  indexes: [
    ['walletId', 'requestedAt', 'withdrawalId'],
    ['status', 'requestedAt', 'withdrawalId'],
    ['requestedAt', 'withdrawalId'],
  ],
  keys: (fact) => (isWithdrawals(fact) ? [fact.data.withdrawalId] : []),
  evolve(row, fact) {
    if (!isWithdrawals(fact)) return row
    const changed = { changedAt: fact.metadata.recordedAt, changedPosition: fact.position }
    if (fact.type === 'WithdrawalRequested') return { ...requested(fact.data), ...changed }
    return row && { ...row, ...step(row, fact), ...changed }
  },
})

type WithdrawalEvent = Extract<WalletEvent, { data: { withdrawalId: string } }>
type WithdrawalFact = Extract<LogFact, { type: WithdrawalEvent['type'] }>

function isWithdrawals(fact: LogFact): fact is WithdrawalFact {
  return 'withdrawalId' in fact.data
}

type Requested = Extract<WithdrawalEvent, { type: 'WithdrawalRequested' }>['data']

function requested({ amount, feeMax, signals, review, at, ...ids }: Requested) {
  return {
    ...ids,
    status: (review ? 'review' : 'approved') satisfies WithdrawalStatus,
    amount: BigInt(amount),
    feeMax: BigInt(feeMax),
    review: { signals },
    reviewedBy: null,
    transactions: { attempts: [] },
    txid: null,
    fee: null,
    blockHash: null,
    height: null,
    reason: null,
    requestedAt: at,
  }
}

type Change = Partial<Omit<WithdrawalRow, 'status'>> & { readonly status: WithdrawalStatus }

function step(row: WithdrawalRow, fact: Exclude<WithdrawalFact, { type: 'WithdrawalRequested' }>): Change {
  switch (fact.type) {
    case 'WithdrawalApproved':
      return { status: 'approved', reviewedBy: fact.data.by }
    case 'WithdrawalRejected':
      return { status: 'rejected', reviewedBy: fact.data.by }
    case 'WithdrawalCancelled':
      return { status: 'cancelled' }
    case 'WithdrawalFailed':
      return { status: 'failed', reason: fact.data.reason }
    case 'WithdrawalSigned': {
      const { txid, fee } = fact.data
      const before = row.transactions.attempts as readonly Json[]
      return { status: 'signed', transactions: { attempts: [...before, { txid, fee }] } }
    }
    case 'WithdrawalConfirmed': {
      const { txid, fee, blockHash, height } = fact.data
      return { status: 'confirmed', txid, fee: BigInt(fee), blockHash, height, reason: null }
    }
    case 'WithdrawalUnconfirmed':
      return { status: 'signed', txid: null, fee: null, blockHash: null, height: null, reason: fact.data.reason }
  }
}

export const withdrawals = { name: 'withdrawals', version: 1, tables: { withdrawals: withdrawalTable } } satisfies Projection
