import type { Health, HealthReason } from '../domain/health/events.ts'
import { healthWatch } from './health-watch.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'

/** A node that the health process may have to do something about. */
export interface WatchedNode {
  readonly nodeId: string
  readonly status: 'registered' | Health
  readonly verdict: 'healthy' | 'unhealthy'
  readonly reasons: readonly HealthReason[]
  readonly heartbeatRevision: number
  /** `recordedAt` of the last heartbeat. */
  readonly heartbeatAt: string
}

/** What the health process reads (`HealthWatch` in commands/ports.ts); the longest waiting come first. Nodes that left are in neither. */
export interface HealthWatchQueries {
  /** Nodes heard of after `heardAfter` whose status is not the verdict of their last heartbeat. */
  changed(heardAfter: Date, limit: number): Promise<readonly WatchedNode[]>
  /** Nodes not offline whose last heartbeat is not newer than `heardAt`. */
  silent(heardAt: Date, limit: number): Promise<readonly WatchedNode[]>
  /** Where the read model stands. */
  position(): Promise<bigint>
}

export function healthWatchQueries(db: ReadDatabase): HealthWatchQueries {
  const watched = db
    .selectFrom('watchedNodes')
    .select(['nodeId', 'status', 'verdict', 'reasons', 'heartbeatRevision', 'heartbeatAt'])
    .orderBy('heartbeatAt')
  const read = async (query: typeof watched, limit: number) => {
    const { value } = await answer(db, healthWatch, query.limit(limit), [['heartbeatAt', 'asc']])
    // Every row that has a heartbeat has its verdict.
    return value as unknown as WatchedNode[]
  }
  return {
    changed: (heardAfter, limit) =>
      read(watched.where('open', '=', true).where('heartbeatAt', '>', heardAfter.toISOString()), limit),
    silent: (heardAt, limit) =>
      read(
        watched.where('status', 'in', ['registered', 'healthy', 'unhealthy']).where('heartbeatAt', '<=', heardAt.toISOString()),
        limit,
      ),
    async position() {
      const { position }: Answer<unknown> = await answer(db, healthWatch, watched.limit(0))
      return position
    },
  }
}
