import { z } from 'zod'
import type { DomainEvent } from './catalogue.ts'
import { fundId } from './fund/decider.ts'
import { type Category, partsOfStream } from './stream.ts'
import type { CreditSource } from './wallet/events.ts'

/** Something that events are about: its kind and its id. */
export const subjectSchema = z
  .string()
  .regex(/^[a-z]+:[a-z0-9][a-z0-9-]{0,63}$/, 'must be a kind and an id: node:<id>, wallet:<id>, escrow:<id>')

/** What the streams of a category tell of. */
const kinds: Readonly<Record<Category, string>> = {
  network: 'network',
  node: 'node',
  heartbeat: 'node',
  health: 'node',
  reputation: 'node',
  attestation: 'node',
  wallet: 'wallet',
  escrow: 'escrow',
  fund: 'fund',
  airdrop: 'airdrop',
  audit: 'audit',
}

/** What a stream's events are about, as readers ask for it: `node:<id>`; undefined for what is no stream of a network. */
export function subjectOf(stream: string): string | undefined {
  const parts = partsOfStream(stream)
  return parts && `${kinds[parts.category]}:${parts.id}`
}

/** What an event touches beside that, in no order: whoever asks for one of these sees it too. */
export function referencesOf(event: DomainEvent): readonly string[] {
  switch (event.type) {
    case 'HoldPlaced':
    case 'HoldCaptured':
    case 'HoldReleased':
      return [`escrow:${event.data.holdId}`]
    case 'TransferSent':
      return [`wallet:${event.data.to}`]
    case 'CreditPosted':
      return [originOf(event.data.source)]
    case 'EscrowOpened':
    case 'EscrowFunded':
    case 'EscrowStarted':
    case 'EscrowDelivered':
    case 'ResultVerified':
    case 'EscrowPartlyRefunded':
    case 'EscrowRefunded':
    case 'EscrowExpired':
    case 'EscrowDisputed':
    case 'EvidenceAdded':
    case 'DisputeVoted':
      return walletsOf(event.data)
    case 'EscrowReleased':
    case 'EscrowResolved':
      return event.data.fundAmount === '0' ? walletsOf(event.data) : [...walletsOf(event.data), `fund:${fundId}`]
    case 'SpendingProposed.v2':
    case 'SpendingExecuted.v2':
      return [`proposal:${event.data.proposalId}`, `${event.data.to.kind}:${event.data.to.id}`]
    case 'SpendingReturned':
      return [`proposal:${event.data.proposalId}`, `airdrop:${event.data.campaignId}`]
    case 'CampaignFunded':
    case 'FundingReturned':
    case 'CampaignSettled':
      return [`proposal:${event.data.proposalId}`, `fund:${fundId}`]
    case 'AllotmentsListed':
      return event.data.allotments.map(({ nodeId }) => `node:${nodeId}`)
    case 'AllotmentClaimed':
    case 'AppealFiled':
    case 'AppealAnswered':
      return [`node:${event.data.nodeId}`, `wallet:${event.data.walletId}`]
    case 'AppealVoted':
      return [`node:${event.data.nodeId}`]
    case 'PayoutsReleased':
      return event.data.payouts.flatMap(({ nodeId, walletId }) => [`node:${nodeId}`, `wallet:${walletId}`])
    case 'SpendingApproved':
    case 'ProposalWithdrawn':
      return [`proposal:${event.data.proposalId}`]
    case 'NetworkFounded':
    case 'ServiceKeyChanged':
    case 'QuorumChanged':
    case 'NodeRegistered':
    case 'NodeUpdated':
    case 'NodeKeyChanged':
    case 'NodeDeregistered':
    case 'HeartbeatRecorded':
    case 'NodeHealthChanged':
    case 'ReputationChanged':
    case 'WalletOpened':
    case 'WalletKeyChanged':
    case 'StandingOrderChanged':
    case 'TestDepositIssued':
    case 'DepositCredited':
    case 'DepositReversed':
    case 'WithdrawalRequested':
    case 'WithdrawalApproved':
    case 'WithdrawalRejected':
    case 'WithdrawalCancelled':
    case 'WithdrawalFailed':
    case 'WithdrawalSigned':
    case 'WithdrawalConfirmed':
    case 'WithdrawalUnconfirmed':
    case 'ContributionsSwept':
    case 'DifferenceFound':
    case 'DifferenceClosed':
    case 'DigestsRecorded':
    case 'ComputationProved':
    case 'SybilSignalRaised':
    case 'SybilSignalWithdrawn':
    case 'CampaignAnnounced':
    case 'CampaignCancelled':
    case 'WindowClosed':
    case 'AllotmentsPublished':
      return []
  }
}

function walletsOf({ client, provider }: { readonly client: string; readonly provider: string }): readonly string[] {
  return [`wallet:${client}`, `wallet:${provider}`]
}

function originOf(source: CreditSource): string {
  switch (source.kind) {
    case 'escrow':
      return `escrow:${source.escrowId}`
    case 'transfer':
      return `wallet:${source.from}`
    case 'spending':
      return `proposal:${source.proposalId}`
    case 'airdrop':
      return `airdrop:${source.campaignId}`
  }
}
