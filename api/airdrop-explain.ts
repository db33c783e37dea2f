// Why a node gets what it gets of an airdrop, or nothing: folded again from its own events.
import { z } from 'zod'
import { weightOf } from '../domain/airdrop/allotment.ts'
import { contributionsOf, standingTypes } from '../domain/airdrop/contributions.ts'
import {
  countInWindow,
  countNode,
  nodeTallies,
  reasons,
  reasonsOf,
  standingsOf,
  windowTallies,
} from '../domain/airdrop/eligibility.ts'
import type { CampaignRules } from '../domain/airdrop/rules.ts'
import { idSchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { airdrops, type CampaignRow } from '../projections/airdrops.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { airdropExample as example } from './airdrop-examples.ts'
import type { Deps } from './deps.ts'
import { exampleTree } from './example-signers.ts'
import { explained, explanationSchema } from './explain.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { factOf, subjectPages } from './subject-events.ts'

const count = z.int().nonnegative()
const decimal = z.string().regex(/^-?\d+$/)

const valueSchema = z.strictObject({
  campaignId: uuidSchema,
  nodeId: idSchema,
  isEligible: z.boolean(),
  reasons: z.array(z.enum(reasons)).describe('What it fails; empty where it is eligible'),
  weight: decimal.describe('Its share of the pool is this of the sum of all'),
  amount: amountSchema,
})

const contributionSchema = z.strictObject({
  criterion: z.enum(reasons),
  value: decimal,
  needed: decimal.describe('At least; of `sybil`, at most'),
  holds: z.boolean(),
  events: count.describe('Of the window, that it is counted from'),
  firstIndex: count.nullable(),
  lastIndex: count.nullable(),
})

const { standing, reasons: none, weight, amount } = example.judged
const rules = example.campaign.rules

export const airdropExplainRoute: Route = route({
  method: 'GET',
  path: '/v1/airdrops/:id/nodes/:nodeId/explain',
  tag: 'Airdrops',
  summary: 'Why a node gets what it gets of an airdrop, or nothing',
  description:
    'Its events up to the end of the window are folded again. The events that count but heartbeats, of which only the first and the last are named.',
  params: z.strictObject({ id: uuidSchema, nodeId: idSchema }),
  query: z.strictObject(afterParameter),
  successes: {
    200: {
      description: 'The explanation',
      schema: explanationSchema('AirdropExplanation', valueSchema, contributionSchema),
      example: {
        subject: `node:${standing.nodeId}`,
        value: {
          campaignId: example.campaign.campaignId,
          nodeId: standing.nodeId,
          isEligible: true,
          reasons: none,
          weight: String(weight),
          amount: String(amount),
        },
        contributions: contributionsOf(standing, rules.criteria, []),
        policyVersion: 1,
        events: [],
        log: exampleTree,
      },
      headers: readHeaders,
    },
  },
  problems: ['CampaignUnknown', 'CampaignNotInStatus', 'NodeNotRegistered', ...readProblems],
  lane: 'batch',
  async handle({ params: { id, nodeId }, query: { after } }, deps) {
    const found = await readAt(deps, airdrops, after, () => deps.reads.findCampaign(id))
    const campaign = found.value
    if (!campaign) throw new ApiProblem('CampaignUnknown', { campaignId: id }, positionOf(found))
    const { status: state } = campaign
    if (campaign.toIndex === null)
      throw new ApiProblem('CampaignNotInStatus', { campaignId: id, state, needed: 'published' }, positionOf(found))
    const { standing, events } = await standingAt(deps, campaign, nodeId)
    if (!standing) throw new ApiProblem('NodeNotRegistered', { nodeId }, positionOf(found))
    const rules = campaign.rules as unknown as CampaignRules
    const failed = reasonsOf(standing, rules.criteria)
    const allotment = await readAt(deps, airdrops, undefined, () => deps.reads.findAllotment(id, nodeId))
    const isEligible = failed.length === 0
    const weight = isEligible ? weightOf(standing, rules.algorithm) : 0n
    const beats = events.filter(({ type }) => type === 'HeartbeatRecorded')
    const shown = events.filter((event) => event.type !== 'HeartbeatRecorded' || event === beats[0] || event === beats.at(-1))
    const value = { campaignId: id, nodeId, isEligible, reasons: failed, weight, amount: allotment.value?.amount ?? 0n }
    const inWindow = events.filter(({ index }) => index >= campaign.fromIndex!)
    const contributions = contributionsOf(standing, rules.criteria, inWindow)
    const { policyVersion } = campaign
    return explained(found, { subject: `node:${nodeId}`, value, contributions, policyVersion, events: shown }, deps)
  },
})

/** A node at the end of a campaign's window, with its events up to there in their order; of heartbeats, those in the window. */
async function standingAt(deps: Deps, { fromIndex, toIndex, rules }: CampaignRow, nodeId: string) {
  const node = `node:${nodeId}`
  const nodes = nodeTallies()
  const window = windowTallies(rules as unknown as CampaignRules)
  const events: EventView[] = []
  const wanted = [
    subjectPages(deps, `network:${deps.networkId}`, { types: ['NetworkFounded'] }),
    subjectPages(deps, node, { types: standingTypes.filter((type) => type !== 'HeartbeatRecorded') }),
    subjectPages(deps, node, { types: ['HeartbeatRecorded'], behind: fromIndex! - 1 }),
  ]
  for (const pages of wanted)
    for await (const { value } of pages) {
      const counting = value.filter(({ index }) => index <= toIndex!)
      for (const view of counting) {
        const fact = factOf(view)
        if (view.index >= fromIndex!) countInWindow(window, fact)
        countNode(nodes, fact)
      }
      events.push(...counting)
      if (counting.length < value.length) break
    }
  const [standing] = standingsOf(nodes, window)
  return { standing, events: events.sort((one, other) => one.index - other.index) }
}
