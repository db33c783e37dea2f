import { appended, type Projection, type TableRow } from './projection.ts'

/** Every health transition of every node, and why. */
const healthChanges = appended({
  columns: {
    nodeId: 'text',
    /** In the node's health stream. */
    revision: 'integer',
    from: 'text',
    to: 'text',
    reasons: 'list',
    /** When it became so: the heartbeat's time, or the deadline that passed. */
    at: 'instant',
    recordedAt: 'instant',
    /** The last heartbeat that was seen. */
    heartbeatRevision: 'integer?',
    position: 'position',
  },
  key: ['nodeId', 'revision'],
  ascending: 'within',
  rows: ({ type, data, metadata, revision, position }) =>
    type === 'NodeHealthChanged'
      ? [
          {
            nodeId: data.nodeId,
            revision,
            from: data.from,
            to: data.to,
            reasons: data.reasons,
            at: data.at,
            recordedAt: metadata.recordedAt,
            heartbeatRevision: data.heartbeatRevision ?? null,
            position,
          },
        ]
      : [],
})

export type HealthChangeRow = TableRow<typeof healthChanges>

export const nodeHealth = { name: 'node-health', version: 1, tables: { healthChanges } } satisfies Projection
