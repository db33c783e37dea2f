import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { StreamBusy } from '../commands/lanes.ts'
import { StoreUnavailable } from '../commands/ports.ts'
import { DomainError } from '../domain/errors.ts'
import { checkRoute } from './alias.ts'
import type { Deps } from './deps.ts'
import { example, exampleEnvelope } from './examples.ts'
import { ApiProblem, problemOf } from './problem.ts'
import { firstIssue } from './request.ts'
import { type Answer, type Asked, json, type Route, route } from './route.ts'
import { problemSchema, uncheckedEnvelope } from './schemas.ts'
import { commandAnswer, commandAnswerSchema, commandOf, outcomeOf, statusOf } from './submitting.ts'

const batchBytesMax = 2 * 1024 * 1024
const batchMax = 1000

const batchAnswerSchema = z
  .strictObject({
    answers: z
      .array(
        z.union([
          commandAnswerSchema.extend({ status: z.int() }).meta({ id: 'HeartbeatAnswer' }),
          z.strictObject({ status: z.int(), problem: problemSchema }).meta({ id: 'HeartbeatRefusal' }),
        ]),
      )
      .describe('One for each heartbeat, in their order; `status` is what it would have been answered with alone'),
  })
  .meta({ id: 'HeartbeatsAnswer' })

const batchSchema = z.strictObject({ heartbeats: z.array(uncheckedEnvelope).min(1).max(batchMax) })

async function submitHeartbeats({ body, traceparent }: Pick<Asked, 'body' | 'traceparent'>, deps: Deps): Promise<Answer> {
  const { data, error } = batchSchema.safeParse(body)
  if (error) throw new ApiProblem('BodyInvalid', firstIssue(error))
  const { heartbeats } = data
  const traceId = traceparent?.slice(3, 35) ?? randomBytes(16).toString('hex')
  const answers = new Array<unknown>(heartbeats.length)
  let position: bigint | undefined
  let away: StoreUnavailable | undefined

  const answer = async (envelope: unknown) => {
    try {
      // Each command would wait for the store by itself.
      if (away) throw away
      checkRoute(envelope, 'RecordHeartbeat')
      const outcome = await outcomeOf(envelope, traceparent, deps.submit)
      if (outcome.position !== undefined && (position === undefined || outcome.position > position)) position = outcome.position
      return { status: statusOf(outcome), ...commandAnswer(outcome) }
    } catch (error) {
      if (error instanceof StoreUnavailable && !(error instanceof StreamBusy)) away = error
      const { status, body } = problemOf(error, traceId)
      if (status === 500) deps.log.error({ err: error, traceId }, 'a heartbeat of a batch failed')
      return { status, problem: body }
    }
  }
  // Heartbeats of one node are taken in their order, those of different nodes side by side.
  const lanes = [...Map.groupBy(heartbeats.keys(), (index) => commandOf(heartbeats[index])?.subject).values()]
  const work = async () => {
    for (let lane = lanes.pop(); lane; lane = lanes.pop())
      for (const index of lane) answers[index] = await answer(heartbeats[index])
  }
  await Promise.all(Array.from({ length: deps.limits.batchConcurrency }, work))
  if (away && position === undefined) throw away
  return json(200, { answers }, position === undefined ? {} : { 'duxnet-position': String(position) })
}

const tooEarly = problemOf(
  new DomainError('HeartbeatTooEarly', { retryAfterSeconds: 17, serverTime: example.recordedAt }),
  example.traceId,
).body

/** Many heartbeats at once. */
export const heartbeatRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/heartbeats',
    tag: 'Commands',
    summary: 'Send up to 1,000 heartbeats at once',
    description: 'Each is a signed `RecordHeartbeat` and is answered by itself. Those of one node are taken in their order.',
    body: { schema: batchSchema, bytesMax: batchBytesMax, example: { heartbeats: [exampleEnvelope('RecordHeartbeat')] } },
    successes: {
      200: {
        description: 'Each was decided',
        schema: batchAnswerSchema,
        example: {
          answers: [
            { status: 201, ...example.commandAnswer },
            { status: 429, problem: tooEarly },
          ],
        },
        headers: { 'Duxnet-Position': 'Of the last event that the batch appended' },
      },
    },
    problems: ['BodyMalformed', 'BodyInvalid', 'BodyTooLarge', 'MediaTypeUnsupported', 'Overloaded', 'EventStoreUnavailable'],
    lane: 'batch',
    handle: submitHeartbeats,
  }),
]
