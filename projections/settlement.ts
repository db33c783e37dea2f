// What the settlement process has to do (design.md 12 and 13). A row is an open item: its cause opens it, its effect deletes it.
import type { EscrowStatus, waitingStatuses } from '../domain/escrow/state.ts'
import type { CreditSource } from '../domain/wallet/events.ts'
import { sourceKey } from '../domain/wallet/state.ts'
import { keyed, type LogFact, type Projection, type RowOf, type TableRow } from './projection.ts'

const escrowColumns = {
  escrowId: 'text',
  /** The client's wallet. */
  client: 'text',
  /** What it waits in; or `expired`, when its hold came too late. */
  status: 'text',
  dueAt: 'instant?',
  /** Since when the client's wallet holds its money; null before, and once the money is in the escrow. */
  heldAt: 'instant?',
  /** What comes next: `fund`, `capture` or `release` the hold at once; `pass_deadline` when it is `at`. */
  step: 'text',
  at: 'instant',
} as const

export type PendingEscrowRow = RowOf<typeof escrowColumns>

export type HoldStep = 'fund' | 'capture' | 'release'
type Status = (typeof waitingStatuses)[number] | (EscrowStatus & 'expired')

/** Escrows that are not over, and holds that came when theirs was. */
const pendingEscrows = keyed({
  columns: escrowColumns,
  key: 'escrowId',
  indexes: [['step', 'at']],
  keys: escrowsOf,
  evolve(row, fact, escrowId) {
    switch (fact.type) {
      case 'EscrowOpened':
        return planned({ escrowId, client: fact.data.client, status: 'open', dueAt: fact.data.dueAt, heldAt: null })
      case 'HoldPlaced': {
        // An escrow has one hold in its life: where it left no row, it had expired without.
        const { walletId: client } = fact.data
        const pending = row ?? { escrowId, client, status: 'expired' satisfies Status, dueAt: null }
        return planned({ ...pending, heldAt: fact.metadata.recordedAt })
      }
      case 'HoldCaptured':
        return row && planned({ ...row, heldAt: null })
      case 'EscrowFunded':
        return moved(row, 'funded', fact.data.dueAt)
      case 'EscrowStarted':
        return moved(row, 'in_progress', fact.data.dueAt)
      case 'EscrowDelivered':
        return moved(row, 'delivered', fact.data.dueAt)
      case 'EscrowDisputed':
        return moved(row, 'disputed', fact.data.dueAt)
      case 'EscrowExpired':
        return row?.heldAt ? moved(row, 'expired', null) : null
      default:
        // Whatever pays an escrow out came when its money was in it: nothing is left to do.
        return null
    }
  },
})

/** The escrows that an event is a step of; none for most. */
function escrowsOf({ type, data }: LogFact): readonly string[] {
  switch (type) {
    case 'HoldPlaced':
    case 'HoldCaptured':
    case 'HoldReleased':
      return [data.holdId]
    case 'EscrowOpened':
    case 'EscrowFunded':
    case 'EscrowStarted':
    case 'EscrowDelivered':
    case 'EscrowDisputed':
    case 'EscrowReleased':
    case 'EscrowRefunded':
    case 'EscrowResolved':
    case 'EscrowExpired':
      return [data.escrowId]
    default:
      return []
  }
}

function moved(row: PendingEscrowRow | null, status: Status, dueAt: string | null): PendingEscrowRow | null {
  return row && planned({ ...row, status, dueAt })
}

/** An escrow with what comes next: as long as its money is on the way, no time runs out. */
function planned(escrow: Omit<PendingEscrowRow, 'step' | 'at'>): PendingEscrowRow {
  const { status, heldAt, dueAt } = escrow
  if (heldAt === null) return { ...escrow, step: 'pass_deadline', at: dueAt! }
  const step: HoldStep = status === 'open' ? 'fund' : status === 'expired' ? 'release' : 'capture'
  return { ...escrow, step, at: heldAt }
}

const creditColumns = {
  /** What makes it the same credit: `sourceKey`. */
  credit: 'text',
  source: 'json',
  /** The wallet that is to have it. */
  walletId: 'text',
  owedAt: 'instant',
} as const

export type OwedCreditRow = RowOf<typeof creditColumns>

/** Money that left one account and has not come into a wallet yet. */
const owedCredits = keyed({
  columns: creditColumns,
  key: 'credit',
  indexes: [['owedAt']],
  keys: (fact) =>
    fact.type === 'CreditPosted' ? [sourceKey(fact.data.source)] : debtsOf(fact).map(({ source }) => sourceKey(source)),
  evolve(_row, fact, credit) {
    const debt = debtsOf(fact).find(({ source }) => sourceKey(source) === credit)
    return debt ? { credit, source: { ...debt.source }, walletId: debt.to, owedAt: fact.metadata.recordedAt } : null
  },
})

interface Debt {
  readonly source: CreditSource
  readonly to: string
}

/** What an event owes to wallets; nothing for most. */
function debtsOf({ type, data }: LogFact): readonly Debt[] {
  switch (type) {
    case 'EscrowReleased':
      return legsOf(data.escrowId, [['provider', data.provider, data.providerAmount]])
    case 'EscrowPartlyRefunded':
      return legsOf(data.escrowId, [[`refund-${data.n}`, data.client, data.amount]])
    case 'EscrowRefunded':
      return legsOf(data.escrowId, [['refund', data.client, data.amount]])
    case 'EscrowResolved':
      return legsOf(data.escrowId, [
        ['provider', data.provider, data.providerAmount],
        ['refund', data.client, data.clientAmount],
      ])
    case 'TransferSent':
      return [{ source: { kind: 'transfer', transferId: data.transferId, from: data.walletId }, to: data.to }]
    case 'SpendingExecuted.v2':
      return data.to.kind === 'wallet' ? [{ source: { kind: 'spending', proposalId: data.proposalId }, to: data.to.id }] : []
    case 'PayoutsReleased':
      return data.payouts.map(({ nodeId, leg, walletId }) => ({
        source: { kind: 'airdrop', campaignId: data.campaignId, nodeId, leg },
        to: walletId,
      }))
    default:
      return []
  }
}

/** A leg of 0 does not exist. */
function legsOf(escrowId: string, legs: readonly (readonly [leg: string, to: string, amount: string])[]): readonly Debt[] {
  return legs.flatMap(([leg, to, amount]) => (amount === '0' ? [] : [{ source: { kind: 'escrow', escrowId, leg }, to }]))
}

const campaignColumns = {
  campaignId: 'text',
  /** Of the list that are in the log. */
  pages: 'integer',
  /** Of the list; null before. */
  claimsUntil: 'instant?',
  /** Claimed or awarded, and not on its way; batches so far. */
  unpaid: 'integer',
  batches: 'integer',
  openAppeals: 'integer',
  /** What comes next, when it is `at`: `close` its window, `publish` its list, `release` payouts, `settle` it; nothing while it waits for `appeals`. */
  step: 'text',
  at: 'instant',
} as const

export type PendingCampaignRow = RowOf<typeof campaignColumns>
export type CampaignStep = 'close' | 'publish' | 'release' | 'settle'

/** Airdrops that are not over. */
const pendingCampaigns = keyed({
  columns: campaignColumns,
  key: 'campaignId',
  indexes: [['step', 'at']],
  keys: ({ data }) => ('campaignId' in data ? [data.campaignId] : []),
  evolve(row, fact, campaignId) {
    const { recordedAt } = fact.metadata
    switch (fact.type) {
      case 'CampaignAnnounced': {
        const nothingYet = { pages: 0, claimsUntil: null, unpaid: 0, batches: 0, openAppeals: 0 }
        return { campaignId, ...nothingYet, ...step('close', fact.data.rules.window.to) }
      }
      case 'CampaignCancelled':
      case 'CampaignSettled':
        return null
      case 'WindowClosed':
        return row && { ...row, ...step('publish', recordedAt) }
      case 'AllotmentsListed':
        return row && { ...row, pages: fact.data.n }
      case 'AllotmentsPublished':
        return row && ahead({ ...row, claimsUntil: fact.data.claimsUntil }, recordedAt)
      case 'AllotmentClaimed':
        return row && ahead({ ...row, unpaid: row.unpaid + 1 }, recordedAt)
      case 'AppealFiled':
        return row && ahead({ ...row, openAppeals: row.openAppeals + 1 }, recordedAt)
      case 'AppealAnswered': {
        if (!row) return row
        const unpaid = fact.data.award === '0' ? row.unpaid : row.unpaid + 1
        return ahead({ ...row, openAppeals: row.openAppeals - 1, unpaid }, recordedAt)
      }
      case 'PayoutsReleased': {
        const { n, payouts } = fact.data
        return row && ahead({ ...row, batches: n, unpaid: row.unpaid - payouts.length }, recordedAt)
      }
      default:
        return row
    }
  },
})

const step = (step: CampaignStep | 'appeals', at: string) => ({ step, at })

/** What comes next once there is a list. */
function ahead(row: PendingCampaignRow, now: string): PendingCampaignRow {
  if (row.unpaid) return { ...row, ...step('release', row.step === 'release' ? row.at : now) }
  return { ...row, ...(row.openAppeals ? step('appeals', now) : step('settle', row.claimsUntil!)) }
}

/** Money between the fund and an airdrop: to be taken in by the one, or by the other when it comes back. */
const airdropMoney = keyed({
  columns: {
    proposalId: 'text',
    campaignId: 'text',
    /** `fund` or `return`. */
    step: 'text',
    owedAt: 'instant',
  },
  key: 'proposalId',
  indexes: [['owedAt']],
  keys({ type, data }) {
    switch (type) {
      case 'SpendingExecuted.v2':
        return data.to.kind === 'airdrop' ? [data.proposalId] : []
      case 'CampaignFunded':
      case 'FundingReturned':
      case 'CampaignSettled':
      case 'SpendingReturned':
        return [data.proposalId]
      default:
        return []
    }
  },
  evolve(_row, { type, data, metadata }, proposalId) {
    const owed = (step: 'fund' | 'return', campaignId: string) => ({ proposalId, campaignId, step, owedAt: metadata.recordedAt })
    switch (type) {
      case 'SpendingExecuted.v2':
        return owed('fund', data.to.id)
      case 'FundingReturned':
        return owed('return', data.campaignId)
      case 'CampaignSettled':
        return data.returned === '0' ? null : owed('return', data.campaignId)
      default:
        return null
    }
  },
})

export type AirdropMoneyRow = TableRow<typeof airdropMoney>

export const settlement = {
  name: 'settlement',
  version: 2,
  tables: { pendingEscrows, owedCredits, pendingCampaigns, airdropMoney },
} satisfies Projection
