import { type Expression, sql } from 'kysely'
import type { EscrowStatus } from '../domain/escrow/state.ts'
import { type EscrowRow, escrowSummary } from './escrow-summary.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'

export interface EscrowListing {
  /** A wallet on either side. */
  readonly wallet?: string | undefined
  readonly status?: EscrowStatus | undefined
  readonly limit: number
  /** The `next` of the page before, of the same filter. */
  readonly after?: EscrowPlace | undefined
}

/** The last escrow of a page: the newest come first. */
export interface EscrowPlace {
  readonly openedAt: string
  readonly escrowId: string
}

export interface EscrowPage {
  readonly escrows: readonly EscrowRow[]
  readonly next: EscrowPlace | undefined
}

export interface EscrowSummaryQueries {
  findEscrow(escrowId: string): Promise<Answer<EscrowRow | undefined>>
  listEscrows(listing: EscrowListing): Promise<Answer<EscrowPage>>
}

export function escrowSummaryQueries(db: ReadDatabase): EscrowSummaryQueries {
  return {
    async findEscrow(escrowId) {
      const query = db.selectFrom('escrows').selectAll().where('escrowId', '=', escrowId)
      const { value, ...place } = await answer(db, escrowSummary, query)
      return { value: value[0], ...place }
    },
    async listEscrows(listing) {
      const { limit } = listing
      const { value, ...place } = await answer(db, escrowSummary, pageOf(db, listing), [
        ['openedAt', 'desc'],
        ['escrowId', 'desc'],
      ])
      const escrows = value.slice(0, limit)
      const last = escrows.at(-1)
      const next = value.length > limit ? last && { openedAt: last.openedAt, escrowId: last.escrowId } : undefined
      return { value: { escrows, next }, ...place }
    },
  }
}

/** A page and one more. Each side of an escrow has an index of its own, and no wallet is on both. */
function pageOf(db: ReadDatabase, { wallet, status, limit, after }: EscrowListing): Expression<EscrowRow> {
  const newest = (side?: 'client' | 'provider') => {
    let query = db.selectFrom('escrows').selectAll()
    if (side && wallet !== undefined) query = query.where(side, '=', wallet)
    if (status !== undefined) query = query.where('status', '=', status)
    if (after) query = query.where(sql<boolean>`("openedAt", "escrowId") < (${after.openedAt}, ${after.escrowId})`)
    return query
      .orderBy('openedAt', 'desc')
      .orderBy('escrowId', 'desc')
      .limit(limit + 1)
  }
  if (wallet === undefined) return newest()
  const both = db
    .selectFrom(newest('client').as('asClient'))
    .selectAll()
    .unionAll(db.selectFrom(newest('provider').as('asProvider')).selectAll())
  return db
    .selectFrom(both.as('both'))
    .selectAll()
    .orderBy('openedAt', 'desc')
    .orderBy('escrowId', 'desc')
    .limit(limit + 1)
}
