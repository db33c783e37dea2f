import type { z } from 'zod'
import * as airdrop from './airdrop/events.ts'
import * as attestation from './attestation/events.ts'
import { type AuditEvent, differenceClosedSchema, differenceFoundSchema, digestsRecordedSchema } from './audit/events.ts'
import * as escrow from './escrow/events.ts'
import type { RecordedEvent } from './event.ts'
import { type Metadata, metadataSchema } from './event.ts'
import * as fund from './fund/events.ts'
import { spendingExecutedV1Schema, spendingExecutedV2, spendingProposedV1Schema, spendingProposedV2 } from './fund/upcasters.ts'
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
  | attestation.AttestationEvent
  | airdrop.AirdropEvent

/** Shape of every event type that is written; a type that is missing here does not compile. */
const currentSchemas = {
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
  StandingOrderChanged: wallet.standingOrderChangedSchema,
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
  'SpendingProposed.v2': fund.spendingProposedSchema,
  SpendingApproved: fund.spendingApprovedSchema,
  ProposalWithdrawn: fund.proposalWithdrawnSchema,
  'SpendingExecuted.v2': fund.spendingExecutedSchema,
  SpendingReturned: fund.spendingReturnedSchema,
  DifferenceFound: differenceFoundSchema,
  DifferenceClosed: differenceClosedSchema,
  DigestsRecorded: digestsRecordedSchema,
  ComputationProved: attestation.computationProvedSchema,
  SybilSignalRaised: attestation.sybilSignalRaisedSchema,
  SybilSignalWithdrawn: attestation.sybilSignalWithdrawnSchema,
  CampaignAnnounced: airdrop.campaignAnnouncedSchema,
  CampaignCancelled: airdrop.campaignCancelledSchema,
  CampaignFunded: airdrop.campaignFundedSchema,
  FundingReturned: airdrop.fundingReturnedSchema,
  WindowClosed: airdrop.windowClosedSchema,
  AllotmentsListed: airdrop.allotmentsListedSchema,
  AllotmentsPublished: airdrop.allotmentsPublishedSchema,
  AllotmentClaimed: airdrop.allotmentClaimedSchema,
  AppealFiled: airdrop.appealFiledSchema,
  AppealVoted: airdrop.appealVotedSchema,
  AppealAnswered: airdrop.appealAnsweredSchema,
  PayoutsReleased: airdrop.payoutsReleasedSchema,
  CampaignSettled: airdrop.campaignSettledSchema,
} satisfies Record<DomainEvent['type'], unknown>

/** Shape of every event type that the log can hold, those that are no longer written included. */
export const eventSchemas = {
  ...currentSchemas,
  SpendingProposed: spendingProposedV1Schema,
  SpendingExecuted: spendingExecutedV1Schema,
}

export type StoredType = keyof typeof eventSchemas

/** What an event of a type that is no longer written says as one that is; a former type that is missing here does not compile. */
const upcasters: {
  readonly [Type in Exclude<StoredType, DomainEvent['type']>]: (event: z.infer<(typeof eventSchemas)[Type]>) => DomainEvent
} = {
  SpendingProposed: spendingProposedV2,
  SpendingExecuted: spendingExecutedV2,
}

/** The name of every event type that the log can hold. */
export const eventTypes = Object.keys(eventSchemas) as readonly StoredType[]

const versionAtEnd = /\.v(\d+)$/

/** Version of a type's schema, which the type ends in from the second on. */
export function schemaVersionOf(type: string): number {
  return Number(versionAtEnd.exec(type)?.[1] ?? 1)
}

/** A type without its version: what happened, in whatever shape it is told. */
export function nameOf(type: string): string {
  return type.replace(versionAtEnd, '')
}

/** Every type, of whatever version, by which the log may hold what `types` tell of. */
export function versionsOf(types: readonly string[]): readonly StoredType[] {
  const names = new Set(types.map(nameOf))
  return eventTypes.filter((type) => names.has(nameOf(type)))
}

/** A recorded event whose data and metadata have been checked; what folds work on. Its `type` narrows its `data`. */
export type Fact = DomainEvent &
  Omit<RecordedEvent, 'type' | 'data' | 'metadata'> & {
    readonly metadata: Metadata
    /** As it is stored, where that is a type that is no longer written: what is hashed, shown and exported. */
    readonly stored?: Pick<RecordedEvent, 'type' | 'data' | 'metadata'>
  }

/** An event that nobody can read: unknown type, or data or metadata of the wrong shape. It stops whoever needed it. */
export class UnreadableEvent extends Error {
  readonly event: RecordedEvent

  constructor(event: RecordedEvent, why: string) {
    super(`${event.type} at ${event.stream}@${event.revision} (position ${event.position}): ${why}`)
    this.name = 'UnreadableEvent'
    this.event = event
  }
}

/** Checks shape and gives the event its type, the newest version of it. Throws `UnreadableEvent`. */
export function decode(recorded: RecordedEvent): Fact {
  const schema = Object.hasOwn(eventSchemas, recorded.type) && eventSchemas[recorded.type as StoredType]
  if (!schema) throw new UnreadableEvent(recorded, 'no such event type')
  const data = schema.shape.data.safeParse(recorded.data)
  if (!data.success) throw new UnreadableEvent(recorded, wrongIn('data', data.error.issues))
  const metadata = metadataSchema.safeParse(recorded.metadata)
  if (!metadata.success) throw new UnreadableEvent(recorded, wrongIn('metadata', metadata.error.issues))
  return typed(recorded, data.data, metadata.data)
}

/** As `decode`, of an event that is decoded elsewhere, too: its shape is not checked again. */
export function decodeUnchecked(recorded: RecordedEvent): Fact {
  return typed(recorded, recorded.data, recorded.metadata)
}

function typed(recorded: RecordedEvent, data: unknown, metadata: unknown): Fact {
  const { id, stream, revision, type, position, created, entry } = recorded
  const read = { id, stream, revision, type, data, metadata, position, created }
  const fact = entry ? { ...read, entry } : read
  return Object.hasOwn(upcasters, type) ? upcast(fact as never) : (fact as Fact)
}

function upcast(fact: Omit<Fact, 'type' | 'data'> & { readonly type: keyof typeof upcasters; readonly data: never }): Fact {
  const { type, data, metadata } = fact
  const event = upcasters[type]({ type, data } as never)
  const schemaVersion = schemaVersionOf(event.type)
  return { ...fact, ...event, metadata: { ...metadata, schemaVersion }, stored: { type, data, metadata } } as unknown as Fact
}

function wrongIn(part: string, issues: readonly z.core.$ZodIssue[]): string {
  return issues.map(({ path, message }) => `${[part, ...path].join('.')} ${message}`).join('; ')
}
