import type { z } from 'zod'
import { type AuditEvent, differenceClosedSchema, differenceFoundSchema } from './audit/events.ts'
import * as escrow from './escrow/events.ts'
import type { RecordedEvent } from './event.ts'
import { type Metadata, metadataSchema } from './event.ts'
import * as fund from './fund/events.ts'
import { type HealthEvent, healthEventSchema } from './health/events.ts'
import { type HeartbeatEvent, heartbeatEventSchema } from './heartbeat/events.ts'
import { type NetworkEvent, networkFoundedSchema, quorumChangedSchema, serviceKeyChangedSchema } from './network/events.ts'
import {
  type NodeEvent,
  nodeDeregisteredSchema,
  nodeKeyChangedSchema,
  nodeRegisteredSchema,
  nodeUpdatedSchema,
} from './node/events.ts'
import { type ReputationEvent, reputationEventSchema } from './reputation/events.ts'
import * as wallet from './wallet/events.ts'

/** Every event that the log can hold. */
export type DomainEvent =
  | NetworkEvent
  | NodeEvent
  | HeartbeatEvent
  | HealthEvent
  | ReputationEvent
  | wallet.WalletEvent
  | escrow.EscrowEvent
  | fund.FundEvent
  | AuditEvent

/** Shape of every event type; a type that is missing here does not compile. */
export const eventSchemas = {
  NetworkFounded: networkFoundedSchema,
  ServiceKeyChanged: serviceKeyChangedSchema,
  QuorumChanged: quorumChangedSchema,
  NodeRegistered: nodeRegisteredSchema,
  NodeUpdated: nodeUpdatedSchema,
  NodeKeyChanged: nodeKeyChangedSchema,
  NodeDeregistered: nodeDeregisteredSchema,
  HeartbeatRecorded: heartbeatEventSchema,
  NodeHealthChanged: healthEventSchema,
  ReputationChanged: reputationEventSchema,
  WalletOpened: wallet.walletOpenedSchema,
  WalletKeyChanged: wallet.walletKeyChangedSchema,
  TestDepositIssued: wallet.testDepositIssuedSchema,
  DepositCredited: wallet.depositCreditedSchema,
  DepositReversed: wallet.depositReversedSchema,
  HoldPlaced: wallet.holdPlacedSchema,
  HoldCaptured: wallet.holdCapturedSchema,
  HoldReleased: wallet.holdReleasedSchema,
  TransferSent: wallet.transferSentSchema,
  CreditPosted: wallet.creditPostedSchema,
  WithdrawalRequested: wallet.withdrawalRequestedSchema,
  WithdrawalApproved: wallet.withdrawalApprovedSchema,
  WithdrawalRejected: wallet.withdrawalRejectedSchema,
  WithdrawalCancelled: wallet.withdrawalCancelledSchema,
  WithdrawalFailed: wallet.withdrawalFailedSchema,
  WithdrawalSigned: wallet.withdrawalSignedSchema,
  WithdrawalConfirmed: wallet.withdrawalConfirmedSchema,
  WithdrawalUnconfirmed: wallet.withdrawalUnconfirmedSchema,
  EscrowOpened: escrow.escrowOpenedSchema,
  EscrowFunded: escrow.escrowFundedSchema,
  EscrowStarted: escrow.escrowStartedSchema,
  EscrowDelivered: escrow.escrowDeliveredSchema,
  ResultVerified: escrow.resultVerifiedSchema,
  EscrowReleased: escrow.escrowReleasedSchema,
  EscrowPartlyRefunded: escrow.escrowPartlyRefundedSchema,
  EscrowRefunded: escrow.escrowRefundedSchema,
  EscrowExpired: escrow.escrowExpiredSchema,
  EscrowDisputed: escrow.escrowDisputedSchema,
  EvidenceAdded: escrow.evidenceAddedSchema,
  DisputeVoted: escrow.disputeVotedSchema,
  EscrowResolved: escrow.escrowResolvedSchema,
  ContributionsSwept: fund.contributionsSweptSchema,
  SpendingProposed: fund.spendingProposedSchema,
  SpendingApproved: fund.spendingApprovedSchema,
  ProposalWithdrawn: fund.proposalWithdrawnSchema,
  SpendingExecuted: fund.spendingExecutedSchema,
  DifferenceFound: differenceFoundSchema,
  DifferenceClosed: differenceClosedSchema,
} satisfies Record<DomainEvent['type'], unknown>

/** The name of every event type. */
export const eventTypes = Object.keys(eventSchemas) as readonly DomainEvent['type'][]

/** A recorded event whose data and metadata have been checked; what folds work on. Its `type` narrows its `data`. */
export type Fact = DomainEvent & Omit<RecordedEvent, 'type' | 'data' | 'metadata'> & { readonly metadata: Metadata }

/** An event that nobody can read: unknown type, or data or metadata of the wrong shape. It stops whoever needed it. */
export class UnreadableEvent extends Error {
  readonly event: RecordedEvent

  constructor(event: RecordedEvent, why: string) {
    super(`${event.type} at ${event.stream}@${event.revision} (position ${event.position}): ${why}`)
    this.name = 'UnreadableEvent'
    this.event = event
  }
}

/** Checks shape and gives the event its type. Throws `UnreadableEvent`. */
export function decode(recorded: RecordedEvent): Fact {
  const schema = Object.hasOwn(eventSchemas, recorded.type) && eventSchemas[recorded.type as DomainEvent['type']]
  if (!schema) throw new UnreadableEvent(recorded, 'no such event type')
  const data = schema.shape.data.safeParse(recorded.data)
  if (!data.success) throw new UnreadableEvent(recorded, wrongIn('data', data.error.issues))
  const metadata = metadataSchema.safeParse(recorded.metadata)
  if (!metadata.success) throw new UnreadableEvent(recorded, wrongIn('metadata', metadata.error.issues))
  const { id, stream, revision, type, position, created } = recorded
  return { id, stream, revision, type, data: data.data, metadata: metadata.data, position, created } as Fact
}

function wrongIn(part: string, issues: readonly z.core.$ZodIssue[]): string {
  return issues.map(({ path, message }) => `${[part, ...path].join('.')} ${message}`).join('; ')
}
