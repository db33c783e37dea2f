// Airdrops: their rules, who gets what, proofs of it, and why.
import { z } from 'zod'
import { digestSchema, rootSchema } from '../domain/airdrop/events.ts'
import { leafOf, leafTypes, listText, sha256Hex } from '../domain/airdrop/list.ts'
import { campaignRulesSchema } from '../domain/airdrop/rules.ts'
import { idSchema, instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import type { AllotmentRow, CampaignRow } from '../projections/airdrops.ts'
import { airdrops, allotmentId } from '../projections/airdrops.ts'
import { analyticsOf } from './airdrop-analytics.ts'
import { airdropExample as example } from './airdrop-examples.ts'
import { airdropExplainRoute } from './airdrop-explain.ts'
import { treeOf } from './airdrop-trees.ts'
import type { Deps } from './deps.ts'
import type { CampaignView } from './pages/airdrops.ts'
import { newestPlace } from './paging.ts'
import { ApiProblem } from './problem.ts'
import { detail, list } from './query-routes.ts'
import { afterParameter, jsonText, many, one, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'

const tag = 'Airdrops'
const count = z.int().nonnegative()
const params = z.strictObject({ id: uuidSchema })
const nodeParams = z.strictObject({ id: uuidSchema, nodeId: idSchema })

const campaignSchema = z
  .strictObject({
    campaignId: uuidSchema,
    label: z.string(),
    by: publicKeySchema,
    status: z.enum(['announced', 'cancelled', 'funded', 'closed', 'published', 'settled']),
    policyVersion: z.int().positive(),
    rules: campaignRulesSchema.describe('All that decides who gets what'),
    budget: amountSchema,
    proposalId: uuidSchema.nullable().describe("The fund's spending that paid it"),
    fromIndex: count.nullable().describe('Of the first event that counted; null before the publication, as all about the list'),
    toIndex: z.int().min(-1).nullable().describe('Of the last'),
    considered: count.nullable().describe('Nodes that were looked at'),
    allotted: count.nullable().describe('Nodes that get something'),
    allottedAmount: amountSchema.nullable(),
    listDigest: digestSchema.nullable().describe('SHA-256 of the list, under which `/v1/airdrop-lists/{digest}` has it'),
    reportDigest: digestSchema.nullable().describe('SHA-256 of what `duxnet airdrop compute` prints'),
    root: rootSchema.nullable().describe("Of the list as a Merkle tree in OpenZeppelin's standard format"),
    claimsUntil: instantSchema.nullable(),
    claims: count,
    claimedAmount: amountSchema,
    appeals: count,
    openAppeals: count,
    awardedAmount: amountSchema.describe('By answers to appeals'),
    batches: count,
    payouts: count.describe('Allotments and awards that are on their way or paid'),
    releasedAmount: amountSchema,
    creditedAmount: amountSchema.describe('Of it, what has come into wallets'),
    returned: amountSchema.nullable().describe('To the fund, when it was settled'),
    announcedAt: instantSchema,
    publishedAt: instantSchema.nullable(),
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Campaign' })

const allotmentSchema = z
  .strictObject({
    campaignId: uuidSchema,
    nodeId: idSchema,
    amount: amountSchema.describe('0 for a node that is not on the list and has appealed'),
    walletId: uuidSchema.nullable().describe('Which it was claimed for'),
    claimedAt: instantSchema.nullable(),
    paidAt: instantSchema.nullable().describe('When it came into the wallet'),
    appealedAt: instantSchema.nullable(),
    statement: z.string().nullable().describe('Commits to what the appeal says'),
    appealWalletId: uuidSchema.nullable(),
    votes: z.record(publicKeySchema, amountSchema).nullable().describe('What each arbiter would give'),
    award: amountSchema.nullable().describe('What arbiters gave, 0 for nothing; null while an appeal is open'),
    answeredAt: instantSchema.nullable(),
    awardPaidAt: instantSchema.nullable(),
    changedPosition: positionSchema,
  })
  .meta({ id: 'Allotment' })

const proofSchema = z
  .strictObject({
    campaignId: uuidSchema,
    nodeId: idSchema,
    amount: amountSchema,
    root: rootSchema,
    leafTypes: z.array(z.string()).describe('ABI types of the values of the leaf'),
    leaf: z.array(z.string()).describe('The values; hashed as OpenZeppelin does: Keccak-256, twice, of their ABI encoding'),
    proof: z.array(rootSchema),
  })
  .meta({ id: 'AllotmentProof' })

const analyticsSchema = z
  .strictObject({
    ...campaignSchema.pick({
      campaignId: true,
      label: true,
      status: true,
      budget: true,
      considered: true,
      allotted: true,
      allottedAmount: true,
      claims: true,
      claimedAmount: true,
      awardedAmount: true,
      releasedAmount: true,
      creditedAmount: true,
      returned: true,
      appeals: true,
      openAppeals: true,
    }).shape,
    smallest: amountSchema.nullable(),
    median: amountSchema.nullable(),
    largest: amountSchema.nullable(),
    giniPermille: z.int().min(0).max(1000).nullable().describe('How unequal it is: 0 all the same, 1000 one has all'),
    deciles: z
      .array(z.strictObject({ upTo: amountSchema, nodes: count, amount: amountSchema }))
      .describe('Tenths of the nodes, those that get least first: the most that one gets, how many, what they get'),
  })
  .meta({ id: 'AirdropReport' })

const unknown = { code: 'CampaignUnknown', details: ({ id }: { id: string }) => ({ campaignId: id }) } as const

/** A campaign that there is. Throws `CampaignUnknown` and as `readAt`. */
async function campaignAt(deps: Deps, id: string, after: bigint | undefined) {
  const found = await readAt(deps, airdrops, after, () => deps.reads.findCampaign(id))
  if (!found.value) throw new ApiProblem('CampaignUnknown', { campaignId: id }, positionOf(found))
  return { ...found, value: found.value }
}

async function wholeList(deps: Deps, { campaignId }: Pick<CampaignRow, 'campaignId'>) {
  const { value } = await readAt(deps, airdrops, undefined, () => deps.reads.wholeList(campaignId))
  return value.map(({ nodeId, amount }) => ({ nodeId, amount: String(amount) }))
}

/** What the page of an airdrop shows. Throws `CampaignUnknown` and as `readAt`. */
export async function campaignView(deps: Deps, campaignId: string): Promise<CampaignView> {
  const { value: campaign } = await campaignAt(deps, campaignId, undefined)
  const listing = { campaignId, limit: 50, after: undefined }
  const [amounts, { value: allotted }, { value: appealed }] = await Promise.all([
    wholeList(deps, campaign),
    readAt(deps, airdrops, undefined, () => deps.reads.listAllotments(listing)),
    readAt(deps, airdrops, undefined, () => deps.reads.listAllotments({ ...listing, appealed: true })),
  ])
  return {
    campaign,
    analytics: analyticsOf(
      campaign,
      amounts.map(({ amount }) => BigInt(amount)),
    ),
    allotments: allotted.items.filter(({ amount }) => amount > 0n),
    appeals: appealed.items,
  }
}

const withoutId = ({ id: _, ...row }: AllotmentRow) => row

export const airdropRoutes: readonly Route[] = [
  list({
    path: '/v1/airdrops',
    tag,
    summary: 'Airdrops, the newest first',
    projection: airdrops,
    filter: { status: campaignSchema.shape.status.optional() },
    field: 'airdrops',
    item: campaignSchema,
    example: example.campaign,
    place: newestPlace,
    read: ({ reads }, { filter, ...page }) => reads.listCampaigns({ ...filter, ...page }),
  }),
  detail({
    path: '/v1/airdrops/:id',
    tag,
    summary: 'An airdrop: its rules, what came of them, and where its money is',
    projection: airdrops,
    params,
    schema: campaignSchema,
    example: example.campaign,
    unknown,
    read: (reads, { id }) => reads.findCampaign(id),
    past: ({ id }) => ({ table: airdrops.tables.campaigns, key: id, subject: `airdrop:${id}` }),
  }),
  list({
    path: '/v1/airdrops/:id/allotments',
    tag,
    summary: 'What nodes get, and what became of it, in the order of their ids',
    projection: airdrops,
    params,
    filter: { appealed: z.enum(['true', 'false']).optional().describe('Only those that appealed, or did not') },
    field: 'allotments',
    item: allotmentSchema,
    example: example.allotment,
    place: z.string().max(64),
    problems: ['CampaignUnknown'],
    read: ({ reads }, { params: { id }, filter: { appealed }, ...page }) =>
      reads.listAllotments({ campaignId: id, ...(appealed && { appealed: appealed === 'true' }), ...page }),
    check: async (deps, { id }, after) => void (await campaignAt(deps, id, after)),
    text: (row) => jsonText(withoutId(row)),
  }),
  detail({
    path: '/v1/airdrops/:id/allotments/:nodeId',
    tag,
    summary: 'What one node gets, and what became of it',
    projection: airdrops,
    params: nodeParams,
    schema: allotmentSchema,
    example: example.allotment,
    unknown: { code: 'NothingAllotted', details: ({ id, nodeId }) => ({ campaignId: id, nodeId }) },
    read: (reads, { id, nodeId }) => reads.findAllotment(id, nodeId),
    past: ({ id, nodeId }) => ({ table: airdrops.tables.allotments, key: allotmentId(id, nodeId), subject: `airdrop:${id}` }),
    body: withoutId,
  }),
  route({
    method: 'GET',
    path: '/v1/airdrops/:id/allotments/:nodeId/proof',
    tag,
    summary: 'That a node is on the list',
    description: "A proof in OpenZeppelin's standard format, against the root that the log holds.",
    params: nodeParams,
    query: z.strictObject(afterParameter),
    successes: { 200: { description: 'The proof', schema: proofSchema, example: example.proof, headers: readHeaders } },
    problems: ['CampaignUnknown', 'NothingAllotted', ...readProblems],
    lane: 'batch',
    async handle({ params: { id, nodeId }, query: { after } }, deps) {
      const found = await campaignAt(deps, id, after)
      const { campaignId, root, listDigest } = found.value
      const origin = { networkId: deps.networkId, campaignId }
      const tree = listDigest === null ? undefined : await treeOf(listDigest, origin, () => wholeList(deps, found.value))
      const allotment = tree?.allotments.get(nodeId)
      if (!allotment) throw new ApiProblem('NothingAllotted', { campaignId, nodeId }, positionOf(found))
      const leaf = leafOf(origin, allotment)
      return many(found, jsonText({ campaignId, ...allotment, root, leafTypes, leaf, proof: tree!.proofOf(nodeId) }))
    },
  }),
  airdropExplainRoute,
  route({
    method: 'GET',
    path: '/v1/airdrops/:id/report',
    tag,
    summary: 'How an airdrop was distributed, and where its money is',
    params,
    query: z.strictObject(afterParameter),
    successes: { 200: { description: 'The report', schema: analyticsSchema, example: example.analytics, headers: readHeaders } },
    problems: ['CampaignUnknown', ...readProblems],
    lane: 'batch',
    async handle({ params: { id }, query: { after } }, deps) {
      const found = await campaignAt(deps, id, after)
      const amounts = (await wholeList(deps, found.value)).map(({ amount }) => BigInt(amount))
      return one(found, found.value.changedPosition, analyticsOf(found.value, amounts))
    },
  }),
  route({
    method: 'GET',
    path: '/v1/airdrop-lists/:digest',
    tag,
    summary: 'The whole list of an airdrop, by its digest',
    description: 'Lines of RFC 8785 `{amount,nodeId}` in the order of node ids; their SHA-256 is the digest.',
    params: z.strictObject({ digest: digestSchema }),
    successes: { 200: { description: 'The list', type: 'application/x-ndjson' } },
    problems: ['CampaignUnknown', 'Overloaded', 'ReadModelBuilding', 'ReadModelUnavailable'],
    lane: 'batch',
    async handle({ params: { digest } }, deps) {
      const { value: campaign } = await readAt(deps, airdrops, undefined, () => deps.reads.campaignOfList(digest))
      if (!campaign) throw new ApiProblem('CampaignUnknown', { listDigest: digest })
      const body = listText(await wholeList(deps, campaign))
      if (sha256Hex(body) !== digest) throw new Error(`the list of ${campaign.campaignId} is not what its digest says`)
      const headers = { 'cache-control': 'public, max-age=31536000, immutable' }
      return { status: 200, type: 'application/x-ndjson', body, headers }
    },
  }),
]
