import { contributionOf } from '../domain/fund/contributions.ts'
import { fundId, type ProposalStatus } from '../domain/fund/decider.ts'
import { appended, keyed, type LogFact, type Projection, type RowOf, type TableRow } from './projection.ts'

const totalsColumns = {
  fund: 'text',
  /** Swept and not spent: what can be spent now. */
  balance: 'amount',
  swept: 'amount',
  spent: 'amount',
  /** Of what was spent, what airdrops gave back. */
  returned: 'amount',
  /** Contributed and not swept yet. */
  pending: 'amount',
  contributions: 'integer',
  sweeps: 'integer',
  /** Index in the log up to which contributions were swept; −1 before the first sweep. */
  sweptToIndex: 'integer',
  /** Of the last event of the fund, and of its last contribution. */
  changedIndex: 'integer',
  changedPosition: 'position',
} as const

export type FundTotalsRow = RowOf<typeof totalsColumns>

/** The fund in one row. */
const fundTotals = keyed({
  columns: totalsColumns,
  key: 'fund',
  keys: (fact) => (contributionOf(fact) || isFunds(fact) ? [fundId] : []),
  evolve(before, fact, fund) {
    const row = before ?? { fund, ...nothingYet }
    return { ...row, ...changeOf(row, fact), changedIndex: fact.index, changedPosition: fact.position }
  },
})

const nothingYet = {
  balance: 0n,
  swept: 0n,
  spent: 0n,
  returned: 0n,
  pending: 0n,
  contributions: 0,
  sweeps: 0,
  sweptToIndex: -1,
  changedIndex: -1,
  changedPosition: -1n,
}

function changeOf(row: FundTotalsRow, fact: LogFact): Partial<FundTotalsRow> {
  const contribution = contributionOf(fact)
  if (contribution) return { pending: row.pending + contribution.amount, contributions: row.contributions + 1 }
  if (fact.type === 'ContributionsSwept') {
    const { n, toIndex } = fact.data
    const amount = BigInt(fact.data.amount)
    const { balance, swept, pending } = row
    return { balance: balance + amount, swept: swept + amount, pending: pending - amount, sweeps: n, sweptToIndex: toIndex }
  }
  if (fact.type === 'SpendingReturned') {
    const amount = BigInt(fact.data.amount)
    return { balance: row.balance + amount, returned: row.returned + amount }
  }
  if (fact.type !== 'SpendingExecuted.v2') return {}
  const amount = BigInt(fact.data.amount)
  return { balance: row.balance - amount, spent: row.spent + amount }
}

function isFunds({ type }: LogFact): boolean {
  return (
    type === 'ContributionsSwept' ||
    type === 'SpendingProposed.v2' ||
    type === 'SpendingApproved' ||
    type === 'ProposalWithdrawn' ||
    type === 'SpendingExecuted.v2' ||
    type === 'SpendingReturned'
  )
}

const fundContributions = appended({
  columns: {
    /** Of the event that gave it, in the log. */
    index: 'integer',
    escrowId: 'text',
    amount: 'amount',
    recordedAt: 'instant',
    position: 'position',
  },
  key: ['index'],
  ascending: true,
  rows(fact) {
    const contribution = contributionOf(fact)
    const { index, metadata, position } = fact
    return contribution ? [{ index, ...contribution, recordedAt: metadata.recordedAt, position }] : []
  },
})

export type FundContributionRow = TableRow<typeof fundContributions>

const fundSweeps = appended({
  columns: {
    /** The nth sweep. */
    n: 'integer',
    fromIndex: 'integer',
    toIndex: 'integer',
    count: 'integer',
    amount: 'amount',
    listDigest: 'text',
    recordedAt: 'instant',
    position: 'position',
  },
  key: ['n'],
  ascending: true,
  rows: ({ type, data, metadata: { recordedAt }, position }) =>
    type === 'ContributionsSwept' ? [{ ...data, amount: BigInt(data.amount), recordedAt, position }] : [],
})

export type FundSweepRow = TableRow<typeof fundSweeps>

const proposals = keyed({
  columns: {
    proposalId: 'text',
    /** `proposed`, `executed` or `withdrawn`. */
    status: 'text',
    /** {kind, id}: the wallet or the airdrop that is to be paid. */
    to: 'json',
    amount: 'amount',
    category: 'text',
    purpose: 'text',
    by: 'text',
    expiresAt: 'instant',
    /** {members, threshold}. */
    stewards: 'json',
    /** Keys, in the order in which they approved. */
    approvals: 'list',
    /** When it came to whom it is for. */
    creditedAt: 'instant?',
    /** What of it has come back. */
    returned: 'amount',
    proposedAt: 'instant',
    changedAt: 'instant',
    changedPosition: 'position',
  },
  key: 'proposalId',
  indexes: [
    ['status', 'proposedAt', 'proposalId'],
    ['proposedAt', 'proposalId'],
  ],
  keys: ({ type, data }) => {
    if (type === 'CreditPosted') return data.source.kind === 'spending' ? [data.source.proposalId] : []
    return 'proposalId' in data ? [data.proposalId] : []
  },
  evolve(row, fact) {
    const { recordedAt } = fact.metadata
    const changed = { changedAt: recordedAt, changedPosition: fact.position }
    switch (fact.type) {
      case 'SpendingProposed.v2': {
        const { to, ...data } = fact.data
        const nothingYet = { approvals: [], creditedAt: null, returned: 0n, proposedAt: recordedAt }
        return { ...data, to: { ...to }, amount: BigInt(data.amount), ...status('proposed'), ...nothingYet, ...changed }
      }
      case 'SpendingApproved':
        return row && { ...row, approvals: [...row.approvals, fact.data.by], ...changed }
      case 'ProposalWithdrawn':
        return row && { ...row, ...status('withdrawn'), ...changed }
      case 'SpendingExecuted.v2':
        return row && { ...row, ...status('executed'), ...changed }
      case 'SpendingReturned':
        return row && { ...row, returned: BigInt(fact.data.amount), ...changed }
      case 'CreditPosted':
      case 'CampaignFunded':
      case 'FundingReturned':
        return row && { ...row, creditedAt: recordedAt, ...changed }
      default:
        return row
    }
  },
})

function status(status: ProposalStatus) {
  return { status }
}

export type ProposalRow = TableRow<typeof proposals>

/** What was spent on what. */
const allocations = keyed({
  columns: {
    category: 'text',
    /** Executed so far. */
    spendings: 'integer',
    amount: 'amount',
    lastAt: 'instant',
    changedPosition: 'position',
  },
  key: 'category',
  keys: ({ type, data }) => (type === 'SpendingExecuted.v2' ? [data.category] : []),
  evolve(row, { type, data, metadata, position }, category) {
    if (type !== 'SpendingExecuted.v2') return row
    const { spendings, amount } = row ?? { spendings: 0, amount: 0n }
    const spent = { spendings: spendings + 1, amount: amount + BigInt(data.amount) }
    return { category, ...spent, lastAt: metadata.recordedAt, changedPosition: position }
  },
})

export type AllocationRow = TableRow<typeof allocations>

export const communityFund = {
  name: 'community-fund',
  version: 2,
  tables: { fundTotals, fundContributions, fundSweeps, proposals, allocations },
} satisfies Projection
