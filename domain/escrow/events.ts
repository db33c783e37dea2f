import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { instantSchema, publicKeySchema, signatureSchema, uuidSchema } from '../ids.ts'
import { amountSchema, positiveAmountSchema, shareSchema } from '../money.ts'
import { quorumSchema } from '../network/events.ts'

const escrowId = uuidSchema
const amount = positiveAmountSchema
const seconds = z.int().positive()

/** When the state that the event leads to ends by itself. */
const dueAt = instantSchema

/** SHA-256 of a result, in hexadecimal. */
export const resultHashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the result: 64 hexadecimal digits')

/** For how long each waiting state may last, in seconds. */
export const windowsSchema = z.strictObject({
  fund: seconds,
  start: seconds,
  deliver: seconds,
  accept: seconds,
  resolve: seconds,
})

export const escrowOpenedSchema = eventSchema('EscrowOpened', {
  escrowId,
  /** Their wallets. */
  client: uuidSchema,
  provider: uuidSchema,
  amount,
  /** Of what goes to the provider; the policy's when it was opened. */
  fundSharePermille: shareSchema,
  /** Commits to what was agreed. */
  terms: commitmentSchema,
  /** The key that says whether a result is right; the client's own unless it named another. */
  verifier: publicKeySchema,
  /** What the provider gets of the rest when a dispute stays undecided. */
  fallbackProviderPermille: shareSchema,
  windows: windowsSchema,
  dueAt,
})

/** The client's money is spoken for. It moves into the escrow's account with the wallet's `HoldCaptured`. */
export const escrowFundedSchema = eventSchema('EscrowFunded', { escrowId, amount, dueAt })
export const escrowStartedSchema = eventSchema('EscrowStarted', { escrowId, dueAt })

export const escrowDeliveredSchema = eventSchema('EscrowDelivered', {
  escrowId,
  resultHash: resultHashSchema,
  /** Of the provider's key `signedBy`, over the result: a proof that stands without the log. */
  signature: signatureSchema,
  signedBy: publicKeySchema,
  dueAt,
})

export const resultVerifiedSchema = eventSchema('ResultVerified', { escrowId, resultHash: resultHashSchema, valid: z.boolean() })

export const escrowReleasedSchema = eventSchema('EscrowReleased', {
  escrowId,
  resultHash: resultHashSchema,
  /** To the provider, net; to the community fund. With what was refunded before, they are all that was locked. */
  provider: amountSchema,
  fund: amountSchema,
})

/** The `n`th refund that the provider granted. */
export const escrowPartlyRefundedSchema = eventSchema('EscrowPartlyRefunded', { escrowId, n: z.int().positive(), amount })

export const escrowRefundedSchema = eventSchema('EscrowRefunded', {
  escrowId,
  amount,
  reason: z.enum(['cancelled', 'declined', 'not_started', 'not_delivered', 'invalid_result']),
})

export const escrowExpiredSchema = eventSchema('EscrowExpired', { escrowId, reason: z.enum(['cancelled', 'not_funded']) })

export const escrowDisputedSchema = eventSchema('EscrowDisputed', {
  escrowId,
  by: z.enum(['client', 'provider', 'deadline']),
  /** Commits to why; absent where a deadline opened it. */
  reason: commitmentSchema.optional(),
  /** Who decides it: the network's arbiters when it was opened. */
  arbiters: quorumSchema,
  dueAt,
})

export const evidenceAddedSchema = eventSchema('EvidenceAdded', {
  escrowId,
  by: z.enum(['client', 'provider', 'arbiter']),
  key: publicKeySchema,
  evidence: commitmentSchema,
})

export const disputeVotedSchema = eventSchema('DisputeVoted', {
  escrowId,
  arbiter: publicKeySchema,
  /** What the provider should get of the rest, the fund's share included. */
  providerAmount: amountSchema,
})

export const escrowResolvedSchema = eventSchema('EscrowResolved', {
  escrowId,
  by: z.enum(['arbiters', 'fallback']),
  provider: amountSchema,
  fund: amountSchema,
  client: amountSchema,
})

export const escrowEventSchema = z.discriminatedUnion('type', [
  escrowOpenedSchema,
  escrowFundedSchema,
  escrowStartedSchema,
  escrowDeliveredSchema,
  resultVerifiedSchema,
  escrowReleasedSchema,
  escrowPartlyRefundedSchema,
  escrowRefundedSchema,
  escrowExpiredSchema,
  escrowDisputedSchema,
  evidenceAddedSchema,
  disputeVotedSchema,
  escrowResolvedSchema,
])

export type EscrowEvent = z.infer<typeof escrowEventSchema>
export type EscrowWindows = z.infer<typeof windowsSchema>
