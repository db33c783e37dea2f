import { z } from 'zod'

const seconds = z.int().positive()
const permille = z.int().nonnegative()

/** The figures by which the network is run. Numbers in events are integers, so shares are permille (1000 = 100 %). */
export const policySchema = z.strictObject({
  version: z.int().positive(),
  heartbeat: z.strictObject({
    intervalSeconds: seconds,
    /** Heartbeats a node may send at once after a pause; the bucket refills at one an interval. */
    burst: z.int().positive(),
    /** Intervals without a heartbeat until a node is offline. */
    missedIntervals: z.int().positive(),
  }),
  health: z.strictObject({
    /** Unhealthy above. */
    memoryUsedPermilleMax: permille,
    /** Unhealthy above; 1000 is a load of 1 on each core. */
    loadPerCorePermilleMax: permille,
    /** Unhealthy below, once at least `tasksMin` tasks were done. */
    successRatePermilleMin: permille,
    tasksMin: z.int().positive(),
  }),
  reputation: z.strictObject({
    start: z.int(),
    min: z.int(),
    max: z.int(),
    /** Delta by rule name. */
    rules: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.int()),
  }),
})

export type Policy = z.infer<typeof policySchema>

/** Version 1, as a network is founded with. */
export const initialPolicy: Policy = {
  version: 1,
  heartbeat: { intervalSeconds: 60, burst: 2, missedIntervals: 3 },
  health: { memoryUsedPermilleMax: 970, loadPerCorePermilleMax: 8000, successRatePermilleMin: 500, tasksMin: 10 },
  reputation: {
    start: 50,
    min: 0,
    max: 100,
    rules: {
      task_success: 10,
      task_failure: -5,
      task_timeout: -10,
      malicious_behavior: -50,
      health_milestone: 2,
      uptime_milestone: 5,
      community_contribution: 15,
    },
  },
}
