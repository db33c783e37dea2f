import { z } from 'zod'
import { instantSchema } from '../domain/ids.ts'
import { networkFoundedSchema } from '../domain/network/events.ts'
import { network } from '../projections/network.ts'
import { nodeDirectory } from '../projections/node-directory.ts'
import { asOfParameter, refuseAsOf } from './as-of.ts'
import { example } from './examples.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, many, one, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'

export const networkSchema = networkFoundedSchema.shape.data
  .extend({
    changedPosition: positionSchema.describe('Of the last event that changed any of it, the time apart'),
    serverTime: instantSchema.describe("The clock that a command's `issuedAt` is held against"),
  })
  .meta({ id: 'Network' })

const count = z.int().nonnegative()

export const statsSchema = z
  .strictObject({
    nodes: z.strictObject({ registered: count, healthy: count, unhealthy: count, offline: count, deregistered: count }),
    cores: count.describe('Of the nodes that have not left'),
    memoryBytes: count.describe('Of the nodes that have not left'),
  })
  .meta({ id: 'Stats' })

export const networkRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/network',
    tag: 'Network',
    summary: 'The network: its id, keys, roles and policy, and the time',
    description: 'The ETag is weak, for the time is not part of it.',
    query: z.strictObject(afterParameter),
    successes: { 200: { description: 'The network', schema: networkSchema, example: example.network, headers: readHeaders } },
    problems: ['NetworkUnknown', ...readProblems],
    lane: 'query',
    async handle({ query: { after } }, deps) {
      const found = await readAt(deps, network, after, () => deps.reads.network())
      if (!found.value) throw new ApiProblem('NetworkUnknown', {}, positionOf(found))
      const { changedPosition, ...rest } = found.value
      const body = { ...rest, changedPosition: String(changedPosition), serverTime: deps.clock().toISOString() }
      const answer = one(found, changedPosition, body)
      // No cache may keep it: it would go on showing the old time.
      return { ...answer, etag: `W/${answer.etag}`, headers: { ...answer.headers, 'cache-control': 'no-store' } }
    },
  }),
  route({
    method: 'GET',
    path: '/v1/stats',
    tag: 'Network',
    summary: 'How many nodes there are, by status, and what they have together',
    query: z.strictObject({ ...asOfParameter, ...afterParameter }),
    successes: { 200: { description: 'The figures', schema: statsSchema, example: example.stats, headers: readHeaders } },
    problems: ['AsOfUnavailable', ...readProblems],
    lane: 'query',
    async handle({ query: { asOf, after } }, deps) {
      refuseAsOf(asOf)
      const found = await readAt(deps, nodeDirectory, after, () => deps.reads.stats())
      return many(found, JSON.stringify(found.value))
    },
  }),
]
