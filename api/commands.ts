import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { StreamBusy } from '../commands/lanes.ts'
import { AppendOutcomeUnknown, type CommandOutcome, StoreUnavailable } from '../commands/ports.ts'
import { DomainError } from '../domain/errors.ts'
import { idSchema, uuidSchema } from '../domain/ids.ts'
import type { Deps } from './deps.ts'
import { example, exampleEnvelope } from './examples.ts'
import { ApiProblem, type ProblemCode, problemOf } from './problem.ts'
import { firstIssue } from './request.ts'
import { type Answer, type Asked, json, type Route, route } from './route.ts'
import { anyEnvelope, envelopeOf, positionSchema, problemSchema, uncheckedEnvelope } from './schemas.ts'

const commandBytesMax = 64 * 1024
const batchBytesMax = 2 * 1024 * 1024
const batchMax = 1000

export const commandAnswerSchema = z
  .strictObject({
    commandId: uuidSchema,
    outcome: z
      .enum(['accepted', 'repeated', 'unchanged'])
      .describe('`repeated`: it had happened before, and this is its first answer; `unchanged`: already so, nothing was appended'),
    stream: z.string(),
    events: z
      .array(
        z.strictObject({ id: uuidSchema, revision: z.int().nonnegative(), type: z.string(), data: z.record(z.string(), z.json()) }),
      )
      .describe('What was appended; empty when unchanged'),
    position: positionSchema.optional().describe('Of the last of `events`; absent when unchanged'),
  })
  .meta({ id: 'CommandAnswer' })

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

/** What a command of any type can be refused with. */
const refusals: readonly ProblemCode[] = [
  'BodyMalformed',
  'BodyTooLarge',
  'MediaTypeUnsupported',
  'CommandMalformed',
  'CommandUnknownType',
  'CommandTooLarge',
  'SignatureInvalid',
  'AudienceMismatch',
  'CommandIdReused',
  'CommandStale',
  'CommandFromTheFuture',
  'SignerNotAllowed',
  'Overloaded',
  'EventStoreUnavailable',
  'CommandOutcomeUnknown',
]
const nodeRefusals: readonly ProblemCode[] = ['NodeNotRegistered', 'NodeDeregistered']

const successes = {
  201: {
    description: 'It was accepted and has happened: the events are durable',
    schema: commandAnswerSchema,
    example: example.commandAnswer,
    headers: {
      'Duxnet-Position': 'Of the last event appended',
      Location: 'Where the command can be asked after: `/v1/commands/{id}`',
    },
  },
  200: {
    description: 'It had happened before (`repeated`, with the first answer), or it is already so (`unchanged`)',
    schema: commandAnswerSchema,
    example: { ...example.commandAnswer, outcome: 'repeated' },
    headers: { 'Duxnet-Position': 'Of the last event that it appended then; absent when unchanged' },
  },
} as const

/** An address that takes one type of command, about the node in its path where it has one. */
function alias(
  path: string,
  type: Parameters<typeof exampleEnvelope>[0],
  summary: string,
  problems: readonly ProblemCode[],
): Route {
  const aboutNode = path.includes(':id')
  return route({
    method: 'POST',
    path,
    tag: 'Commands',
    summary,
    description: `Takes \`${type}\` only${aboutNode ? ', whose subject is the node of the path' : ''}; otherwise as \`POST /v1/commands\`.`,
    ...(aboutNode && { params: z.strictObject({ id: idSchema }) }),
    body: { schema: envelopeOf(type), bytesMax: commandBytesMax, example: exampleEnvelope(type) },
    successes,
    problems: [...refusals, 'CommandNotForThisRoute', ...problems],
    lane: 'command',
    handle(asked, deps) {
      checkRoute(asked.body, type, (asked.params as { id?: string }).id)
      return submit(asked, deps)
    },
  })
}

/** A body that is no envelope goes on: the command's own checks say better what is wrong with it. */
function checkRoute(body: unknown, type: string, subject: string | undefined): void {
  const command = commandOf(body)
  if (typeof command?.type === 'string' && command.type !== type)
    throw new ApiProblem('CommandNotForThisRoute', { field: 'command.type', reason: `must be ${type} here` })
  if (subject !== undefined && typeof command?.subject === 'string' && command.subject !== subject)
    throw new ApiProblem('CommandNotForThisRoute', { field: 'command.subject', reason: 'must be the id in the path' })
}

function commandOf(envelope: unknown): { readonly [field: string]: unknown } | undefined {
  const command = (envelope as { command?: unknown } | null)?.command
  return typeof command === 'object' && command !== null ? (command as { readonly [field: string]: unknown }) : undefined
}

async function submit({ body, traceparent }: Pick<Asked, 'body' | 'traceparent'>, { submit }: Deps): Promise<Answer> {
  const outcome = await outcomeOf(body, traceparent, submit)
  const headers: Record<string, string> = {}
  if (outcome.position !== undefined) headers['duxnet-position'] = String(outcome.position)
  if (outcome.outcome === 'accepted') headers.location = `/v1/commands/${outcome.commandId}`
  return json(statusOf(outcome), commandAnswer(outcome), headers)
}

/** As `submit`, but an unknown outcome bears the command's id. */
async function outcomeOf(envelope: unknown, traceparent: string | undefined, submit: Deps['submit']): Promise<CommandOutcome> {
  try {
    return await submit(envelope, traceparent === undefined ? {} : { traceparent })
  } catch (error) {
    if (!(error instanceof AppendOutcomeUnknown)) throw error
    throw new ApiProblem('CommandOutcomeUnknown', { commandId: String(commandOf(envelope)?.commandId) }, {}, { cause: error })
  }
}

function statusOf({ outcome }: CommandOutcome): number {
  return outcome === 'accepted' ? 201 : 200
}

function commandAnswer({ position, ...outcome }: CommandOutcome): z.infer<typeof commandAnswerSchema> {
  return { ...outcome, ...(position !== undefined && { position: String(position) }) } as z.infer<typeof commandAnswerSchema>
}

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
      checkRoute(envelope, 'RecordHeartbeat', undefined)
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

export const commandRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/commands',
    tag: 'Commands',
    summary: 'Send any command',
    description:
      'A command is signed by whoever sends it: Ed25519 over `duxnet-command-v1`, a line feed and the RFC 8785 text of `command`; keys and signature in base64url. Its id makes it safe to send again: a repetition is answered as the first time.',
    body: { schema: anyEnvelope, bytesMax: commandBytesMax, example: exampleEnvelope('RecordHeartbeat') },
    successes,
    problems: [
      ...refusals,
      ...nodeRefusals,
      'NodeAlreadyRegistered',
      'NodeIdMismatch',
      'NodeKeyProofInvalid',
      'HeartbeatTooEarly',
      'HeartbeatOutOfOrder',
      'ReputationRuleUnknown',
    ],
    lane: 'command',
    handle: submit,
  }),
  alias('/v1/nodes', 'RegisterNode', 'Register a node', ['NodeAlreadyRegistered', 'NodeDeregistered', 'NodeIdMismatch']),
  alias('/v1/nodes/:id/update', 'UpdateNode', "Replace a node's profile", nodeRefusals),
  alias('/v1/nodes/:id/key', 'ChangeNodeKey', "Change a node's key, or recover a lost one", [
    ...nodeRefusals,
    'NodeKeyProofInvalid',
  ]),
  alias('/v1/nodes/:id/deregister', 'DeregisterNode', 'Take a node out of the network', nodeRefusals),
  alias('/v1/nodes/:id/heartbeats', 'RecordHeartbeat', 'Send a heartbeat', [
    ...nodeRefusals,
    'HeartbeatTooEarly',
    'HeartbeatOutOfOrder',
  ]),
  alias('/v1/nodes/:id/reputation', 'ChangeReputation', "Change a node's reputation, as the authority", [
    ...nodeRefusals,
    'ReputationRuleUnknown',
  ]),
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
