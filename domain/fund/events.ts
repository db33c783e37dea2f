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

export const spendingProposedSchema = eventSchema('SpendingProposed', {
  proposalId,
  /** The wallet that is to be paid. */
  to: uuidSchema,
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

export const spendingExecutedSchema = eventSchema('SpendingExecuted', {
  proposalId,
  to: uuidSchema,
  amount: positiveAmountSchema,
  category: spendingCategorySchema,
})

export const fundEventSchema = z.discriminatedUnion('type', [
  contributionsSweptSchema,
  spendingProposedSchema,
  spendingApprovedSchema,
  proposalWithdrawnSchema,
  spendingExecutedSchema,
])

export type FundEvent = z.infer<typeof fundEventSchema>
