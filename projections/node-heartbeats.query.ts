import type { Vitals } from '../domain/heartbeat/events.ts'
import { nodeHeartbeats } from './node-heartbeats.ts'
import { nodeHistory } from './node-history.ts'
import type { Answer, Page, Paging, ReadDatabase } from './read.ts'

/** A heartbeat as the API shows it. */
export interface HeartbeatView {
  readonly revision: number
  /** By the node's clock. */
  readonly issuedAt: string
  /** By ours. */
  readonly recordedAt: string
  readonly vitals: Vitals
  readonly position: bigint
}

export interface NodeHeartbeatsQueries {
  /** Of the last seven days, paged by revision; none for a node that nobody knows. */
  nodeHeartbeats(nodeId: string, paging: Paging): Promise<Answer<Page<HeartbeatView>>>
}

export function nodeHeartbeatsQueries(db: ReadDatabase): NodeHeartbeatsQueries {
  return {
    nodeHeartbeats: (nodeId, paging) =>
      nodeHistory(db, nodeHeartbeats, 'heartbeats', nodeId, paging, ({ nodeId: _, ...row }) => ({
        ...row,
        vitals: row.vitals as Vitals,
      })),
  }
}
