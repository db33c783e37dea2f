import { z } from 'zod'
import { idSchema, instantSchema } from '../ids.ts'

/** What a node measures of itself. Whole numbers; a load of 1.25 is 1250 permille. */
export const vitalsSchema = z.strictObject({
  uptimeSeconds: z.int().nonnegative(),
  /** One-minute load average of the machine × 1000. */
  loadPermille: z.int().nonnegative().max(100_000_000),
  cores: z.int().min(1).max(65_536),
  memoryUsedBytes: z.int().nonnegative(),
  memoryTotalBytes: z.int().positive(),
  /** CPU time used by the machine since the last heartbeat, 1000 = all cores busy. Shown, decides nothing. */
  cpuPermille: z.int().min(0).max(1000),
  /** Since registration. */
  tasksSucceeded: z.int().nonnegative(),
  tasksFailed: z.int().nonnegative(),
})

export const heartbeatRecordedSchema = z.strictObject({
  type: z.literal('HeartbeatRecorded'),
  data: z.strictObject({
    nodeId: idSchema,
    /** The node's clock when it signed. */
    issuedAt: instantSchema,
    vitals: vitalsSchema,
  }),
})

export const heartbeatEventSchema = heartbeatRecordedSchema

export type Vitals = z.infer<typeof vitalsSchema>
export type HeartbeatEvent = z.infer<typeof heartbeatEventSchema>
