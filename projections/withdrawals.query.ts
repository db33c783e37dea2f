import type { WithdrawalStatus } from '../domain/wallet/state.ts'
import { type Answer, answer, type NewestPage, type NewestPaging, newest, type ReadDatabase } from './read.ts'
import { type WithdrawalRow, withdrawals } from './withdrawals.ts'

export interface WithdrawalListing extends NewestPaging {
  readonly wallet?: string | undefined
  readonly status?: WithdrawalStatus | undefined
}

export interface WithdrawalsQueries {
  findWithdrawal(withdrawalId: string): Promise<Answer<WithdrawalRow | undefined>>
  listWithdrawals(listing: WithdrawalListing): Promise<Answer<NewestPage<WithdrawalRow>>>
}

export function withdrawalsQueries(db: ReadDatabase): WithdrawalsQueries {
  return {
    async findWithdrawal(withdrawalId) {
      const query = db.selectFrom('withdrawals').selectAll().where('withdrawalId', '=', withdrawalId)
      const { value, ...place } = await answer(db, withdrawals, query)
      return { value: value[0], ...place }
    },
    listWithdrawals({ wallet, status, ...paging }) {
      let query = db.selectFrom('withdrawals').selectAll()
      if (wallet !== undefined) query = query.where('walletId', '=', wallet)
      if (status !== undefined) query = query.where('status', '=', status)
      return newest(db, withdrawals, query, ['requestedAt', 'withdrawalId'], paging)
    },
  }
}
