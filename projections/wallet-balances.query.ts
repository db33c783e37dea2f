import { sql } from 'kysely'
import { batched } from './batched.ts'
import { type Answer, answer, type NewestPage, type NewestPaging, newest, type ReadDatabase } from './read.ts'
import { type WalletRow, walletBalances } from './wallet-balances.ts'

/** A wallet as the API shows it. */
export interface WalletView extends Omit<WalletRow, 'reserved'> {
  /** `posted - held`: what can be spent. */
  readonly available: bigint
}

export interface WalletListing extends NewestPaging {
  /** The key that speaks for them now. */
  readonly owner?: string | undefined
}

export interface WalletBalancesQueries {
  findWallet(walletId: string): Promise<Answer<WalletView | undefined>>
  listWallets(listing: WalletListing): Promise<Answer<NewestPage<WalletView>>>
}

export function walletBalancesQueries(db: ReadDatabase): WalletBalancesQueries {
  const findWallet = batched(async (walletIds: readonly string[]) => {
    const query = db.selectFrom('wallets').selectAll().where('walletId', '=', sql<string>`any(${walletIds})`)
    const { value, ...place } = await answer(db, walletBalances, query)
    const found = new Map(value.map((row) => [row.walletId, row]))
    return (walletId: string) => {
      const row = found.get(walletId)
      return { value: row && walletView(row), ...place }
    }
  })
  return {
    findWallet,
    async listWallets({ owner, ...paging }) {
      let query = db.selectFrom('wallets').selectAll()
      if (owner !== undefined) query = query.where('owner', '=', owner)
      const { value, ...place } = await newest(db, walletBalances, query, ['openedAt', 'walletId'], paging)
      return { value: { ...value, items: value.items.map(walletView) }, ...place }
    },
  }
}

/** A row of the wallets as the API shows it. */
export function walletView({ reserved: _, ...row }: WalletRow): WalletView {
  return { ...row, available: row.posted - row.held }
}
