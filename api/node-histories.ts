import { z } from 'zod'
import { healthReasonSchema, healthSchema } from '../domain/health/events.ts'
import { idSchema, instantSchema } from '../domain/ids.ts'
import { eventLog } from '../projections/event-log.ts'
import { nodeDirectory } from '../projections/node-directory.ts'
import { nodeHealth } from '../projections/node-health.ts'
import { nodeHeartbeats } from '../projections/node-heartbeats.ts'
import type { Page, Paging, Answer as Read } from '../projections/read.ts'
import { reputationHistory } from '../projections/reputation-history.ts'
import { asOfParameter, latest, positionAsOf, refuseAsOf } from './as-of.ts'
import { eventText } from './cloud-event.ts'
import type { Deps } from './deps.ts'
import { eventSchema } from './events.ts'
import { example } from './examples.ts'
import { nodeExplainRoute } from './node-explain.ts'
import { readPage } from './paging.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, listProblems, many, nextSchema, pageParameters, positionOf, readAt, readHeaders } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema, vitals } from './schemas.ts'

const revisionSchema = z.int().nonnegative()

export const heartbeatSchema = z
  .strictObject({
    revision: revisionSchema.describe("In the node's heartbeat stream"),
    issuedAt: instantSchema.describe("By the node's clock"),
    recordedAt: instantSchema.describe("By the server's clock"),
    vitals,
    position: positionSchema,
  })
  .meta({ id: 'Heartbeat' })

export const healthChangeSchema = z
  .strictObject({
    revision: revisionSchema.describe("In the node's health stream"),
    from: z.enum(['registered', ...healthSchema.options]),
    to: healthSchema,
    reasons: z.array(healthReasonSchema).describe('Which thresholds were crossed'),
    at: instantSchema.describe("When it became so: the heartbeat's time, or the deadline that passed"),
    recordedAt: instantSchema,
    heartbeatRevision: revisionSchema.nullable().describe('The last heartbeat that was seen'),
    position: positionSchema,
  })
  .meta({ id: 'HealthChange' })

export const reputationChangeSchema = z
  .strictObject({
    revision: revisionSchema.describe("In the node's reputation stream"),
    rule: z.string().describe('A rule of the policy, or `custom`'),
    reason: z.string().nullable().describe("The authority's words for a custom delta"),
    old: z.int(),
    new: z.int(),
    delta: z.int().describe('What the rule gives'),
    applied: z.int().describe('What was left of it after clamping'),
    clamped: z.boolean(),
    recordedAt: instantSchema,
    position: positionSchema,
  })
  .meta({ id: 'ReputationChange' })

interface History<Item> {
  readonly name: 'heartbeats' | 'health' | 'reputation' | 'events'
  readonly summary: string
  readonly description?: string
  readonly projection: { readonly name: string }
  /** The field of the answer. */
  readonly field: string
  readonly item: z.ZodType
  readonly example: unknown
  readonly newestFirst: boolean
  /** Whether it forgets what is old. */
  readonly isRetained?: true
  read(reads: Deps['reads'], nodeId: string, paging: Paging): Promise<Read<Page<Item>>>
  /** JSON. */
  text(item: Item): string
}

const withPosition = (item: { readonly position: bigint }) => JSON.stringify({ ...item, position: String(item.position) })

/** `/v1/nodes/:id/<name>`: what happened to a node, in pages. */
function history<Item>({ name, field, newestFirst, isRetained, ...history }: History<Item>): Route {
  const byDefault = newestFirst ? 'desc' : 'asc'
  return route({
    method: 'GET',
    path: `/v1/nodes/:id/${name}`,
    tag: 'Nodes',
    summary: history.summary,
    ...(history.description !== undefined && { description: history.description }),
    params: z.strictObject({ id: idSchema }),
    query: z.strictObject({
      order: z.enum(['asc', 'desc']).optional().describe(`\`asc\`: the oldest first; \`${byDefault}\` unless given`),
      ...pageParameters,
      ...asOfParameter,
      ...afterParameter,
    }),
    successes: {
      200: {
        description: 'A page',
        schema: z.strictObject({ [field]: z.array(history.item), next: nextSchema }),
        example: { [field]: [history.example], next: null },
        headers: readHeaders,
      },
    },
    problems: ['NodeUnknown', 'AsOfUnavailable', ...listProblems],
    lane: 'query',
    async handle({ params: { id }, query: { asOf: wanted, ...asked } }, deps) {
      // The raw events have those that this history does not keep for ever.
      if (isRetained) refuseAsOf(wanted)
      const asOf = await positionAsOf(deps, wanted)
      const query = { ...asked, after: latest(asOf, asked.after) }
      const order = query.order ?? byDefault
      const list = {
        identity: [name, id, order, ...(asOf === undefined ? [] : [String(asOf)])],
        projection: history.projection,
        descending: order === 'desc',
        read: (paging: Paging) => history.read(deps.reads, id, { ...paging, asOf }),
      }
      const page = await readPage(deps, list, query)
      if (!page.value.length) await checkNode(id, query.after, deps)
      return many(page, `{"${field}":[${page.value.map(history.text).join()}],"next":${JSON.stringify(page.next)}}`)
    },
  })
}

/** Nothing may have happened to a node yet; of one that nobody knows there is no history at all. */
async function checkNode(nodeId: string, after: bigint | undefined, deps: Deps): Promise<void> {
  const found = await readAt(deps, nodeDirectory, after, () => deps.reads.findNode(nodeId))
  if (!found.value) throw new ApiProblem('NodeUnknown', { nodeId }, positionOf(found))
}

export const nodeHistoryRoutes: readonly Route[] = [
  nodeExplainRoute,
  history({
    name: 'heartbeats',
    summary: "A node's heartbeats of the last seven days",
    projection: nodeHeartbeats,
    field: 'heartbeats',
    item: heartbeatSchema,
    example: example.heartbeat,
    newestFirst: true,
    isRetained: true,
    read: (reads, nodeId, paging) => reads.nodeHeartbeats(nodeId, paging),
    text: withPosition,
  }),
  history({
    name: 'health',
    summary: "Every change of a node's health, and why",
    projection: nodeHealth,
    field: 'changes',
    item: healthChangeSchema,
    example: example.healthChange,
    newestFirst: true,
    read: (reads, nodeId, paging) => reads.nodeHealthHistory(nodeId, paging),
    text: withPosition,
  }),
  history({
    name: 'reputation',
    summary: "Every change of a node's reputation, and by what rule",
    projection: reputationHistory,
    field: 'changes',
    item: reputationChangeSchema,
    example: example.reputationChange,
    newestFirst: true,
    read: (reads, nodeId, paging) => reads.nodeReputation(nodeId, paging),
    text: withPosition,
  }),
  history({
    name: 'events',
    summary: 'All events about a node, raw, signatures included',
    description: 'In the order of the log. `event` is the canonical event as it was signed and hashed.',
    projection: eventLog,
    field: 'events',
    item: eventSchema,
    example: example.event,
    newestFirst: false,
    read: (reads, nodeId, paging) => reads.subjectEvents(`node:${nodeId}`, paging),
    text: eventText,
  }),
]
