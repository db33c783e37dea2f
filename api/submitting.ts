import { z } from 'zod'
import { AppendOutcomeUnknown, type CommandOutcome } from '../commands/ports.ts'
import { uuidSchema } from '../domain/ids.ts'
import type { Deps } from './deps.ts'
import { example } from './examples.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'
import { type Answer, type Asked, json } from './route.ts'
import { positionSchema } from './schemas.ts'

/** The longest body that holds one command. */
export const commandBodyBytesMax = 64 * 1024

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

/** What a command of any type can be refused with. */
export const commandRefusals: readonly ProblemCode[] = [
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
  'CommandsTooMany',
  'Overloaded',
  'EventStoreUnavailable',
  'CommandOutcomeUnknown',
]

/** How an address that takes a command answers when it took it. */
export const commandSuccesses = {
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

/** The command in what may be an envelope. */
export function commandOf(envelope: unknown): { readonly [field: string]: unknown } | undefined {
  const command = (envelope as { command?: unknown } | null)?.command
  return typeof command === 'object' && command !== null ? (command as { readonly [field: string]: unknown }) : undefined
}

/** Hands the body on to be decided. */
export async function submit(
  { body, traceparent, address }: Pick<Asked, 'body' | 'traceparent' | 'address'>,
  { submit, rates }: Deps,
): Promise<Answer> {
  const limit = rates({ type: commandOf(body)?.type, key: (body as { publicKey?: unknown } | null)?.publicKey }, address)
  limit.check()
  const outcome = await outcomeOf(body, traceparent, submit)
  if (outcome.outcome === 'accepted') limit.spend()
  const headers: Record<string, string> = {}
  if (outcome.position !== undefined) headers['duxnet-position'] = String(outcome.position)
  if (outcome.outcome === 'accepted') headers.location = `/v1/commands/${outcome.commandId}`
  return json(statusOf(outcome), commandAnswer(outcome), headers)
}

/** What became of an envelope; an unknown outcome bears the command's id. */
export async function outcomeOf(
  envelope: unknown,
  traceparent: string | undefined,
  submit: Deps['submit'],
): Promise<CommandOutcome> {
  try {
    return await submit(envelope, traceparent === undefined ? {} : { traceparent })
  } catch (error) {
    if (!(error instanceof AppendOutcomeUnknown)) throw error
    throw new ApiProblem('CommandOutcomeUnknown', { commandId: String(commandOf(envelope)?.commandId) }, {}, { cause: error })
  }
}

export function statusOf({ outcome }: CommandOutcome): number {
  return outcome === 'accepted' ? 201 : 200
}

export function commandAnswer({ position, ...outcome }: CommandOutcome): z.infer<typeof commandAnswerSchema> {
  return { ...outcome, ...(position !== undefined && { position: String(position) }) } as z.infer<typeof commandAnswerSchema>
}
