import { z } from 'zod'
import { type CommandType, commandHandlers } from '../commands/catalogue.ts'
import { envelopeSchema, signedCommandSchema } from '../domain/envelope.ts'
import { vitalsSchema } from '../domain/heartbeat/events.ts'
import { profileSchema } from '../domain/node/events.ts'

// Schemas that several routes answer or take. `meta({ id })` makes one a component of the OpenAPI document.

export const positionSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,19})$/, 'must be a position: decimal digits')
  .meta({ id: 'Position', description: 'A place in the log: the commit position as decimal text. It only grows, with gaps.' })

export const profile = profileSchema.meta({ id: 'Profile', description: 'What a node says of itself' })
export const vitals = vitalsSchema.meta({
  id: 'Vitals',
  description: 'What a node measures of itself; permille: 1000 is one whole',
})

export const problemSchema = z
  .looseObject({
    type: z.string().describe('Where the problem is explained, relative to this server'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable for ever; what programs should look at'),
    traceId: z.string().describe("The trace of the request's `traceparent`, or a new one; logged with every fault of ours"),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; further members say more, such as `field`, `reason` or `retryAfterSeconds`' })

/** An envelope with a command of one type. */
export function envelopeOf(type: CommandType): z.ZodType {
  return envelopeWith(type, commandHandlers[type].data)
}

/** An envelope with something signed of one type. */
export function envelopeWith(type: string, data: z.ZodType): z.ZodType {
  const command = signedCommandSchema.extend({ type: z.literal(type), data })
  return envelopeSchema.extend({ command }).meta({ id: type })
}

/** An envelope with a command of any type. */
export const anyEnvelope = z.union((Object.keys(commandHandlers) as CommandType[]).map(envelopeOf)).meta({ id: 'Envelope' })

/** An envelope that is documented but not looked into: the command's own checks do that. */
export const uncheckedEnvelope = z.unknown().meta({ $ref: '#/components/schemas/Envelope' })
