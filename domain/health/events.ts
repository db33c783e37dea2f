import { z } from 'zod'
import { idSchema, instantSchema } from '../ids.ts'

/** What a node's health can be once a heartbeat has come. */
export const healthSchema = z.enum(['healthy', 'unhealthy', 'offline'])

/** A threshold that was crossed. */
export const healthReasonSchema = z.enum(['memory', 'load', 'success_rate', 'missed_heartbeats'])

export const nodeHealthChangedSchema = z.strictObject({
  type: z.literal('NodeHealthChanged'),
  data: z.strictObject({
    nodeId: idSchema,
    /** `registered` until the first heartbeat. */
    from: z.enum(['registered', 'healthy', 'unhealthy', 'offline']),
    to: healthSchema,
    /** Which thresholds were crossed; empty when healthy. */
    reasons: z.array(healthReasonSchema),
    /** When it became so: the heartbeat's `recordedAt`, or the deadline that passed. */
    at: instantSchema,
    /** The last heartbeat that was seen; absent when there was none. */
    heartbeatRevision: z.int().nonnegative().optional(),
  }),
})

export const healthEventSchema = nodeHealthChangedSchema

export type Health = z.infer<typeof healthSchema>
export type HealthReason = z.infer<typeof healthReasonSchema>
export type HealthEvent = z.infer<typeof healthEventSchema>
