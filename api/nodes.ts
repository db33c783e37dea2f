import { z } from 'zod'
import { healthSchema } from '../domain/health/events.ts'
import { idSchema, instantSchema, publicKeySchema } from '../domain/ids.ts'
import { profileSchema } from '../domain/node/events.ts'
import { type NodePlace, type NodeSort, type NodeView, nodeView } from '../projections/node-directory.query.ts'
import { nodeDirectory } from '../projections/node-directory.ts'
import { asOfParameter, refuseAsOf } from './as-of.ts'
import { checkGeneration, readCursor, writeCursor } from './cursor.ts'
import { example } from './examples.ts'
import { detail } from './query-routes.ts'
import { afterParameter, listProblems, many, nextSchema, pageLimit, pageParameters, readAt, readHeaders } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema, profile, vitals } from './schemas.ts'

export const nodeSchema = z
  .strictObject({
    nodeId: idSchema,
    status: z
      .enum(['registered', 'healthy', 'unhealthy', 'offline', 'deregistered'])
      .describe('`registered` until the first heartbeat; `deregistered` nodes are at their own address only'),
    publicKey: publicKeySchema.describe('Ed25519, base64url: speaks for the node now'),
    profile,
    reputation: z.int().describe('0 to 100 under the policy a network starts with'),
    registeredAt: instantSchema,
    updatedAt: instantSchema.describe('Of the last change of profile, key or registration'),
    lastHeartbeatAt: instantSchema.nullable(),
    vitals: vitals.nullable().describe('What the last heartbeat said'),
    changedPosition: positionSchema.describe('Of the last event that changed any of it'),
  })
  .meta({ id: 'Node' })

const nodePageSchema = z.strictObject({ nodes: z.array(nodeSchema), next: nextSchema }).meta({ id: 'NodePage' })

function bodyOf(node: NodeView): z.infer<typeof nodeSchema> {
  return { ...node, changedPosition: String(node.changedPosition) }
}

const slug = profileSchema.shape.region
const sorts = ['nodeId', 'registeredAt', 'updatedAt', 'reputation'] as const satisfies readonly NodeSort[]
const sortSchema = z.enum([...sorts, ...sorts.map((sort) => `-${sort}` as const)])

/** What a cursor may hold where the nodes are sorted so. */
function placeSchema(sort: NodeSort): z.ZodType<NodePlace> {
  const value = sort === 'reputation' ? z.int() : sort === 'nodeId' ? idSchema : instantSchema
  return z.strictObject({ value, nodeId: idSchema })
}

export const nodeRoutes: readonly Route[] = [
  detail({
    path: '/v1/nodes/:id',
    tag: 'Nodes',
    summary: 'A node, also one that has left',
    projection: nodeDirectory,
    params: z.strictObject({ id: idSchema }),
    schema: nodeSchema,
    example: example.node,
    unknown: { code: 'NodeUnknown', details: ({ id }) => ({ nodeId: id }) },
    read: (reads, { id }) => reads.findNode(id),
    past: ({ id }) => ({ table: nodeDirectory.tables.nodes, key: id, subject: `node:${id}`, newestOnly: ['HeartbeatRecorded'] }),
    fromRow: nodeView,
  }),
  route({
    method: 'GET',
    path: '/v1/nodes',
    tag: 'Nodes',
    summary: 'The nodes that have not left',
    description:
      'Pages are complete and without repetition for nodes whose place in the order did not change meanwhile. Ties are broken by `nodeId`.',
    query: z.strictObject({
      status: z.enum(['registered', ...healthSchema.options]).optional(),
      capability: slug.optional().describe('Nodes that have it'),
      region: slug.optional(),
      min_reputation: z
        .string()
        .regex(/^-?\d{1,9}$/, 'must be a whole number')
        .transform(Number)
        .optional()
        .meta({ description: 'Nodes whose reputation is at least this', type: 'integer', pattern: undefined }),
      sort: sortSchema.optional().describe('`nodeId` unless given; with `-` in front, descending'),
      ...pageParameters,
      ...asOfParameter,
      ...afterParameter,
    }),
    successes: {
      200: {
        description: 'A page of nodes',
        schema: nodePageSchema,
        example: { nodes: [example.node], next: null },
        headers: readHeaders,
      },
    },
    problems: ['AsOfUnavailable', ...listProblems],
    lane: 'query',
    async handle({ query: { status, capability, region, min_reputation: minReputation, asOf, ...query } }, deps) {
      refuseAsOf(asOf)
      const order = query.sort ?? 'nodeId'
      const sort = order.replace('-', '') as NodeSort
      const filter = { status, capability, region, minReputation }
      const list = [deps.networkId, '/v1/nodes', filter, order]
      const cursor = query.cursor === undefined ? undefined : readCursor(list, placeSchema(sort), query.cursor)
      const listing = { filter, sort, descending: order !== sort, limit: query.limit ?? pageLimit, after: cursor?.place }
      const page = await readAt(deps, nodeDirectory, query.after, () => deps.reads.listNodes(listing))
      checkGeneration(cursor, page.generation)
      const { nodes, next } = page.value
      return many(
        page,
        JSON.stringify({
          nodes: nodes.map(bodyOf),
          next: next === undefined ? null : writeCursor(list, { generation: page.generation, place: next }),
        }),
      )
    },
  }),
]
