// Why a node's reputation is what it is, and its status: every change of the one, the last of the other.
import { z } from 'zod'
import { idSchema } from '../domain/ids.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { nodeDirectory } from '../projections/node-directory.ts'
import { exampleTree } from './example-signers.ts'
import { example } from './examples.ts'
import { explained, explanationSchema } from './explain.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { factOf, subjectEvents } from './subject-events.ts'

const valueSchema = z.strictObject({
  nodeId: idSchema,
  status: z.enum(['registered', 'healthy', 'unhealthy', 'offline', 'deregistered']),
  reputation: z.int(),
})

const contributionSchema = z.strictObject({
  rule: z.string().describe('Of the policy, `custom`, or `start`: what every node begins with'),
  changes: z.int().nonnegative(),
  sum: z.int().describe('What they came to; with the start, all sums are the reputation'),
  firstIndex: z.int().nonnegative().nullable().describe('Of the first of them in the log'),
  lastIndex: z.int().nonnegative().nullable(),
})

const types = ['NodeRegistered', 'NodeDeregistered', 'NodeHealthChanged', 'ReputationChanged']

export const nodeExplainRoute: Route = route({
  method: 'GET',
  path: '/v1/nodes/:id/explain',
  tag: 'Nodes',
  summary: "Of which changes a node's reputation is made, and what made its status",
  params: z.strictObject({ id: idSchema }),
  query: z.strictObject(afterParameter),
  successes: {
    200: {
      description: 'The explanation',
      schema: explanationSchema('NodeExplanation', valueSchema, contributionSchema),
      example: {
        subject: `node:${example.node.nodeId}`,
        value: { nodeId: example.node.nodeId, status: 'healthy', reputation: 60 },
        contributions: [
          { rule: 'start', changes: 0, sum: 50, firstIndex: null, lastIndex: null },
          { rule: 'task_success', changes: 1, sum: 10, firstIndex: 98, lastIndex: 98 },
        ],
        policyVersion: 1,
        events: [],
        log: exampleTree,
      },
      headers: readHeaders,
    },
  },
  problems: ['NodeUnknown', ...readProblems],
  lane: 'query',
  async handle({ params: { id }, query: { after } }, deps) {
    const found = await readAt(deps, nodeDirectory, after, () => deps.reads.findNode(id))
    if (!found.value) throw new ApiProblem('NodeUnknown', { nodeId: id }, positionOf(found))
    const { nodeId, status, reputation } = found.value
    const { value: all } = await subjectEvents(deps, `node:${id}`, { types, after: found.position })
    const events = all.filter(({ position }) => position <= found.position)
    const health = events.filter(({ type }) => type === 'NodeHealthChanged')
    const contributions = contributionsOf(events, reputation)
    const { policyVersion } = factOf(events.at(-1)!).metadata
    // Of changes of health, the last says all.
    const shown = events.filter((event) => event.type !== 'NodeHealthChanged' || event === health.at(-1))
    return explained(
      found,
      { subject: `node:${id}`, value: { nodeId, status, reputation }, contributions, policyVersion, events: shown },
      deps,
    )
  },
})

interface Contribution {
  readonly rule: string
  changes: number
  sum: number
  readonly firstIndex: number
  lastIndex: number
}

function contributionsOf(events: readonly EventView[], reputation: number) {
  const byRule = new Map<string, Contribution>()
  for (const event of events) {
    const fact = factOf(event)
    if (fact.type !== 'ReputationChanged') continue
    const { index } = event
    const { rule, applied } = fact.data
    const part = byRule.get(rule) ?? { rule, changes: 0, sum: 0, firstIndex: index, lastIndex: index }
    byRule.set(rule, part)
    part.changes += 1
    part.sum += applied
    part.lastIndex = index
  }
  const changed = [...byRule.values()].reduce((sum, part) => sum + part.sum, 0)
  return [{ rule: 'start', changes: 0, sum: reputation - changed, firstIndex: null, lastIndex: null }, ...byRule.values()]
}
