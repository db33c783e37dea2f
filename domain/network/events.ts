import { z } from 'zod'
import { instantSchema, publicKeySchema, uuidSchema } from '../ids.ts'
import { policySchema } from './policy.ts'

/** Keys of which `threshold` must agree. */
export const quorumSchema = z.strictObject({ members: z.array(publicKeySchema), threshold: z.int().nonnegative() })

/** Genesis (design.md 1): the first event of every log. */
export const networkFoundedSchema = z.strictObject({
  type: z.literal('NetworkFounded'),
  data: z.strictObject({
    networkId: uuidSchema,
    kind: z.enum(['test', 'main']),
    foundedAt: instantSchema,
    /** Signs reputation, recovers node keys. */
    authority: publicKeySchema,
    /** Sign the commands of processes and timers, by role: `health`. */
    serviceKeys: z.record(z.string(), publicKeySchema),
    /** Signs the log's checkpoints. */
    logKey: publicKeySchema,
    stewards: quorumSchema,
    arbiters: quorumSchema,
    governors: quorumSchema,
    policy: policySchema,
  }),
})

export const networkEventSchema = networkFoundedSchema

export type NetworkFounded = z.infer<typeof networkFoundedSchema>
export type NetworkEvent = z.infer<typeof networkEventSchema>
