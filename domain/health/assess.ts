import type { Vitals } from '../heartbeat/events.ts'
import type { Policy } from '../network/policy.ts'
import type { HealthReason } from './events.ts'

export interface Assessment {
  readonly verdict: 'healthy' | 'unhealthy'
  /** The thresholds that were crossed; empty when healthy. */
  readonly reasons: readonly Exclude<HealthReason, 'missed_heartbeats'>[]
}

/** What the policy's thresholds make of one heartbeat. CPU is shown but decides nothing. */
export function assess(vitals: Vitals, { health }: Pick<Policy, 'health'>): Assessment {
  const reasons: Exclude<HealthReason, 'missed_heartbeats'>[] = []
  // Multiplied out in bigint: bytes × 1000 may pass the safe integers, and a division would round at the threshold.
  if (exceeds(vitals.memoryUsedBytes, vitals.memoryTotalBytes, health.memoryUsedPermilleMax)) reasons.push('memory')
  if (vitals.loadPermille > health.loadPerCorePermilleMax * vitals.cores) reasons.push('load')
  const tasks = vitals.tasksSucceeded + vitals.tasksFailed
  if (tasks >= health.tasksMin && BigInt(vitals.tasksSucceeded) * 1000n < BigInt(tasks) * BigInt(health.successRatePermilleMin))
    reasons.push('success_rate')
  return { verdict: reasons.length ? 'unhealthy' : 'healthy', reasons }
}

function exceeds(part: number, whole: number, permille: number): boolean {
  return BigInt(part) * 1000n > BigInt(whole) * BigInt(permille)
}
