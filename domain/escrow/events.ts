import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { instantSchema, publicKeySchema, signatureSchema, uuidSchema } from '../ids.ts'
import { amountSchema, positiveAmountSchema, shareSchema } from '../money.ts'
import { quorumSchema } from '../network/events.ts'

/** The escrow, and the wallets that it is between: every event names them, so that each side's history needs no other stream. */
const ids = { escrowId: uuidSchema, client: uuidSchema, provider: uuidSchema }
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
  ...ids,
  amount,
  /** Of what goes to the provider; the policy's when it was opened. */
  fundSharePermille: shareSchema,
  /** Commits to what was agreed. */
  terms: commitmentSchema,
  /** The key that says whether a result is right; absent where that is the client, with whichever key its wallet has by then. */
  verifier: publicKeySchema.exactOptional(),
  /** What the provider gets of the rest when a dispute stays undecided. */
  fallbackProviderPermille: shareSchema,
  windows: windowsSchema,
  dueAt,
})

/** The client's money is spoken for. It moves into the escrow's account with the wallet's `HoldCaptured`. */
export const escrowFundedSchema = eventSchema('EscrowFunded', { ...ids, amount, dueAt })
export const escrowStartedSchema = eventSchema('EscrowStarted', { ...ids, dueAt })

export const escrowDeliveredSchema = eventSchema('EscrowDelivered', {
  ...ids,
  resultHash: resultHashSchema,
  /** Of the provider's key `signedBy`, over the result: a proof that stands without the log. */
  signature: signatureSchema,
  signedBy: publicKeySchema,
  dueAt,
})

export const resultVerifiedSchema = eventSchema('ResultVerified', { ...ids, resultHash: resultHashSchema, valid: z.boolean() })

export const escrowReleasedSchema = eventSchema('EscrowReleased', {
  ...ids,
  resultHash: resultHashSchema,
  /** To the provider, net; to the community fund. With what was refunded before, they are all that was locked. */
  providerAmount: amountSchema,
  fundAmount: amountSchema,
})

/** The `n`th refund that the provider granted; `refundId` is the command that did. */
export const escrowPartlyRefundedSchema = eventSchema('EscrowPartlyRefunded', {
  ...ids,
  n: z.int().positive(),
  refundId: uuidSchema,
  amount,
})

export const escrowRefundedSchema = eventSchema('EscrowRefunded', {
  ...ids,
  amount,
  reason: z.enum(['cancelled', 'declined', 'not_started', 'not_delivered', 'invalid_result']),
})

export const escrowExpiredSchema = eventSchema('EscrowExpired', { ...ids, reason: z.enum(['cancelled', 'not_funded']) })

export const escrowDisputedSchema = eventSchema('EscrowDisputed', {
  ...ids,
  by: z.enum(['client', 'provider', 'deadline']),
  /** Commits to why; absent where a deadline opened it. */
  reason: commitmentSchema.optional(),
  /** Who decides it: the network's arbiters when it was opened. */
  arbiters: quorumSchema,
  dueAt,
})

export const evidenceAddedSchema = eventSchema('EvidenceAdded', {
  ...ids,
  by: z.enum(['client', 'provider', 'arbiter']),
  key: publicKeySchema,
  evidence: commitmentSchema,
})

export const disputeVotedSchema = eventSchema('DisputeVoted', {
  ...ids,
  arbiter: publicKeySchema,
  /** What the provider should get of the rest, the fund's share included. */
  providerAmount: amountSchema,
})

export const escrowResolvedSchema = eventSchema('EscrowResolved', {
  ...ids,
  by: z.enum(['arbiters', 'fallback']),
  providerAmount: amountSchema,
  fundAmount: amountSchema,
  clientAmount: amountSchema,
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
