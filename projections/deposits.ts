import { depositKey } from '../domain/wallet/state.ts'
import { keyed, type Projection, type TableRow } from './projection.ts'

/** What came into wallets from outside: over the chain, or on a test network out of nothing. */
const depositTable = keyed({
  columns: {
    /** `txid:vout`, or the command that issued test money. */
    deposit: 'text',
    walletId: 'text',
    /** `chain` or `test`. */
    origin: 'text',
    amount: 'amount',
    /** `credited`; `reversed` when the chain took it back. */
    status: 'text',
    blockHash: 'text?',
    height: 'integer?',
    /** Why it was reversed, and how much of it had been spent by then. */
    reason: 'text?',
    shortfall: 'amount',
    /** First of all, and last. */
    creditedAt: 'instant',
    changedAt: 'instant',
    changedPosition: 'position',
  },
  key: 'deposit',
  indexes: [
    ['walletId', 'creditedAt', 'deposit'],
    ['creditedAt', 'deposit'],
  ],
  keys({ type, data }) {
    if (type === 'TestDepositIssued') return [data.depositId]
    return type === 'DepositCredited' || type === 'DepositReversed' ? [depositKey(data)] : []
  },
  evolve(row, { type, data, metadata, position }, deposit) {
    const changed = { changedAt: metadata.recordedAt, changedPosition: position }
    const creditedAt = row?.creditedAt ?? metadata.recordedAt
    const credited = { deposit, status: 'credited', reason: null, shortfall: 0n, creditedAt, ...changed }
    switch (type) {
      case 'TestDepositIssued': {
        const { walletId, amount } = data
        return { walletId, origin: 'test', amount: BigInt(amount), blockHash: null, height: null, ...credited }
      }
      case 'DepositCredited': {
        const { walletId, amount, blockHash, height } = data
        return { walletId, origin: 'chain', amount: BigInt(amount), blockHash, height, ...credited }
      }
      case 'DepositReversed':
        return row && { ...row, status: 'reversed', reason: data.reason, shortfall: BigInt(data.fromShortfall), ...changed }
      default:
        return row
    }
  },
})

export type DepositRow = TableRow<typeof depositTable>

export const deposits = { name: 'deposits', version: 1, tables: { deposits: depositTable } } satisfies Projection
