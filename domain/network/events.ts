import { z } from 'zod'
import { eventSchema } from '../event-schema.ts'
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
    /** Sign the commands of processes and timers, by role: `health`, `settlement`, `chain`. */
    serviceKeys: z.record(z.string(), publicKeySchema),
    /** Signs the log's checkpoints. */
    logKey: publicKeySchema,
    stewards: quorumSchema,
    arbiters: quorumSchema,
    governors: quorumSchema,
    policy: policySchema,
  }),
})

/** A service has another key, or its first. */
export const serviceKeyChangedSchema = eventSchema('ServiceKeyChanged', {
  networkId: uuidSchema,
  role: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'must match ^[a-z][a-z0-9_]{0,31}$'),
  publicKey: publicKeySchema,
})

/** Others are stewards, arbiters or governors from now on. What was begun under those before stays theirs. */
export const quorumChangedSchema = eventSchema('QuorumChanged', {
  networkId: uuidSchema,
  role: z.enum(['stewards', 'arbiters', 'governors']),
  quorum: quorumSchema,
})

export const networkEventSchema = z.discriminatedUnion('type', [networkFoundedSchema, serviceKeyChangedSchema, quorumChangedSchema])

export type Quorum = z.infer<typeof quorumSchema>
export type NetworkFounded = z.infer<typeof networkFoundedSchema>
export type NetworkEvent = z.infer<typeof networkEventSchema>
