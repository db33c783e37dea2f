import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../api/deps.ts'
import type { ProjectionStatus } from '../projections/status.ts'

const limitMs = 2000

/** The check of an engine by asking it. */
export async function engineCheck(name: string, ping: () => Promise<unknown>): Promise<Check> {
  const late = new AbortController()
  try {
    const silence = sleep(limitMs, undefined, { signal: late.signal }).then(() => Promise.reject(new Error('does not answer')))
    silence.catch(() => {})
    await Promise.race([ping(), silence])
    return { name, ready: true, detail: 'answers' }
  } catch (error) {
    return { name, ready: false, detail: (error as Error).message }
  } finally {
    late.abort()
  }
}

/** Ready as long as it serves and folds what comes; one that is rebuilt beside its serving generation still does. */
export function projectionCheck({ name, state, generation, lagSeconds, detail, poison }: ProjectionStatus): Check {
  const what = poison
    ? `halted at ${poison.type} ${poison.stream}@${poison.revision} (position ${poison.position}): ${poison.error}`
    : [state, lagSeconds === undefined ? undefined : `lag ${lagSeconds.toFixed(1)} s`, detail].filter(Boolean).join(', ')
  return { name: `projection ${name}`, ready: state === 'live' || (state === 'building' && generation > 0), detail: what }
}
