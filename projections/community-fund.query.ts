import type { Contribution } from '../domain/fund/contributions.ts'
import type { ProposalStatus } from '../domain/fund/decider.ts'
import {
  type AllocationRow,
  communityFund,
  type FundContributionRow,
  type FundSweepRow,
  type FundTotalsRow,
  type ProposalRow,
} from './community-fund.ts'
import {
  type Answer,
  answer,
  type NewestPage,
  type NewestPaging,
  newest,
  type Page,
  type Paging,
  pageOf,
  type ReadDatabase,
} from './read.ts'

export interface ProposalListing extends NewestPaging {
  readonly status?: ProposalStatus | undefined
}

/** Contributions behind the last sweep, in the order of the log. */
export interface UnsweptContributions {
  /** −1 before the first sweep. */
  readonly sweptToIndex: number
  readonly contributions: readonly Contribution[]
}

export interface CommunityFundQueries {
  /** Undefined before the first contribution. */
  fund(): Promise<Answer<FundTotalsRow | undefined>>
  /** Paged by their index in the log. */
  fundContributions(paging: Paging): Promise<Answer<Page<FundContributionRow>>>
  /** The first `limit` that are not in the fund yet. */
  unsweptContributions(limit: number): Promise<Answer<UnsweptContributions>>
  /** Paged by their number. */
  fundSweeps(paging: Paging): Promise<Answer<Page<FundSweepRow>>>
  findProposal(proposalId: string): Promise<Answer<ProposalRow | undefined>>
  listProposals(listing: ProposalListing): Promise<Answer<NewestPage<ProposalRow>>>
  /** What was spent on what, by category. */
  allocations(): Promise<Answer<readonly AllocationRow[]>>
}

export function communityFundQueries(db: ReadDatabase): CommunityFundQueries {
  return {
    async fund() {
      const { value, ...place } = await answer(db, communityFund, db.selectFrom('fundTotals').selectAll())
      return { value: value[0], ...place }
    },
    async fundContributions({ limit, after, descending = false, asOf }) {
      const direction = descending ? 'desc' : 'asc'
      let query = db.selectFrom('fundContributions').selectAll()
      if (after !== undefined) query = query.where('index', descending ? '<' : '>', after)
      if (asOf !== undefined) query = query.where('position', '<=', asOf)
      const page = query.orderBy('index', direction).limit(limit + 1)
      const { value, ...place } = await answer(db, communityFund, page, [['index', direction]])
      return { value: pageOf(value, limit, ({ index }) => index), ...place }
    },
    async unsweptContributions(limit) {
      const query = db
        .selectFrom('fundTotals')
        .leftJoin('fundContributions', (join) => join.onRef('index', '>', 'sweptToIndex'))
        .select(['sweptToIndex', 'index', 'escrowId', 'amount'])
        .orderBy('index')
        .limit(limit)
      const { value, ...place } = await answer(db, communityFund, query, [['index', 'asc']])
      const contributions = value.flatMap(({ index, escrowId, amount }) =>
        index === null || escrowId === null || amount === null ? [] : [{ index, escrowId, amount }],
      )
      return { value: { sweptToIndex: value[0]?.sweptToIndex ?? -1, contributions }, ...place }
    },
    async fundSweeps({ limit, after, descending = false, asOf }) {
      const direction = descending ? 'desc' : 'asc'
      let query = db.selectFrom('fundSweeps').selectAll()
      if (after !== undefined) query = query.where('n', descending ? '<' : '>', after)
      if (asOf !== undefined) query = query.where('position', '<=', asOf)
      const { value, ...place } = await answer(db, communityFund, query.orderBy('n', direction).limit(limit + 1), [
        ['n', direction],
      ])
      return { value: pageOf(value, limit, ({ n }) => n), ...place }
    },
    async findProposal(proposalId) {
      const query = db.selectFrom('proposals').selectAll().where('proposalId', '=', proposalId)
      const { value, ...place } = await answer(db, communityFund, query)
      return { value: value[0], ...place }
    },
    listProposals({ status, ...paging }) {
      let query = db.selectFrom('proposals').selectAll()
      if (status !== undefined) query = query.where('status', '=', status)
      return newest(db, communityFund, query, ['proposedAt', 'proposalId'], paging)
    },
    allocations: () =>
      answer(db, communityFund, db.selectFrom('allocations').selectAll().orderBy('category'), [['category', 'asc']]),
  }
}
