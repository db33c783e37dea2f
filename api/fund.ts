import { z } from 'zod'
import { commitmentSchema } from '../domain/commitment.ts'
import { fundId } from '../domain/fund/decider.ts'
import { payeeSchema, spendingCategorySchema } from '../domain/fund/events.ts'
import { instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { quorumSchema } from '../domain/network/events.ts'
import { communityFund, type FundTotalsRow } from '../projections/community-fund.ts'
import { asOfParameter } from './as-of.ts'
import { fundReportRoute } from './fund-report.ts'
import { moneyExample } from './money-examples.ts'
import { newestPlace, numberPlace } from './paging.ts'
import { rowAsOf } from './past.ts'
import { detail, list } from './query-routes.ts'
import { afterParameter, jsonText, many, one, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'

const tag = 'Fund'
const index = z.int().nonnegative()

const fundSchema = z
  .strictObject({
    fund: z.literal(fundId),
    balance: amountSchema.describe('Swept and not spent: what can be spent now'),
    swept: amountSchema,
    spent: amountSchema,
    returned: amountSchema.describe('Of what was spent, what airdrops gave back'),
    pending: amountSchema.describe('Contributed and not swept yet'),
    contributions: z.int().nonnegative(),
    sweeps: z.int().nonnegative(),
    sweptToIndex: z.int().min(-1).describe('Index in the log up to which contributions were swept'),
    changedIndex: z.int().min(-1).describe('Of the last event that concerns the fund'),
    changedPosition: positionSchema.or(z.literal('-1')),
  })
  .meta({ id: 'Fund' })

/** Before the first contribution. */
const empty = {
  fund: fundId,
  balance: 0n,
  swept: 0n,
  spent: 0n,
  returned: 0n,
  pending: 0n,
  contributions: 0,
  sweeps: 0,
  sweptToIndex: -1,
  changedIndex: -1,
  changedPosition: -1n,
}

const contributionSchema = z
  .strictObject({
    index: index.describe('Of the event that gave it, in the log'),
    escrowId: uuidSchema,
    amount: amountSchema,
    recordedAt: instantSchema,
    position: positionSchema,
  })
  .meta({ id: 'Contribution' })

const sweepSchema = z
  .strictObject({
    n: z.int().positive(),
    fromIndex: index,
    toIndex: index,
    count: z.int().positive(),
    amount: amountSchema,
    listDigest: z
      .string()
      .describe('SHA-256 of the RFC 8785 texts `{amount,escrowId,index}` of its contributions, a line feed behind each'),
    recordedAt: instantSchema,
    position: positionSchema,
  })
  .meta({ id: 'Sweep' })

const proposalSchema = z
  .strictObject({
    proposalId: uuidSchema,
    status: z.enum(['proposed', 'executed', 'withdrawn']),
    to: payeeSchema.describe('The wallet or the airdrop that is to be paid'),
    amount: amountSchema,
    category: spendingCategorySchema,
    purpose: commitmentSchema.describe('Commits to what it is for'),
    by: publicKeySchema,
    expiresAt: instantSchema,
    stewards: quorumSchema.describe('Who decides it: the stewards when it was proposed'),
    approvals: z.array(publicKeySchema),
    creditedAt: instantSchema.nullable().describe('When it came to whom it is for'),
    returned: amountSchema.describe('What of it has come back from an airdrop'),
    proposedAt: instantSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Proposal' })

const allocationSchema = z
  .strictObject({
    category: spendingCategorySchema,
    spendings: z.int().positive(),
    amount: amountSchema,
    lastAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Allocation' })

export const fundRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/fund',
    tag,
    summary: 'The community fund: what it has, got and spent',
    query: z.strictObject({ ...asOfParameter, ...afterParameter }),
    successes: { 200: { description: 'The fund', schema: fundSchema, example: moneyExample.fund, headers: readHeaders } },
    problems: ['AsOfUnavailable', ...readProblems],
    lane: 'query',
    async handle({ query: { asOf, after } }, deps) {
      const past = { table: communityFund.tables.fundTotals, key: fundId, subject: `fund:${fundId}` }
      const found =
        asOf === undefined
          ? await readAt(deps, communityFund, after, () => deps.reads.fund())
          : await rowAsOf(deps, asOf, after, past)
      const value = (found.value as FundTotalsRow | undefined) ?? empty
      return one(found, value.changedPosition, value)
    },
  }),
  list({
    path: '/v1/fund/contributions',
    tag,
    summary: 'What escrows gave to the fund, the newest first',
    projection: communityFund,
    filter: {},
    field: 'contributions',
    item: contributionSchema,
    example: moneyExample.contribution,
    place: numberPlace,
    isHistory: true,
    read: ({ reads }, page) => reads.fundContributions({ ...page, descending: true }),
  }),
  list({
    path: '/v1/fund/sweeps',
    tag,
    summary: 'How contributions came into the fund, the newest first',
    projection: communityFund,
    filter: {},
    field: 'sweeps',
    item: sweepSchema,
    example: moneyExample.sweep,
    place: numberPlace,
    isHistory: true,
    read: ({ reads }, page) => reads.fundSweeps({ ...page, descending: true }),
  }),
  list({
    path: '/v1/fund/proposals',
    tag,
    summary: 'Proposals to spend, the newest first',
    projection: communityFund,
    filter: { status: proposalSchema.shape.status.optional() },
    field: 'proposals',
    item: proposalSchema,
    example: moneyExample.proposal,
    place: newestPlace,
    read: ({ reads }, { filter, ...page }) => reads.listProposals({ ...filter, ...page }),
  }),
  detail({
    path: '/v1/fund/proposals/:proposalId',
    tag,
    summary: 'A proposal, and who approved it',
    projection: communityFund,
    params: z.strictObject({ proposalId: uuidSchema }),
    schema: proposalSchema,
    example: moneyExample.proposal,
    unknown: { code: 'ProposalUnknown', details: ({ proposalId }) => ({ proposalId }) },
    read: (reads, { proposalId }) => reads.findProposal(proposalId),
    past: ({ proposalId }) => ({ table: communityFund.tables.proposals, key: proposalId, subject: `proposal:${proposalId}` }),
  }),
  route({
    method: 'GET',
    path: '/v1/fund/allocations',
    tag,
    summary: 'What was spent on what, by category',
    query: z.strictObject(afterParameter),
    successes: {
      200: {
        description: 'All categories',
        schema: z.strictObject({ allocations: z.array(allocationSchema) }),
        example: { allocations: [moneyExample.allocation] },
        headers: readHeaders,
      },
    },
    problems: readProblems,
    lane: 'query',
    async handle({ query: { after } }, deps) {
      const found = await readAt(deps, communityFund, after, () => deps.reads.allocations())
      return many(found, jsonText({ allocations: found.value }))
    },
  }),
  fundReportRoute,
]
