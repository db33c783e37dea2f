import { z } from 'zod'
import type { CampaignState } from '../airdrop/state.ts'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { uuidSchema } from '../ids.ts'
import { commandAmountSchema } from '../money.ts'
import type { NetworkState } from '../network/decider.ts'
import { requireSettlement, requireSteward } from '../network/offices.ts'
import { type VersionedMap, versionedMap } from '../versioned-map.ts'
import type { WalletState } from '../wallet/state.ts'
import { contributionsSweptSchema, type FundEvent, type Payee, payeeSchema, spendingProposedSchema } from './events.ts'

/** The one fund that a network has. */
export const fundId = 'community'

export const sweepContributionsData = contributionsSweptSchema.shape.data.omit({ n: true })
export const proposeSpendingData = spendingProposedSchema.shape.data
  .pick({ category: true, purpose: true, expiresAt: true })
  .extend({
    to: z.union([uuidSchema, payeeSchema]).describe('A wallet by its id, or who is paid: `{kind: "airdrop", id}`'),
    amount: commandAmountSchema,
  })
export const proposalData = z.strictObject({ proposalId: uuidSchema })
export const recordReturnData = z.strictObject({ campaignId: uuidSchema, proposalId: uuidSchema })

/** Who a proposal is to pay: commands may name a wallet by its id alone. */
export function payeeOf(to: z.infer<typeof proposeSpendingData>['to']): Payee {
  return typeof to === 'string' ? { kind: 'wallet', id: to } : to
}

/** What every command on the fund is decided with. */
interface Common {
  readonly signer: string
  readonly now: string
  readonly network: NetworkState
}

export interface SweepContributions extends Common, z.infer<typeof sweepContributionsData> {
  readonly type: 'SweepContributions'
}

export interface ProposeSpending extends Common, Omit<z.infer<typeof proposeSpendingData>, 'to'> {
  readonly type: 'ProposeSpending'
  readonly proposalId: string
  readonly to: Payee
  /** Of `to`; undefined where it does not exist. */
  readonly wallet: WalletState | undefined
  readonly campaign: CampaignState | undefined
}

export interface ApproveSpending extends Common {
  readonly type: 'ApproveSpending'
  readonly proposalId: string
}

export interface WithdrawProposal extends Common {
  readonly type: 'WithdrawProposal'
  readonly proposalId: string
}

/** What a campaign gives back. */
export interface RecordReturn extends Common, z.infer<typeof recordReturnData> {
  readonly type: 'RecordReturn'
  readonly campaign: CampaignState | undefined
}

export type FundCommand = SweepContributions | ProposeSpending | ApproveSpending | WithdrawProposal | RecordReturn

export type ProposalStatus = 'proposed' | 'executed' | 'withdrawn'

export interface Proposal {
  readonly proposalId: string
  readonly status: ProposalStatus
  readonly to: Payee
  readonly amount: bigint
  readonly category: string
  readonly by: string
  readonly expiresAt: string
  readonly stewards: { readonly members: readonly string[]; readonly threshold: number }
  readonly approvals: readonly string[]
  /** Whether what was left of it has come back. */
  readonly isReturned: boolean
}

export interface FundState {
  /** Swept and not spent. */
  readonly balance: bigint
  readonly sweeps: number
  /** Of the last event swept; -1 before the first sweep. */
  readonly sweptToIndex: number
  readonly proposals: VersionedMap<Proposal>
}

/** The state written down. */
type Written = Pick<FundState, 'sweeps' | 'sweptToIndex'> & {
  readonly balance: string
  readonly proposals: readonly (Omit<Proposal, 'amount'> & { readonly amount: string })[]
}

const nothingYet: FundState = { balance: 0n, sweeps: 0, sweptToIndex: -1, proposals: versionedMap() }

/** Contributions are decided by escrows and only counted here; spending is decided on what was swept, by M of N stewards, once. */
export const fundDecider: Decider<FundState, FundCommand, FundEvent> = {
  // 2: an airdrop can be paid, and pays back.
  rules: 2,
  since: 1,
  initialState: nothingYet,
  sizeOf: ({ proposals }) => 1024 * (1 + proposals.size),
  snapshots: {
    write: ({ balance, proposals, ...state }) => ({
      ...state,
      balance: String(balance),
      proposals: [...proposals.entries()].map(([, { amount, ...proposal }]) => ({ ...proposal, amount: String(amount) })),
    }),
    read(json) {
      const { balance, proposals, ...state } = json as unknown as Written
      const empty = { ...nothingYet, ...state, balance: BigInt(balance) }
      return proposals.reduce((state, { amount, ...proposal }) => changed(state, { ...proposal, amount: BigInt(amount) }), empty)
    },
  },
  decide(command, state) {
    switch (command.type) {
      case 'SweepContributions':
        return sweep(command, state)
      case 'ProposeSpending':
        return propose(command, state)
      case 'ApproveSpending':
        return approve(command, state)
      case 'WithdrawProposal':
        return withdraw(command, state)
      case 'RecordReturn':
        return recordReturn(command, state)
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'ContributionsSwept': {
        const { n, toIndex, amount } = event.data
        return { ...state, balance: state.balance + BigInt(amount), sweeps: n, sweptToIndex: toIndex }
      }
      case 'SpendingProposed.v2': {
        const { purpose: _, ...data } = event.data
        return changed(state, { ...data, amount: BigInt(data.amount), status: 'proposed', approvals: [], isReturned: false })
      }
      case 'SpendingApproved': {
        const proposal = proposalOf(state, event.data)
        return changed(state, { ...proposal, approvals: [...proposal.approvals, event.data.by] })
      }
      case 'ProposalWithdrawn':
        return changed(state, { ...proposalOf(state, event.data), status: 'withdrawn' })
      case 'SpendingExecuted.v2': {
        const spent = changed(state, { ...proposalOf(state, event.data), status: 'executed' })
        return { ...spent, balance: state.balance - BigInt(event.data.amount) }
      }
      case 'SpendingReturned': {
        const returned = changed(state, { ...proposalOf(state, event.data), isReturned: true })
        return { ...returned, balance: state.balance + BigInt(event.data.amount) }
      }
    }
  },
}

function sweep(command: SweepContributions, state: FundState): FundEvent[] {
  requireSettlement(command)
  const { type: _, signer: _signer, now: _now, network: _network, ...range } = command
  const { sweptToIndex } = state
  // Whoever swept before was faster: their range is not to be counted again.
  if (range.fromIndex !== sweptToIndex + 1) throw new DomainError('SweepOutOfOrder', { fromIndex: range.fromIndex, sweptToIndex })
  if (range.toIndex < range.fromIndex) throw malformed('command.data.toIndex', 'is before fromIndex')
  return [{ type: 'ContributionsSwept', data: { n: state.sweeps + 1, ...range } }]
}

function propose(command: ProposeSpending, state: FundState): FundEvent[] {
  const { signer, now, network, proposalId, to, amount, category, purpose, expiresAt } = command
  requireSteward(command)
  const known = state.proposals.get(proposalId)
  if (known?.by === signer && known.to.id === to.id && known.amount === BigInt(amount)) return []
  if (known) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId: proposalId })
  requirePayable(command)
  if (expiresAt <= now) throw malformed('command.data.expiresAt', 'is over')
  return [
    {
      type: 'SpendingProposed.v2',
      data: { proposalId, to, amount, category, purpose, by: signer, expiresAt, stewards: network.stewards },
    },
  ]
}

/** A campaign is paid its whole budget, once. */
function requirePayable({ to, amount, wallet, campaign }: ProposeSpending): void {
  if (to.kind === 'wallet') {
    if (!wallet) throw new DomainError('WalletUnknown', { walletId: to.id })
    return
  }
  if (!campaign) throw new DomainError('CampaignUnknown', { campaignId: to.id })
  const { campaignId, status, rules } = campaign
  if (status !== 'announced') throw new DomainError('CampaignNotInStatus', { campaignId, state: status, needed: 'announced' })
  if (amount !== rules.budget) throw malformed('command.data.amount', `must be the campaign's budget, ${rules.budget}`)
}

function approve({ signer, now, proposalId }: ApproveSpending, state: FundState): FundEvent[] {
  const proposal = find(state, proposalId)
  const { stewards, approvals, to, amount, category, expiresAt } = proposal
  if (!stewards.members.includes(signer)) throw new DomainError('SignerNotAllowed', { needed: 'steward' })
  if (approvals.includes(signer)) return []
  requireProposed(proposal)
  if (now >= expiresAt) throw new DomainError('ProposalExpired', { proposalId, expiresAt })
  const approved: FundEvent = { type: 'SpendingApproved', data: { proposalId, by: signer } }
  if (approvals.length + 1 < stewards.threshold) return [approved]
  // The last approval is the payment: one that cannot be paid does not count, and can come again.
  if (amount > state.balance)
    throw new DomainError('FundInsufficient', { proposalId, balance: String(state.balance), needed: String(amount) })
  return [approved, { type: 'SpendingExecuted.v2', data: { proposalId, to, amount: String(amount), category } }]
}

function withdraw({ signer, proposalId }: WithdrawProposal, state: FundState): FundEvent[] {
  const proposal = find(state, proposalId)
  if (signer !== proposal.by) throw new DomainError('SignerNotAllowed', { needed: 'proposer' })
  if (proposal.status === 'withdrawn') return []
  requireProposed(proposal)
  return [{ type: 'ProposalWithdrawn', data: { proposalId } }]
}

function recordReturn(command: RecordReturn, state: FundState): FundEvent[] {
  requireSettlement(command)
  const { campaignId, proposalId, campaign } = command
  const proposal = find(state, proposalId)
  if (proposal.isReturned) return []
  const amount = campaign && Object.hasOwn(campaign.returns, proposalId) ? campaign.returns[proposalId]! : '0'
  if (amount === '0') throw new DomainError('CreditNotOwed', { source: `return:${proposalId}`, campaignId })
  return [{ type: 'SpendingReturned', data: { proposalId, campaignId, amount } }]
}

function find({ proposals }: FundState, proposalId: string): Proposal {
  const proposal = proposals.get(proposalId)
  if (!proposal) throw new DomainError('ProposalUnknown', { proposalId })
  return proposal
}

function requireProposed({ proposalId, status }: Proposal): void {
  if (status !== 'proposed') throw new DomainError('ProposalNotInStatus', { proposalId, state: status, needed: 'proposed' })
}

/** The proposal that an event of this stream is about: one that is not there cannot have been decided. */
function proposalOf({ proposals }: FundState, { proposalId }: { readonly proposalId: string }): Proposal {
  const proposal = proposals.get(proposalId)
  if (!proposal) throw new Error(`the fund knows no proposal ${proposalId}`)
  return proposal
}

function changed(state: FundState, proposal: Proposal): FundState {
  return { ...state, proposals: state.proposals.with(proposal.proposalId, proposal) }
}
