import type { Json } from '../canonical.ts'
import type { Quorum } from '../network/events.ts'
import { type VersionedMap, versionedMap } from '../versioned-map.ts'
import type { AirdropEvent, Payout } from './events.ts'
import type { CampaignRules } from './rules.ts'

export type CampaignStatus = 'announced' | 'cancelled' | 'funded' | 'closed' | 'published' | 'settled'

export interface Appeal {
  readonly walletId: string
  readonly arbiters: Quorum
  /** By arbiter: what each would give. */
  readonly votes: Readonly<Record<string, string>>
  /** Undefined while it is open. */
  readonly award: bigint | undefined
}

export interface CampaignState {
  readonly campaignId: string
  readonly rules: CampaignRules
  readonly status: CampaignStatus
  /** The fund's proposal that paid it. */
  readonly proposalId: string | undefined
  /** By the fund's proposal: what goes back. */
  readonly returns: Readonly<Record<string, string>>
  /** Pages listed so far, and by node what they allot. */
  readonly pages: number
  readonly allotments: VersionedMap<string>
  readonly lastListed: string
  /** By the publication, and undefined before it. */
  readonly claimsUntil: string | undefined
  /** Of all allotments, and of all awards so far. */
  readonly allotted: bigint
  readonly awarded: bigint
  readonly appeals: VersionedMap<Appeal>
  readonly openAppeals: number
  /** By `payoutKey`, in the order in which they were claimed or awarded: the first `released` are on their way or paid. */
  readonly payouts: VersionedMap<Payout & { readonly nth: number }>
  readonly batches: number
  readonly released: number
  readonly paid: bigint
}

export const payoutKey = ({ leg, nodeId }: Pick<Payout, 'leg' | 'nodeId'>) => `${leg}:${nodeId}`

/** What has been claimed or awarded and is not on its way, the longest waiting first; at most `limit`. */
export function unreleased({ payouts, released }: CampaignState, limit: number): Payout[] {
  const found: Payout[] = []
  if (payouts.size === released) return found
  for (const [, { nth, ...payout }] of payouts.entries()) {
    if (nth < released) continue
    found.push(payout)
    if (found.length === limit) break
  }
  return found
}

/** What a payout owes a wallet; undefined while it is not released. */
export function releasedPayout(state: CampaignState | undefined, leg: Payout['leg'], nodeId: string) {
  const payout = state?.payouts.get(payoutKey({ leg, nodeId }))
  return payout && payout.nth < state!.released ? { to: payout.walletId, amount: BigInt(payout.amount) } : undefined
}

export function evolveCampaign(state: CampaignState | undefined, event: AirdropEvent): CampaignState | undefined {
  return event.type === 'CampaignAnnounced' ? announced(event.data) : state && next(state, event)
}

function announced({ campaignId, rules }: Extract<AirdropEvent, { type: 'CampaignAnnounced' }>['data']): CampaignState {
  return {
    campaignId,
    rules,
    status: 'announced',
    proposalId: undefined,
    returns: {},
    pages: 0,
    allotments: versionedMap(),
    lastListed: '',
    claimsUntil: undefined,
    allotted: 0n,
    awarded: 0n,
    appeals: versionedMap(),
    openAppeals: 0,
    payouts: versionedMap(),
    batches: 0,
    released: 0,
    paid: 0n,
  }
}

function next(state: CampaignState, event: Exclude<AirdropEvent, { type: 'CampaignAnnounced' }>): CampaignState {
  switch (event.type) {
    case 'CampaignCancelled':
      return { ...state, status: 'cancelled' }
    case 'CampaignFunded':
      return { ...state, status: 'funded', proposalId: event.data.proposalId }
    case 'FundingReturned':
      return { ...state, returns: { ...state.returns, [event.data.proposalId]: event.data.amount } }
    case 'WindowClosed':
      return { ...state, status: 'closed' }
    case 'AllotmentsListed': {
      const { n, allotments } = event.data
      return {
        ...state,
        pages: n,
        allotments: allotments.reduce((all, { nodeId, amount }) => all.with(nodeId, amount), state.allotments),
        lastListed: allotments.at(-1)!.nodeId,
        allotted: allotments.reduce((sum, { amount }) => sum + BigInt(amount), state.allotted),
      }
    }
    case 'AllotmentsPublished':
      return { ...state, status: 'published', claimsUntil: event.data.claimsUntil }
    case 'AllotmentClaimed': {
      const { nodeId, walletId, amount } = event.data
      return owing(state, { nodeId, leg: 'allotment', walletId, amount })
    }
    case 'AppealFiled': {
      const { nodeId, walletId, arbiters } = event.data
      const appeal: Appeal = { walletId, arbiters, votes: {}, award: undefined }
      return { ...state, appeals: state.appeals.with(nodeId, appeal), openAppeals: state.openAppeals + 1 }
    }
    case 'AppealVoted': {
      const { nodeId, by, award } = event.data
      const appeal = appealOf(state, nodeId)
      return { ...state, appeals: state.appeals.with(nodeId, { ...appeal, votes: { ...appeal.votes, [by]: award } }) }
    }
    case 'AppealAnswered': {
      const { nodeId, walletId, award } = event.data
      const amount = BigInt(award)
      const appeals = state.appeals.with(nodeId, { ...appealOf(state, nodeId), award: amount })
      const answered = { ...state, appeals, openAppeals: state.openAppeals - 1, awarded: state.awarded + amount }
      return amount ? owing(answered, { nodeId, leg: 'award', walletId, amount: award }) : answered
    }
    case 'PayoutsReleased': {
      const { n, payouts } = event.data
      const paid = payouts.reduce((sum, { amount }) => sum + BigInt(amount), state.paid)
      return { ...state, batches: n, released: state.released + payouts.length, paid }
    }
    case 'CampaignSettled':
      return { ...state, status: 'settled', returns: { ...state.returns, [event.data.proposalId]: event.data.returned } }
  }
}

function owing(state: CampaignState, payout: Payout): CampaignState {
  const { payouts } = state
  return { ...state, payouts: payouts.with(payoutKey(payout), { ...payout, nth: payouts.size }) }
}

/** The appeal that an event of this stream is about: one that is not there cannot have been decided. */
function appealOf({ campaignId, appeals }: CampaignState, nodeId: string): Appeal {
  const appeal = appeals.get(nodeId)
  if (!appeal) throw new Error(`campaign ${campaignId} knows no appeal of ${nodeId}`)
  return appeal
}

type Written = Omit<CampaignState, 'allotments' | 'appeals' | 'payouts' | 'allotted' | 'awarded' | 'paid'> & {
  readonly allotments: [string, string][]
  readonly appeals: [string, Omit<Appeal, 'award'> & { readonly award: string | null }][]
  readonly payouts: [string, Payout & { readonly nth: number }][]
  readonly amounts: [allotted: string, awarded: string, paid: string]
}

export const campaignSnapshots = {
  write(state: CampaignState | undefined): Json {
    if (!state) return null
    const { allotments, appeals, payouts, allotted, awarded, paid, proposalId, claimsUntil, ...plain } = state
    const written = {
      ...plain,
      ...(proposalId !== undefined && { proposalId }),
      ...(claimsUntil !== undefined && { claimsUntil }),
      allotments: [...allotments.entries()],
      appeals: [...appeals.entries()].map(([id, { award = null, ...appeal }]) => [
        id,
        { ...appeal, award: award === null ? null : String(award) },
      ]),
      payouts: [...payouts.entries()],
      amounts: [allotted, awarded, paid].map(String),
    }
    return written as unknown as Json
  },
  read(json: Json): CampaignState | undefined {
    if (json === null) return undefined
    const { allotments, appeals, payouts, amounts, proposalId, claimsUntil, ...plain } = json as unknown as Written
    const [allotted, awarded, paid] = amounts.map(BigInt) as [bigint, bigint, bigint]
    return {
      ...plain,
      proposalId,
      claimsUntil,
      ...{ allotted, awarded, paid },
      allotments: mapOf(allotments),
      appeals: mapOf(
        appeals.map(([id, { award, ...appeal }]) => [id, { ...appeal, award: award === null ? undefined : BigInt(award) }]),
      ),
      payouts: mapOf(payouts),
    }
  },
}

function mapOf<V>(entries: Iterable<readonly [string, V]>): VersionedMap<V> {
  let map = versionedMap<V>()
  for (const [key, value] of entries) map = map.with(key, value)
  return map
}

/** Bytes that a state takes in memory, roughly. */
export function campaignBytes(state: CampaignState | undefined): number {
  return state ? 2048 + 160 * state.allotments.size + 400 * (state.payouts.size + state.appeals.size) : 0
}
