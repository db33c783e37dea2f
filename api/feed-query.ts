import { z } from 'zod'
import { eventTypes } from '../domain/catalogue.ts'
import { categories } from '../domain/stream.ts'
import { subjectSchema } from '../domain/subjects.ts'
import { positionSchema } from './schemas.ts'

const entriesMax = 64

/** Values by commas. */
const listOf = (item: z.ZodType<string, string>, about: string) =>
  z
    .string()
    .max(4000)
    .transform((text) => text.split(','))
    .pipe(z.array(item).max(entriesMax, `must be ${entriesMax} at most`))
    .optional()
    .meta({ description: about, type: 'string', pattern: undefined })

const oneOf = (values: readonly string[]) => z.enum(values, `must be some of ${values.join(', ')}`)

export const feedQuery = z.strictObject({
  from: z
    .union([z.enum(['start', 'end']), positionSchema.transform((text) => BigInt(text))], 'must be start, end or a position')
    .optional()
    .meta({
      description: 'Of a feed: where it begins. `start`, `end` (what is new; so unless given), or a position: what comes after it',
    }),
  category: listOf(oneOf(categories), 'Of a feed: only streams of these categories, by commas: `wallet,escrow`'),
  type: listOf(oneOf(eventTypes), 'Of a feed: only events of these types, by commas'),
  stream: listOf(
    z.string().regex(/^[a-z0-9]+_[a-zA-Z]+-[a-z0-9-]{1,64}$/, 'must be names of streams'),
    'Of a feed: only these streams, by commas',
  ),
  subject: listOf(subjectSchema, 'Of a feed: only what touches one of these, by commas'),
})

export type FeedQuery = z.infer<typeof feedQuery>
