import { z } from 'zod'
import { json, type Route, route } from './route.ts'

const checkSchema = z.strictObject({ name: z.string(), ready: z.boolean(), detail: z.string() })
const readinessSchema = z
  .strictObject({
    status: z.enum(['ready', 'not ready', 'stopping']),
    checks: z.array(checkSchema).optional().describe('With `verbose`, all of them; without it, those that fail'),
  })
  .meta({ id: 'Readiness' })

/** For those who run the process. They answer under any load. */
export const operationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/livez',
    tag: 'Operations',
    summary: 'Whether the process runs',
    successes: {
      200: {
        description: 'It does',
        schema: z.strictObject({ status: z.literal('live'), version: z.string() }).meta({ id: 'Liveness' }),
        example: { status: 'live', version: '0.1.0' },
      },
    },
    problems: [],
    lane: 'none',
    handle: (_asked, { version }) => json(200, { status: 'live', version }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    tag: 'Operations',
    summary: "Whether the process does its work: event store, Postgres, each projection's lag",
    query: z.strictObject({ verbose: z.enum(['', 'true', '1']).optional().describe('Name the checks that pass, too') }),
    successes: {
      200: { description: 'It does', schema: readinessSchema, example: { status: 'ready' } },
      503: {
        description: 'Something is away, or the process is about to stop',
        schema: readinessSchema,
        example: { status: 'not ready', checks: [{ name: 'postgres', ready: false, detail: 'does not answer' }] },
      },
    },
    problems: [],
    lane: 'none',
    async handle({ query: { verbose } }, { readiness, stopping }) {
      const checks = await readiness()
      const failing = checks.filter(({ ready }) => !ready)
      const shown = verbose === undefined ? failing : checks
      const status = stopping.aborted ? 'stopping' : failing.length ? 'not ready' : 'ready'
      return json(status === 'ready' ? 200 : 503, { status, ...(shown.length && { checks: shown }) })
    },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    tag: 'Operations',
    summary: "Metrics in Prometheus' text format",
    successes: { 200: { description: 'All metrics of this process', type: 'text/plain' } },
    problems: [],
    lane: 'none',
    async handle(_asked, { metrics }) {
      const { type, body } = await metrics.text()
      return { status: 200, type, body }
    },
  }),
]
