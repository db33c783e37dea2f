import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { idSchema, instantSchema, publicKeySchema, uuidSchema } from '../ids.ts'
import { amountSchema, positiveAmountSchema } from '../money.ts'

const walletId = uuidSchema
const amount = positiveAmountSchema
const count = z.int().nonnegative()
const seconds = z.int().positive()

/** A transaction or block of the chain, as its node writes it: 32 bytes in hexadecimal. */
export const chainHashSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case')

/** Why, in one word that programs can compare. */
export const slugSchema = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'must match ^[a-z][a-z0-9_]{0,63}$')

/**
 * Part of an amount that went into, or came out of, the wallet's debt (`shortfall`) and not its balance. Whatever becomes available
 * repays the debt first, so that a wallet that owes has nothing available.
 */
const debtShare = amountSchema

export const walletOpenedSchema = eventSchema('WalletOpened', { walletId, owner: publicKeySchema })

export const walletKeyChangedSchema = eventSchema('WalletKeyChanged', {
  walletId,
  previousKey: publicKeySchema,
  publicKey: publicKeySchema,
})

/** A standing order: what an airdrop credits to the wallet leaves over the chain at once, less `feeMax`. */
export const standingOrderSchema = z.strictObject({
  destination: commitmentSchema.describe('Commits to the address, which is handed in by `POST /v1/disclosures` before'),
  feeMax: amountSchema.describe('The most that the chain may cost each time; what is not needed comes back'),
  amountMin: positiveAmountSchema.describe('Credits that would pay less than this stay in the wallet'),
})
export const standingOrderChangedSchema = eventSchema('StandingOrderChanged', {
  walletId,
  /** Null: none from now on. */
  order: standingOrderSchema.nullable(),
})

/** Money of a test network, out of nothing. */
export const testDepositIssuedSchema = eventSchema('TestDepositIssued', {
  walletId,
  depositId: uuidSchema,
  amount,
  toShortfall: debtShare,
})

/** Money that came over the chain: output `vout` of transaction `txid`. */
export const depositCreditedSchema = eventSchema('DepositCredited', {
  walletId,
  txid: chainHashSchema,
  vout: count,
  amount,
  toShortfall: debtShare,
  /** The block that held it, and its height. */
  blockHash: chainHashSchema,
  height: count,
})

/** The chain took a deposit back. What was no longer in the wallet is its debt from now on. */
export const depositReversedSchema = eventSchema('DepositReversed', {
  walletId,
  txid: chainHashSchema,
  vout: count,
  amount,
  fromShortfall: debtShare,
  reason: slugSchema,
})

export const holdPlacedSchema = eventSchema('HoldPlaced', { walletId, holdId: uuidSchema, amount })
export const holdCapturedSchema = eventSchema('HoldCaptured', { walletId, holdId: uuidSchema, amount })
export const holdReleasedSchema = eventSchema('HoldReleased', { walletId, holdId: uuidSchema, amount, toShortfall: debtShare })

export const transferSentSchema = eventSchema('TransferSent', { walletId, transferId: uuidSchema, to: uuidSchema, amount })

/** Where a credit comes from: a leg of an escrow, another wallet's transfer, spending of the community fund, or an airdrop. */
export const creditSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('escrow'),
    escrowId: uuidSchema,
    leg: z.string().regex(/^(provider|refund|refund-[1-9]\d{0,3})$/),
  }),
  z.strictObject({ kind: z.literal('transfer'), transferId: uuidSchema, from: uuidSchema }),
  z.strictObject({ kind: z.literal('spending'), proposalId: uuidSchema }),
  z.strictObject({
    kind: z.literal('airdrop'),
    campaignId: uuidSchema,
    nodeId: idSchema,
    leg: z.enum(['allotment', 'award']),
  }),
])

export const creditPostedSchema = eventSchema('CreditPosted', {
  walletId,
  source: creditSourceSchema,
  amount,
  toShortfall: debtShare,
})

/** What made a withdrawal wait for a person, with the figures it was judged by. */
export const signalSchema = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('amount'), limit: amountSchema }),
  z.strictObject({ rule: z.literal('new_destination'), limit: amountSchema }),
  z.strictObject({ rule: z.literal('velocity_amount'), limit: amountSchema, seen: amountSchema, windowSeconds: seconds }),
  z.strictObject({ rule: z.literal('velocity_count'), limit: count, seen: count, windowSeconds: seconds }),
  z.strictObject({ rule: z.literal('duplicate'), of: uuidSchema, windowSeconds: seconds }),
])

const withdrawal = { walletId, withdrawalId: uuidSchema }

/** Amount and `feeMax` are held until the chain has confirmed it, or it is given up. */
export const withdrawalRequestedSchema = eventSchema('WithdrawalRequested', {
  ...withdrawal,
  amount,
  feeMax: amountSchema,
  destination: commitmentSchema,
  signals: z.array(signalSchema).max(8),
  /** Whether a steward has to approve it. */
  review: z.boolean(),
  at: instantSchema,
})
export const withdrawalApprovedSchema = eventSchema('WithdrawalApproved', { ...withdrawal, by: publicKeySchema })
export const withdrawalRejectedSchema = eventSchema('WithdrawalRejected', {
  ...withdrawal,
  by: publicKeySchema,
  toShortfall: debtShare,
})
export const withdrawalCancelledSchema = eventSchema('WithdrawalCancelled', { ...withdrawal, toShortfall: debtShare })
export const withdrawalFailedSchema = eventSchema('WithdrawalFailed', { ...withdrawal, reason: slugSchema, toShortfall: debtShare })

/** A transaction is signed and may be broadcast from now on. Attempts after the first spend the same inputs for a higher fee. */
export const withdrawalSignedSchema = eventSchema('WithdrawalSigned', {
  ...withdrawal,
  attempt: z.int().positive(),
  txid: chainHashSchema,
  fee: amountSchema,
  /** Booked by the first attempt: the amount and the whole `feeMax`; 0 for later ones. */
  booked: amountSchema,
})

const settled = {
  txid: chainHashSchema,
  amount,
  fee: amountSchema,
  /** Of the fee, what the network bears: more than was booked, after a dearer attempt took the place of one that was confirmed. */
  feeBorne: amountSchema,
}

export const withdrawalConfirmedSchema = eventSchema('WithdrawalConfirmed', {
  ...withdrawal,
  ...settled,
  /** What was booked for fees and not needed; and of it, what repays the wallet's debt. */
  feeReturned: amountSchema,
  toShortfall: debtShare,
  blockHash: chainHashSchema,
  height: count,
})

/** The chain took the confirmation back: amount and fee are on their way again. */
export const withdrawalUnconfirmedSchema = eventSchema('WithdrawalUnconfirmed', { ...withdrawal, ...settled, reason: slugSchema })

export const walletEventSchema = z.discriminatedUnion('type', [
  walletOpenedSchema,
  walletKeyChangedSchema,
  standingOrderChangedSchema,
  testDepositIssuedSchema,
  depositCreditedSchema,
  depositReversedSchema,
  holdPlacedSchema,
  holdCapturedSchema,
  holdReleasedSchema,
  transferSentSchema,
  creditPostedSchema,
  withdrawalRequestedSchema,
  withdrawalApprovedSchema,
  withdrawalRejectedSchema,
  withdrawalCancelledSchema,
  withdrawalFailedSchema,
  withdrawalSignedSchema,
  withdrawalConfirmedSchema,
  withdrawalUnconfirmedSchema,
])

export type WalletEvent = z.infer<typeof walletEventSchema>

const walletTypes: ReadonlySet<string> = new Set(walletEventSchema.options.map(({ shape }) => shape.type.value))

/** Whether an event is a wallet's own: others name wallets, too. */
export function isWalletType(type: string): type is WalletEvent['type'] {
  return walletTypes.has(type)
}
export type StandingOrder = z.infer<typeof standingOrderSchema>
export type CreditSource = z.infer<typeof creditSourceSchema>
export type Signal = z.infer<typeof signalSchema>
