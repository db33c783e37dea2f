import type { Health, HealthReason } from '../domain/health/events.ts'
import { nodeHealth } from './node-health.ts'
import { nodeHistory } from './node-history.ts'
import type { Answer, Page, Paging, ReadDatabase } from './read.ts'

/** A health transition as the API shows it. */
export interface HealthChangeView {
  readonly revision: number
  readonly from: 'registered' | Health
  readonly to: Health
  readonly reasons: readonly HealthReason[]
  /** When it became so. */
  readonly at: string
  readonly recordedAt: string
  readonly heartbeatRevision: number | null
  readonly position: bigint
}

export interface NodeHealthQueries {
  /** Paged by revision; none for a node that nobody knows. */
  nodeHealthHistory(nodeId: string, paging: Paging): Promise<Answer<Page<HealthChangeView>>>
}

export function nodeHealthQueries(db: ReadDatabase): NodeHealthQueries {
  return {
    nodeHealthHistory: (nodeId, paging) =>
      nodeHistory(db, nodeHealth, 'healthChanges', nodeId, paging, ({ nodeId: _, ...row }) => row as HealthChangeView),
  }
}
