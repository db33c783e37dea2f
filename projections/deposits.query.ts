import { type DepositRow, deposits } from './deposits.ts'
import { type Answer, answer, type NewestPage, type NewestPaging, newest, type ReadDatabase } from './read.ts'

export interface DepositListing extends NewestPaging {
  readonly wallet?: string | undefined
}

export interface DepositsQueries {
  /** By `txid:vout`, or by the command that issued test money. */
  findDeposit(deposit: string): Promise<Answer<DepositRow | undefined>>
  listDeposits(listing: DepositListing): Promise<Answer<NewestPage<DepositRow>>>
}

export function depositsQueries(db: ReadDatabase): DepositsQueries {
  return {
    async findDeposit(deposit) {
      const query = db.selectFrom('deposits').selectAll().where('deposit', '=', deposit)
      const { value, ...place } = await answer(db, deposits, query)
      return { value: value[0], ...place }
    },
    listDeposits({ wallet, ...paging }) {
      let query = db.selectFrom('deposits').selectAll()
      if (wallet !== undefined) query = query.where('walletId', '=', wallet)
      return newest(db, deposits, query, ['creditedAt', 'deposit'], paging)
    },
  }
}
