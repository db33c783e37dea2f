import { appended, type Projection, type TableRow } from './projection.ts'

/** Every change of every node's reputation, and by what rule. */
const reputationChanges = appended({
  columns: {
    nodeId: 'text',
    /** In the node's reputation stream. */
    revision: 'integer',
    /** A rule of the policy, or `custom`. */
    rule: 'text',
    /** The authority's words for a custom delta. */
    reason: 'text?',
    old: 'integer',
    new: 'integer',
    delta: 'integer',
    applied: 'integer',
    clamped: 'boolean',
    recordedAt: 'instant',
    position: 'position',
  },
  key: ['nodeId', 'revision'],
  ascending: 'within',
  rows: ({ type, data, metadata, revision, position }) =>
    type === 'ReputationChanged'
      ? [{ ...data, reason: data.reason ?? null, revision, recordedAt: metadata.recordedAt, position }]
      : [],
})

export type ReputationChangeRow = TableRow<typeof reputationChanges>

export const reputationHistory = { name: 'reputation-history', version: 1, tables: { reputationChanges } } satisfies Projection
