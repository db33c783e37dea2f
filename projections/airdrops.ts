import type { CampaignStatus } from '../domain/airdrop/state.ts'
import { keyed, type LogFact, type Projection, type RowOf } from './projection.ts'

const campaignColumns = {
  campaignId: 'text',
  label: 'text',
  by: 'text',
  /** `announced`, `cancelled`, `funded`, `closed`, `published` or `settled`. */
  status: 'text',
  policyVersion: 'integer',
  rules: 'json',
  budget: 'amount',
  proposalId: 'text?',
  /** Of the publication; null before it. */
  fromIndex: 'integer?',
  toIndex: 'integer?',
  considered: 'integer?',
  allotted: 'integer?',
  allottedAmount: 'amount?',
  listDigest: 'text?',
  reportDigest: 'text?',
  root: 'text?',
  claimsUntil: 'instant?',
  /** Claims so far, and what they come to. */
  claims: 'integer',
  claimedAmount: 'amount',
  appeals: 'integer',
  openAppeals: 'integer',
  awardedAmount: 'amount',
  /** Payouts on their way or paid, and what they come to; of them, what came into wallets. */
  batches: 'integer',
  payouts: 'integer',
  releasedAmount: 'amount',
  creditedAmount: 'amount',
  returned: 'amount?',
  announcedAt: 'instant',
  publishedAt: 'instant?',
  changedAt: 'instant',
  changedPosition: 'position',
} as const

export type CampaignRow = RowOf<typeof campaignColumns>

/** Airdrops, each with its rules and where its money is. */
const campaigns = keyed({
  columns: campaignColumns,
  key: 'campaignId',
  indexes: [['status', 'announcedAt', 'campaignId'], ['announcedAt', 'campaignId'], ['listDigest']],
  keys: campaignsOf,
  evolve(row, fact, campaignId) {
    const { recordedAt } = fact.metadata
    const changed = { changedAt: recordedAt, changedPosition: fact.position }
    if (fact.type === 'CampaignAnnounced') {
      const { label, by, policyVersion, rules } = fact.data
      const own = { campaignId, label, by, policyVersion, rules, budget: BigInt(rules.budget) }
      return { ...own, ...status('announced'), ...nothingYet, announcedAt: recordedAt, ...changed }
    }
    return row && { ...row, ...changeOf(row, fact), ...changed }
  },
})

const status = (status: CampaignStatus) => ({ status })

const nothingYet = {
  proposalId: null,
  fromIndex: null,
  toIndex: null,
  considered: null,
  allotted: null,
  allottedAmount: null,
  listDigest: null,
  reportDigest: null,
  root: null,
  claimsUntil: null,
  claims: 0,
  claimedAmount: 0n,
  appeals: 0,
  openAppeals: 0,
  awardedAmount: 0n,
  batches: 0,
  payouts: 0,
  releasedAmount: 0n,
  creditedAmount: 0n,
  returned: null,
  publishedAt: null,
}

function campaignsOf({ type, data }: LogFact): readonly string[] {
  if (type === 'CreditPosted') return data.source.kind === 'airdrop' ? [data.source.campaignId] : []
  // What the fund takes back is the fund's.
  return 'campaignId' in data && type !== 'SpendingReturned' ? [data.campaignId] : []
}

function changeOf(row: CampaignRow, { type, data, metadata }: LogFact): Partial<CampaignRow> {
  switch (type) {
    case 'CampaignCancelled':
      return status('cancelled')
    case 'CampaignFunded':
      return { ...status('funded'), proposalId: data.proposalId }
    case 'WindowClosed':
      return status('closed')
    case 'AllotmentsPublished': {
      const { campaignId: _, amount, ...published } = data
      return { ...status('published'), ...published, allottedAmount: BigInt(amount), publishedAt: metadata.recordedAt }
    }
    case 'AllotmentClaimed':
      return { claims: row.claims + 1, claimedAmount: row.claimedAmount + BigInt(data.amount) }
    case 'AppealFiled':
      return { appeals: row.appeals + 1, openAppeals: row.openAppeals + 1 }
    case 'AppealAnswered':
      return { openAppeals: row.openAppeals - 1, awardedAmount: row.awardedAmount + BigInt(data.award) }
    case 'PayoutsReleased': {
      const amount = data.payouts.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
      return { batches: data.n, payouts: row.payouts + data.payouts.length, releasedAmount: row.releasedAmount + amount }
    }
    case 'CreditPosted':
      return { creditedAmount: row.creditedAmount + BigInt(data.amount) }
    case 'CampaignSettled':
      return { ...status('settled'), returned: BigInt(data.returned) }
    default:
      return {}
  }
}

const allotmentColumns = {
  /** `<campaignId>:<nodeId>`. */
  id: 'text',
  campaignId: 'text',
  nodeId: 'text',
  /** 0 where it is not on the list. */
  amount: 'amount',
  walletId: 'text?',
  claimedAt: 'instant?',
  /** When it came into the wallet. */
  paidAt: 'instant?',
  appealedAt: 'instant?',
  /** Commits to what the appeal says. */
  statement: 'text?',
  appealWalletId: 'text?',
  /** By arbiter: what each would give. */
  votes: 'json?',
  /** What arbiters gave, 0 for nothing; null while it is open. */
  award: 'amount?',
  answeredAt: 'instant?',
  awardPaidAt: 'instant?',
  changedPosition: 'position',
} as const

export type AllotmentRow = RowOf<typeof allotmentColumns>

/** What a node got of an airdrop, or asked for: one row for each that is on the list or has appealed. */
const allotments = keyed({
  columns: allotmentColumns,
  key: 'id',
  indexes: [
    ['campaignId', 'nodeId'],
    ['nodeId', 'campaignId'],
  ],
  keys({ type, data }) {
    switch (type) {
      case 'AllotmentsListed':
        return data.allotments.map(({ nodeId }) => allotmentId(data.campaignId, nodeId))
      case 'AllotmentClaimed':
      case 'AppealFiled':
      case 'AppealVoted':
      case 'AppealAnswered':
        return [allotmentId(data.campaignId, data.nodeId)]
      case 'CreditPosted':
        return data.source.kind === 'airdrop' ? [allotmentId(data.source.campaignId, data.source.nodeId)] : []
      default:
        return []
    }
  },
  evolve(row, fact, id) {
    const [campaignId, nodeId] = id.split(':') as [string, string]
    const before = row ?? { id, campaignId, nodeId, ...notAsked }
    return { ...before, ...allotmentChange(before, fact), changedPosition: fact.position }
  },
})

export const allotmentId = (campaignId: string, nodeId: string) => `${campaignId}:${nodeId}`

const notAsked = {
  amount: 0n,
  walletId: null,
  claimedAt: null,
  paidAt: null,
  appealedAt: null,
  statement: null,
  appealWalletId: null,
  votes: null,
  award: null,
  answeredAt: null,
  awardPaidAt: null,
}

function allotmentChange(
  row: Pick<AllotmentRow, 'nodeId' | 'votes'>,
  { type, data, metadata: { recordedAt } }: LogFact,
): Partial<AllotmentRow> {
  switch (type) {
    case 'AllotmentsListed':
      return { amount: BigInt(data.allotments.find(({ nodeId }) => nodeId === row.nodeId)!.amount) }
    case 'AllotmentClaimed':
      return { walletId: data.walletId, claimedAt: recordedAt }
    case 'AppealFiled':
      return { appealedAt: recordedAt, statement: data.statement, appealWalletId: data.walletId, votes: {} }
    case 'AppealVoted':
      return { votes: { ...row.votes, [data.by]: data.award } }
    case 'AppealAnswered':
      return { award: BigInt(data.award), answeredAt: recordedAt }
    case 'CreditPosted':
      return data.source.kind === 'airdrop' && data.source.leg === 'award' ? { awardPaidAt: recordedAt } : { paidAt: recordedAt }
    default:
      return {}
  }
}

export const airdrops = { name: 'airdrops', version: 1, tables: { campaigns, allotments } } satisfies Projection
