import { z } from 'zod'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import type { FundState } from '../fund/decider.ts'
import { idSchema, uuidSchema } from '../ids.ts'
import { amountSchema } from '../money.ts'
import type { NetworkState } from '../network/decider.ts'
import { requireSettlement, requireSteward } from '../network/offices.ts'
import { type NodeState, speaksFor } from '../node/decider.ts'
import type { WalletState } from '../wallet/state.ts'
import {
  type AirdropEvent,
  allotmentsListedSchema,
  allotmentsPublishedSchema,
  appealFiledSchema,
  campaignAnnouncedSchema,
} from './events.ts'
import { summaryOf } from './list.ts'
import { poolOf, slotsOf } from './rules.ts'
import {
  type Appeal,
  type CampaignState,
  type CampaignStatus,
  campaignBytes,
  campaignSnapshots,
  evolveCampaign,
  payoutKey,
  unreleased,
} from './state.ts'

export const announceCampaignData = campaignAnnouncedSchema.shape.data.pick({ label: true, rules: true })
export const cancelCampaignData = z.strictObject({})
export const recordCampaignFundingData = z.strictObject({ proposalId: uuidSchema })
export const closeWindowData = z.strictObject({})
export const listAllotmentsData = allotmentsListedSchema.shape.data.pick({ n: true, allotments: true })
export const publishAllotmentsData = allotmentsPublishedSchema.shape.data.omit({ campaignId: true, claimsUntil: true })
export const claimAllotmentData = z.strictObject({ nodeId: idSchema, walletId: uuidSchema })
export const fileAppealData = appealFiledSchema.shape.data.pick({ nodeId: true, walletId: true, statement: true })
export const voteOnAppealData = z.strictObject({ nodeId: idSchema, award: amountSchema })
export const releasePayoutsData = z.strictObject({ n: z.int().positive() })
export const settleCampaignData = z.strictObject({})

/** What every command on a campaign is decided with. */
interface Common {
  readonly campaignId: string
  readonly signer: string
  readonly now: string
  readonly network: NetworkState
}

export interface AnnounceCampaign extends Common, z.infer<typeof announceCampaignData> {
  readonly type: 'AnnounceCampaign'
  readonly commandId: string
}

/** By a steward, as long as the fund has paid nothing. */
export interface CancelCampaign extends Common {
  readonly type: 'CancelCampaign'
}

export interface RecordCampaignFunding extends Common {
  readonly type: 'RecordCampaignFunding'
  readonly proposalId: string
  readonly fund: FundState
}

/** After the window's end; a campaign that nobody has funded until then is cancelled. */
export interface CloseWindow extends Common {
  readonly type: 'CloseWindow'
}

export interface ListAllotments extends Common, z.infer<typeof listAllotmentsData> {
  readonly type: 'ListAllotments'
}

export interface PublishAllotments extends Common, z.infer<typeof publishAllotmentsData> {
  readonly type: 'PublishAllotments'
}

export interface ClaimAllotment extends Common, z.infer<typeof claimAllotmentData> {
  readonly type: 'ClaimAllotment'
  readonly node: NodeState | undefined
  readonly wallet: WalletState | undefined
}

export interface FileAppeal extends Common, z.infer<typeof fileAppealData> {
  readonly type: 'FileAppeal'
  readonly node: NodeState | undefined
  readonly wallet: WalletState | undefined
}

/** The last vote that an answer needs is the answer. */
export interface VoteOnAppeal extends Common, z.infer<typeof voteOnAppealData> {
  readonly type: 'VoteOnAppeal'
}

/** The nth batch: those who have waited longest. */
export interface ReleasePayouts extends Common {
  readonly type: 'ReleasePayouts'
  readonly n: number
}

export interface SettleCampaign extends Common {
  readonly type: 'SettleCampaign'
}

export type AirdropCommand =
  | AnnounceCampaign
  | CancelCampaign
  | RecordCampaignFunding
  | CloseWindow
  | ListAllotments
  | PublishAllotments
  | ClaimAllotment
  | FileAppeal
  | VoteOnAppeal
  | ReleasePayouts
  | SettleCampaign

const slotsMax = 1_000_000
const batchMax = 100

/**
 * One campaign: announced with all of its rules, funded by the stewards' M of N, its list published, claimed and paid, and what is left
 * returned. Who gets what follows from the log and the rules; the service only says it, and whoever has the log holds it to that
 * (`result.ts`).
 */
export const airdropDecider: Decider<CampaignState | undefined, AirdropCommand, AirdropEvent> = {
  rules: 1,
  initialState: undefined,
  sizeOf: campaignBytes,
  snapshots: campaignSnapshots,
  evolve: evolveCampaign,
  decide(command, state) {
    if (command.type === 'AnnounceCampaign') return announce(command, state)
    const campaign = known(command, state)
    switch (command.type) {
      case 'CancelCampaign':
        return cancel(command, campaign)
      case 'RecordCampaignFunding':
        return recordFunding(command, campaign)
      case 'CloseWindow':
        return closeWindow(command, campaign)
      case 'ListAllotments':
        return listAllotments(command, campaign)
      case 'PublishAllotments':
        return publish(command, campaign)
      case 'ClaimAllotment':
        return claim(command, campaign)
      case 'FileAppeal':
        return fileAppeal(command, campaign)
      case 'VoteOnAppeal':
        return voteOnAppeal(command, campaign)
      case 'ReleasePayouts':
        return release(command, campaign)
      case 'SettleCampaign':
        return settle(command, campaign)
    }
  },
}

function announce(command: AnnounceCampaign, state: CampaignState | undefined): AirdropEvent[] {
  const { campaignId, commandId, signer, now, network, label, rules } = command
  requireSteward(command)
  if (state) throw new DomainError('CampaignAlreadyAnnounced', { campaignId })
  if (campaignId !== commandId) throw malformed('command.subject', 'must be the id of the command that announces the campaign')
  const { from, to } = rules.window
  if (from <= now) throw malformed('command.data.rules.window.from', 'has begun')
  if (to <= from) throw malformed('command.data.rules.window.to', 'must be later than from')
  const slots = slotsOf(rules)
  if (slots < 1 || slots > slotsMax)
    throw malformed('command.data.rules.criteria.slotSeconds', `makes ${slots} slots of the window: must be 1 to ${slotsMax}`)
  return [{ type: 'CampaignAnnounced', data: { campaignId, label, by: signer, policyVersion: network.policy.version, rules } }]
}

function cancel(command: CancelCampaign, state: CampaignState): AirdropEvent[] {
  requireSteward(command)
  if (state.status === 'cancelled') return []
  requireStatus(state, 'announced')
  return [{ type: 'CampaignCancelled', data: { campaignId: state.campaignId, reason: 'withdrawn' } }]
}

function recordFunding(command: RecordCampaignFunding, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  const { campaignId } = state
  const { proposalId, fund } = command
  if (state.proposalId === proposalId || Object.hasOwn(state.returns, proposalId)) return []
  const proposal = fund.proposals.get(proposalId)
  const isOwed = proposal?.status === 'executed' && proposal.to.kind === 'airdrop' && proposal.to.id === campaignId
  if (!isOwed) throw new DomainError('CreditNotOwed', { source: `spending:${proposalId}`, campaignId })
  const data = { campaignId, proposalId, amount: String(proposal.amount) }
  return [{ type: state.status === 'announced' ? 'CampaignFunded' : 'FundingReturned', data }]
}

function closeWindow(command: CloseWindow, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  const { campaignId, status, rules } = state
  if (status !== 'announced' && status !== 'funded') return []
  requireLater(command.now, rules.window.to)
  return status === 'funded'
    ? [{ type: 'WindowClosed', data: { campaignId } }]
    : [{ type: 'CampaignCancelled', data: { campaignId, reason: 'unfunded' } }]
}

function listAllotments(command: ListAllotments, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  const { campaignId, pages } = state
  const { n, allotments } = command
  if (n <= pages) return []
  requireStatus(state, 'closed')
  if (n !== pages + 1) throw new DomainError('AllotmentsOutOfOrder', { n, pages })
  let last = state.lastListed
  for (const [index, { nodeId }] of allotments.entries()) {
    if (nodeId <= last) throw malformed(`command.data.allotments.${index}.nodeId`, 'must come after the one before')
    last = nodeId
  }
  return [{ type: 'AllotmentsListed', data: { campaignId, n, allotments } }]
}

/**
 * The list must be what its digest says, and no more than there is to give. Its root takes seconds to make for ten thousand nodes: that it is the
 * list's is for those to see who replay the log, as whether the list is what the log says (commands/replay.ts).
 */
function publish(command: PublishAllotments, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  if (state.claimsUntil !== undefined) return []
  requireStatus(state, 'closed')
  const { campaignId, allotments, rules } = state
  const listed = [...allotments.entries()].map(([nodeId, amount]) => ({ nodeId, amount }))
  const summary = summaryOf(listed)
  for (const [field, value] of Object.entries(summary))
    if (command[field as keyof typeof summary] !== value) throw malformed(`command.data.${field}`, `is ${value} of what is listed`)
  if ((command.root === null) !== (summary.allotted === 0))
    throw malformed('command.data.root', 'must be null of an empty list alone')
  if (state.allotted > poolOf(rules)) throw new DomainError('CampaignBudgetExceeded', exceeding(state.allotted, poolOf(rules)))
  const { fromIndex, toIndex, considered, reportDigest, root } = command
  const claimsUntil = new Date(Date.parse(command.now) + rules.claimSeconds * 1000).toISOString()
  const data = { campaignId, fromIndex, toIndex, considered, ...summary, root, reportDigest, claimsUntil }
  return [{ type: 'AllotmentsPublished', data }]
}

function claim(command: ClaimAllotment, state: CampaignState): AirdropEvent[] {
  const { nodeId, walletId, node, wallet, signer } = command
  speaksFor(nodeId, node, signer)
  const { campaignId } = state
  const claimed = state.payouts.get(payoutKey({ leg: 'allotment', nodeId }))
  if (claimed?.walletId === walletId) return []
  if (claimed) throw new DomainError('AllotmentAlreadyClaimed', { campaignId, nodeId })
  requireClaimable(command, state)
  const amount = state.allotments.get(nodeId)
  if (amount === undefined) throw new DomainError('NothingAllotted', { campaignId, nodeId })
  if (!wallet) throw new DomainError('WalletUnknown', { walletId })
  return [{ type: 'AllotmentClaimed', data: { campaignId, nodeId, walletId, amount } }]
}

function fileAppeal(command: FileAppeal, state: CampaignState): AirdropEvent[] {
  const { nodeId, walletId, statement, node, wallet, signer, network } = command
  speaksFor(nodeId, node, signer)
  const { campaignId } = state
  if (state.appeals.get(nodeId)) throw new DomainError('AppealAlreadyFiled', { campaignId, nodeId })
  requireClaimable(command, state)
  if (!wallet) throw new DomainError('WalletUnknown', { walletId })
  const { arbiters } = network
  if (!arbiters.threshold || !arbiters.members.length) throw new DomainError('NoArbiters')
  return [{ type: 'AppealFiled', data: { campaignId, nodeId, walletId, statement, arbiters } }]
}

function voteOnAppeal({ signer, nodeId, award }: VoteOnAppeal, state: CampaignState): AirdropEvent[] {
  const { campaignId } = state
  const appeal = state.appeals.get(nodeId)
  if (!appeal) throw new DomainError('AppealUnknown', { campaignId, nodeId })
  const { arbiters, votes, walletId } = appeal
  if (!arbiters.members.includes(signer)) throw new DomainError('SignerNotAllowed', { needed: 'arbiter' })
  if (Object.hasOwn(votes, signer) && votes[signer] === award) return []
  requireOpen(appeal, campaignId, nodeId)
  const voted: AirdropEvent = { type: 'AppealVoted', data: { campaignId, nodeId, by: signer, award } }
  const others = arbiters.members.filter((key) => key !== signer && Object.hasOwn(votes, key) && votes[key] === award)
  if (others.length + 1 < arbiters.threshold) return [voted]
  // The last vote is the award: one that cannot be paid does not count.
  const left = BigInt(state.rules.budget) - state.allotted - state.awarded
  if (BigInt(award) > left) throw new DomainError('CampaignBudgetExceeded', exceeding(BigInt(award), left))
  return [voted, { type: 'AppealAnswered', data: { campaignId, nodeId, walletId, award } }]
}

function release(command: ReleasePayouts, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  const { campaignId, batches } = state
  if (command.n <= batches) return []
  if (command.n !== batches + 1) throw new DomainError('PayoutsOutOfOrder', { n: command.n, batches })
  const payouts = unreleased(state, batchMax)
  return payouts.length ? [{ type: 'PayoutsReleased', data: { campaignId, n: command.n, payouts } }] : []
}

function settle(command: SettleCampaign, state: CampaignState): AirdropEvent[] {
  requireSettlement(command)
  if (state.status === 'settled') return []
  requireStatus(state, 'published')
  requireLater(command.now, state.claimsUntil!)
  const { campaignId, openAppeals, payouts, released, paid, rules, proposalId } = state
  if (openAppeals || payouts.size > released)
    throw new DomainError('CampaignNotSettled', { campaignId, openAppeals, unpaid: payouts.size - released })
  const returned = BigInt(rules.budget) - paid
  return [
    { type: 'CampaignSettled', data: { campaignId, proposalId: proposalId!, paid: String(paid), returned: String(returned) } },
  ]
}

function known({ campaignId }: Common, state: CampaignState | undefined): CampaignState {
  if (!state) throw new DomainError('CampaignUnknown', { campaignId })
  return state
}

function requireStatus({ campaignId, status }: CampaignState, needed: CampaignStatus): void {
  if (status !== needed) throw new DomainError('CampaignNotInStatus', { campaignId, state: status, needed })
}

function requireLater(now: string, deadline: string): void {
  if (now <= deadline) throw new DomainError('DeadlineNotReached', { deadline, serverTime: now })
}

function requireClaimable({ now }: Common, state: CampaignState): void {
  requireStatus(state, 'published')
  const claimsUntil = state.claimsUntil!
  if (now > claimsUntil) throw new DomainError('DeadlinePassed', { deadline: claimsUntil, serverTime: now })
}

function requireOpen({ award }: Appeal, campaignId: string, nodeId: string): void {
  if (award !== undefined) throw new DomainError('AppealAnswered', { campaignId, nodeId, award: String(award) })
}

const exceeding = (needed: bigint, left: bigint) => ({ needed: String(needed), left: String(left) })
