import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { idSchema, instantSchema, publicKeySchema, uuidSchema } from '../ids.ts'
import { amountSchema, positiveAmountSchema } from '../money.ts'
import { quorumSchema } from '../network/events.ts'
import { campaignRulesSchema } from './rules.ts'

const campaignId = uuidSchema
const nodeId = idSchema
const walletId = uuidSchema
const count = z.int().nonnegative()

/** For people: what a campaign is called. */
export const labelSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must match ^[a-z0-9][a-z0-9-]{0,63}$')

export const rootSchema = z.string().regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 hexadecimal digits')

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')

/** An airdrop as it is to be, with all of its rules: nothing else decides who gets what. */
export const campaignAnnouncedSchema = eventSchema('CampaignAnnounced', {
  campaignId,
  label: labelSchema,
  by: publicKeySchema,
  /** The network's, when the rules were made. */
  policyVersion: z.int().positive(),
  rules: campaignRulesSchema,
})

export const campaignCancelledSchema = eventSchema('CampaignCancelled', {
  campaignId,
  /** `withdrawn` by a steward before there was money, or `unfunded` when the window was over. */
  reason: z.enum(['withdrawn', 'unfunded']),
})

/** The fund's spending has come in, and is all that the campaign can ever pay. */
export const campaignFundedSchema = eventSchema('CampaignFunded', {
  campaignId,
  proposalId: uuidSchema,
  amount: positiveAmountSchema,
})

/** The fund paid a campaign that was funded before, or is over: it goes back as it is. */
export const fundingReturnedSchema = eventSchema('FundingReturned', {
  campaignId,
  proposalId: uuidSchema,
  amount: positiveAmountSchema,
})

/** The window is over: the events that count are fixed from now on, by the log itself. */
export const windowClosedSchema = eventSchema('WindowClosed', { campaignId })

const allotmentSchema = z.strictObject({ nodeId, amount: positiveAmountSchema })

/** A page of the list, which is in the order of node ids; most nodes that a page can hold. */
export const allotmentsListedSchema = eventSchema('AllotmentsListed', {
  campaignId,
  /** From 1. */
  n: z.int().positive(),
  allotments: z.array(allotmentSchema).min(1).max(100),
})

/** The list is whole. */
export const allotmentsPublishedSchema = eventSchema('AllotmentsPublished', {
  campaignId,
  /** The events that counted: indexes in the log; `toIndex` is `fromIndex - 1` where there were none. */
  fromIndex: count,
  toIndex: z.int().min(-1),
  /** Nodes that were looked at, and those that get something. */
  considered: count,
  allotted: count,
  amount: amountSchema,
  /** SHA-256 of the list: the RFC 8785 texts `{amount,nodeId}`, a line feed behind each. */
  listDigest: digestSchema,
  /** SHA-256 of the report, which says of each node why (`duxnet airdrop compute`). */
  reportDigest: digestSchema,
  /** Of the list as a Merkle tree in OpenZeppelin's standard format; null of an empty list. */
  root: rootSchema.nullable(),
  /** Until then claims and appeals are taken. */
  claimsUntil: instantSchema,
})

/** A node names the wallet that gets what it was allotted. */
export const allotmentClaimedSchema = eventSchema('AllotmentClaimed', {
  campaignId,
  nodeId,
  walletId,
  amount: positiveAmountSchema,
})

/** A node does not agree. Where it is given something, that goes to the wallet. */
export const appealFiledSchema = eventSchema('AppealFiled', {
  campaignId,
  nodeId,
  walletId,
  /** Commits to its reasons. */
  statement: commitmentSchema,
  /** Who decides: the network's arbiters when it came. */
  arbiters: quorumSchema,
})

/** An arbiter would give so much, 0 for nothing; the last word of each counts. */
export const appealVotedSchema = eventSchema('AppealVoted', { campaignId, nodeId, by: publicKeySchema, award: amountSchema })

/** Enough arbiters said the same. */
export const appealAnsweredSchema = eventSchema('AppealAnswered', { campaignId, nodeId, walletId, award: amountSchema })

const payoutSchema = z.strictObject({
  nodeId,
  leg: z.enum(['allotment', 'award']),
  walletId,
  amount: positiveAmountSchema,
})

/** A batch of what was claimed or awarded is on its way to the wallets. */
export const payoutsReleasedSchema = eventSchema('PayoutsReleased', {
  campaignId,
  /** From 1. */
  n: z.int().positive(),
  payouts: z.array(payoutSchema).min(1).max(100),
})

/** Nothing more is paid; what is left goes back to the fund. */
export const campaignSettledSchema = eventSchema('CampaignSettled', {
  campaignId,
  proposalId: uuidSchema,
  paid: amountSchema,
  returned: amountSchema,
})

export const airdropEventSchema = z.discriminatedUnion('type', [
  campaignAnnouncedSchema,
  campaignCancelledSchema,
  campaignFundedSchema,
  fundingReturnedSchema,
  windowClosedSchema,
  allotmentsListedSchema,
  allotmentsPublishedSchema,
  allotmentClaimedSchema,
  appealFiledSchema,
  appealVotedSchema,
  appealAnsweredSchema,
  payoutsReleasedSchema,
  campaignSettledSchema,
])

export type Allotment = z.infer<typeof allotmentSchema>
export type Payout = z.infer<typeof payoutSchema>
export type AirdropEvent = z.infer<typeof airdropEventSchema>
