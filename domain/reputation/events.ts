import { z } from 'zod'
import { idSchema } from '../ids.ts'

export const reputationChangedSchema = z.strictObject({
  type: z.literal('ReputationChanged'),
  data: z.strictObject({
    nodeId: idSchema,
    /** A rule of the policy, or `custom`. */
    rule: z.string().max(64),
    /** Why, for a custom delta: the authority's own words, public like all of the log. */
    reason: z.string().min(1).max(200).optional(),
    old: z.int(),
    new: z.int(),
    /** What the rule gives. */
    delta: z.int(),
    /** What was left of it after clamping: `new - old`. */
    applied: z.int(),
    clamped: z.boolean(),
  }),
})

export const reputationEventSchema = reputationChangedSchema

export type ReputationEvent = z.infer<typeof reputationEventSchema>
