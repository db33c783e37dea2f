import { postingsOf } from '../domain/ledger.ts'
import { depositKey } from '../domain/wallet/state.ts'
import { keyed, type Projection, type TableRow } from './projection.ts'

/** Wallets that there are. */
const chainWallets = keyed({
  columns: { walletId: 'text' },
  key: 'walletId',
  keys: ({ type, data }) => (type === 'WalletOpened' ? [data.walletId] : []),
  evolve: (_row, _fact, walletId) => ({ walletId }),
})

/** Deposits over the chain, and whether they count. */
const chainDeposits = keyed({
  columns: {
    /** `txid:vout`. */
    deposit: 'text',
    walletId: 'text',
    credited: 'boolean',
    /** How often it was credited. */
    credits: 'integer',
  },
  key: 'deposit',
  keys: ({ type, data }) => (type === 'DepositCredited' || type === 'DepositReversed' ? [depositKey(data)] : []),
  evolve(row, { type, data }, deposit) {
    if (type === 'DepositReversed') return row && { ...row, credited: false }
    if (type !== 'DepositCredited') return row
    return { deposit, walletId: data.walletId, credited: true, credits: (row?.credits ?? 0) + 1 }
  },
})

/** Withdrawals, from the request to the block that pays them. */
const chainWithdrawals = keyed({
  columns: {
    withdrawalId: 'text',
    walletId: 'text',
    amount: 'amount',
    feeMax: 'amount',
    destination: 'text',
    requestedAt: 'instant',
    /** `review`, `approved`, `signed`, `confirmed`, `rejected`, `cancelled` or `failed`. */
    status: 'text',
    /** Of each recorded attempt, in their order. */
    txids: 'list',
    /** How often it was confirmed. */
    confirms: 'integer',
  },
  key: 'withdrawalId',
  indexes: [['status', 'requestedAt']],
  keys: ({ type, data }) => (type.startsWith('Withdrawal') && 'withdrawalId' in data ? [data.withdrawalId] : []),
  evolve(row, { type, data }) {
    if (type === 'WithdrawalRequested') {
      const { withdrawalId, walletId, destination, at: requestedAt } = data
      const money = { amount: BigInt(data.amount), feeMax: BigInt(data.feeMax) }
      const status = data.review ? 'review' : 'approved'
      return { withdrawalId, walletId, ...money, destination, requestedAt, status, txids: [], confirms: 0 }
    }
    if (!row) return row
    switch (type) {
      case 'WithdrawalApproved':
        return { ...row, status: 'approved' }
      case 'WithdrawalRejected':
        return { ...row, status: 'rejected' }
      case 'WithdrawalCancelled':
        return { ...row, status: 'cancelled' }
      case 'WithdrawalFailed':
        return { ...row, status: 'failed' }
      case 'WithdrawalSigned':
        return { ...row, status: 'signed', txids: [...row.txids, data.txid] }
      case 'WithdrawalConfirmed':
        return { ...row, status: 'confirmed', confirms: row.confirms + 1 }
      case 'WithdrawalUnconfirmed':
        return { ...row, status: 'signed' }
      default:
        return row
    }
  },
})

/** What the log says that blocks hold: credited deposits and confirmed withdrawals. */
const chainAnchors = keyed({
  columns: {
    /** `deposit:<txid>:<vout>` or `withdrawal:<id>`. */
    anchor: 'text',
    walletId: 'text',
    txid: 'text',
    blockHash: 'text',
    height: 'integer',
  },
  key: 'anchor',
  indexes: [['height']],
  keys: ({ type, data }) =>
    type === 'DepositCredited' || type === 'DepositReversed'
      ? [`deposit:${depositKey(data)}`]
      : type === 'WithdrawalConfirmed' || type === 'WithdrawalUnconfirmed'
        ? [`withdrawal:${data.withdrawalId}`]
        : [],
  evolve(_, { type, data }, anchor) {
    if (type !== 'DepositCredited' && type !== 'WithdrawalConfirmed') return null
    const { walletId, txid, blockHash, height } = data
    return { anchor, walletId, txid, blockHash, height }
  },
})

const treasury = 'treasury'

/** What the treasury must hold by the ledger: one row. */
const chainHoldings = keyed({
  columns: { name: 'text', amount: 'amount' },
  key: 'name',
  keys: (fact) => (outflow(fact) === 0n ? [] : [treasury]),
  evolve: (row, fact, name) => ({ name, amount: (row?.amount ?? 0n) - outflow(fact) }),
})

/** Units that an event takes from the treasury, negative for those that it brings. */
function outflow(fact: Parameters<typeof postingsOf>[0]): bigint {
  return postingsOf(fact)
    .filter(({ account }) => account === 'outside:chain' || account === 'fees:chain')
    .reduce((sum, { amount }) => sum + amount, 0n)
}

/** Where ledger and chain disagree, until they agree again. */
const chainDifferences = keyed({
  columns: { subject: 'text', differenceId: 'text', expected: 'amount', actual: 'amount', foundAt: 'instant' },
  key: 'subject',
  keys: ({ type, data }) => (type === 'DifferenceFound' || type === 'DifferenceClosed' ? [data.subject] : []),
  evolve(row, { type, data }, subject) {
    if (type === 'DifferenceClosed') return null
    if (type !== 'DifferenceFound') return row
    const { differenceId, expected, actual, at } = data
    return { subject, differenceId, expected: BigInt(expected), actual: BigInt(actual), foundAt: at }
  },
})

export type ChainWalletRow = TableRow<typeof chainWallets>
export type ChainDepositRow = TableRow<typeof chainDeposits>
export type ChainWithdrawalRow = TableRow<typeof chainWithdrawals>
export type ChainAnchorRow = TableRow<typeof chainAnchors>
export type ChainHoldingsRow = TableRow<typeof chainHoldings>
export type ChainDifferenceRow = TableRow<typeof chainDifferences>

/** What the chain's processes have to do, and what they compare the chain with. */
export const chainWork = {
  name: 'chain-work',
  version: 1,
  tables: { chainWallets, chainDeposits, chainWithdrawals, chainAnchors, chainHoldings, chainDifferences },
} satisfies Projection
