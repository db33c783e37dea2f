import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { instantSchema, publicKeySchema, uuidSchema } from '../ids.ts'
import { positiveAmountSchema } from '../money.ts'
import { quorumSchema } from '../network/events.ts'

const index = z.int().nonnegative()
const proposalId = uuidSchema

/** What spending is for, in one word that figures can be grouped by. */
export const spendingCategorySchema = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'must match ^[a-z][a-z0-9_]{0,31}$')

/** All contributions that escrows made between two events of the log, both included, have come into the fund. */
export const contributionsSweptSchema = eventSchema('ContributionsSwept', {
  /** The nth sweep. */
  n: z.int().positive(),
  /** Dense indexes in the log. */
  fromIndex: index,
  toIndex: index,
  count: z.int().positive(),
  amount: positiveAmountSchema,
  /** SHA-256, in hexadecimal, of the RFC 8785 texts `{amount,escrowId,index}` of the contributions in their order, a line feed behind each. */
  listDigest: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Who is paid: a wallet, or the account of an airdrop's campaign. */
export const payeeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('wallet'), id: uuidSchema }),
  z.strictObject({ kind: z.literal('airdrop'), id: uuidSchema }),
])

export const spendingProposedSchema = eventSchema('SpendingProposed.v2', {
  proposalId,
  to: payeeSchema,
  amount: positiveAmountSchema,
  category: spendingCategorySchema,
  /** Commits to what it is for. */
  purpose: commitmentSchema,
  by: publicKeySchema,
  expiresAt: instantSchema,
  /** Who decides it: the network's stewards when it was proposed. */
  stewards: quorumSchema,
})

export const spendingApprovedSchema = eventSchema('SpendingApproved', { proposalId, by: publicKeySchema })
export const proposalWithdrawnSchema = eventSchema('ProposalWithdrawn', { proposalId })

export const spendingExecutedSchema = eventSchema('SpendingExecuted.v2', {
  proposalId,
  to: payeeSchema,
  amount: positiveAmountSchema,
  category: spendingCategorySchema,
})

/** What an airdrop did not pay out has come back. */
export const spendingReturnedSchema = eventSchema('SpendingReturned', {
  proposalId,
  campaignId: uuidSchema,
  amount: positiveAmountSchema,
})

export const fundEventSchema = z.discriminatedUnion('type', [
  contributionsSweptSchema,
  spendingProposedSchema,
  spendingApprovedSchema,
  proposalWithdrawnSchema,
  spendingExecutedSchema,
  spendingReturnedSchema,
])

export type Payee = z.infer<typeof payeeSchema>
export type FundEvent = z.infer<typeof fundEventSchema>
