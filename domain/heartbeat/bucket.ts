import type { Policy } from '../network/policy.ts'

/**
 * A bucket of `burst` heartbeats that refills at one an interval (GCRA), on the server's clock.
 * `recent` are the instants, in milliseconds, at which the last heartbeats were taken, oldest first; before them the bucket counts as full.
 * Answers how many milliseconds too early `now` is: 0 when a heartbeat may be taken.
 */
export function tooEarlyMs(recent: readonly number[], now: number, { intervalSeconds, burst }: Policy['heartbeat']): number {
  const interval = intervalSeconds * 1000
  let due = Number.NEGATIVE_INFINITY
  for (const at of recent) due = Math.max(due, at) + interval
  return Math.max(0, due - (burst - 1) * interval - now)
}
