import { type ChainWithdrawalRow, chainWork } from './chain-work.ts'
import { answer, type ReadDatabase } from './read.ts'

/** What the chain's processes read (`ChainWork` in commands/ports.ts says what each means). */
export interface ChainWorkQueries {
  hasWallet(walletId: string): Promise<boolean>
  withdrawals(status: Withdrawal['status'], limit: number): Promise<readonly Withdrawal[]>
  withdrawalsById(ids: readonly string[]): Promise<readonly Withdrawal[]>
  deposits(keys: readonly string[]): Promise<ReadonlyMap<string, Deposit>>
  anchors(limit: number): Promise<readonly Anchor[]>
  holdings(): Promise<bigint>
  differences(): Promise<readonly string[]>
}

interface Withdrawal extends Omit<ChainWithdrawalRow, 'status'> {
  readonly status: 'review' | 'approved' | 'signed' | 'confirmed' | 'rejected' | 'cancelled' | 'failed'
}

interface Deposit {
  readonly txid: string
  readonly vout: number
  readonly walletId: string
  readonly credited: boolean
  readonly credits: number
}

interface Anchor {
  readonly kind: 'deposit' | 'withdrawal'
  readonly key: string
  readonly walletId: string
  readonly txid: string
  readonly block: { readonly hash: string; readonly height: number }
}

export function chainWorkQueries(db: ReadDatabase): ChainWorkQueries {
  const withdrawals = db
    .selectFrom('chainWithdrawals')
    .select(['withdrawalId', 'walletId', 'amount', 'feeMax', 'destination', 'requestedAt', 'status', 'txids', 'confirms'])
  const read = async (query: typeof withdrawals) =>
    (await answer(db, chainWork, query, [['requestedAt', 'asc']])).value as unknown as Withdrawal[]

  return {
    async hasWallet(walletId) {
      const { value } = await answer(db, chainWork, db.selectFrom('chainWallets').selectAll().where('walletId', '=', walletId))
      return value.length > 0
    },

    withdrawals: (status, limit) => read(withdrawals.where('status', '=', status).orderBy('requestedAt').limit(limit)),
    withdrawalsById: async (ids) => (ids.length ? read(withdrawals.where('withdrawalId', 'in', ids)) : []),

    async deposits(keys) {
      if (!keys.length) return new Map()
      const rows = db
        .selectFrom('chainDeposits')
        .select(['deposit', 'walletId', 'credited', 'credits'])
        .where('deposit', 'in', keys)
      const { value } = await answer(db, chainWork, rows)
      return new Map(value.map(({ deposit, ...row }) => [deposit, { ...row, ...outpointOf(deposit) }]))
    },

    async anchors(limit) {
      const rows = db.selectFrom('chainAnchors').selectAll().orderBy('height', 'desc').orderBy('anchor').limit(limit)
      const { value } = await answer(db, chainWork, rows, [
        ['height', 'desc'],
        ['anchor', 'asc'],
      ])
      return value.map(({ anchor, walletId, txid, blockHash, height }) => {
        const [kind, ...key] = anchor.split(':')
        return { kind: kind as Anchor['kind'], key: key.join(':'), walletId, txid, block: { hash: blockHash, height } }
      })
    },

    async holdings() {
      const { value } = await answer(db, chainWork, db.selectFrom('chainHoldings').select('amount'))
      return value[0]?.amount ?? 0n
    },

    async differences() {
      const { value } = await answer(db, chainWork, db.selectFrom('chainDifferences').select('subject'))
      return value.map(({ subject }) => subject)
    },
  }
}

function outpointOf(deposit: string): { txid: string; vout: number } {
  const [txid, vout] = deposit.split(':')
  return { txid: txid!, vout: Number(vout) }
}
