import type { EscrowStatus } from '../domain/escrow/state.ts'
import { type EscrowRow, escrowSummary } from './escrow-summary.ts'
import { type Answer, answer, type NewestPage, type NewestPaging, newest, type ReadDatabase } from './read.ts'

export interface EscrowListing extends NewestPaging {
  /** A wallet on either side. */
  readonly wallet?: string | undefined
  readonly status?: EscrowStatus | undefined
}

export interface EscrowSummaryQueries {
  findEscrow(escrowId: string): Promise<Answer<EscrowRow | undefined>>
  listEscrows(listing: EscrowListing): Promise<Answer<NewestPage<EscrowRow>>>
}

export function escrowSummaryQueries(db: ReadDatabase): EscrowSummaryQueries {
  return {
    async findEscrow(escrowId) {
      const query = db.selectFrom('escrows').selectAll().where('escrowId', '=', escrowId)
      const { value, ...place } = await answer(db, escrowSummary, query)
      return { value: value[0], ...place }
    },
    listEscrows({ wallet, status, ...paging }) {
      const all = db.selectFrom('escrows').selectAll()
      const found = status === undefined ? all : all.where('status', '=', status)
      // Each side has an index of its own, and no wallet is on both.
      const of = (wallet: string) => found.where('client', '=', wallet).unionAll(found.where('provider', '=', wallet))
      return newest(db, escrowSummary, wallet === undefined ? found : of(wallet), ['openedAt', 'escrowId'], paging)
    },
  }
}
