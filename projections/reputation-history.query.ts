import { nodeHistory } from './node-history.ts'
import type { Answer, Page, Paging, ReadDatabase } from './read.ts'
import { type ReputationChangeRow, reputationHistory } from './reputation-history.ts'

/** A change of reputation as the API shows it. */
export type ReputationChangeView = Omit<ReputationChangeRow, 'nodeId'>

export interface ReputationHistoryQueries {
  /** Paged by revision; none for a node that nobody knows. */
  nodeReputation(nodeId: string, paging: Paging): Promise<Answer<Page<ReputationChangeView>>>
}

export function reputationHistoryQueries(db: ReadDatabase): ReputationHistoryQueries {
  return {
    nodeReputation: (nodeId, paging) =>
      nodeHistory(db, reputationHistory, 'reputationChanges', nodeId, paging, ({ nodeId: _, ...row }) => row),
  }
}
