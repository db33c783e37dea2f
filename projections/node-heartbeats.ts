import { appended, type Projection, type TableRow } from './projection.ts'

/** What nodes said of themselves in the last seven days. */
const heartbeats = appended({
  columns: {
    nodeId: 'text',
    /** In the node's heartbeat stream. */
    revision: 'integer',
    /** By the node's clock. */
    issuedAt: 'instant',
    /** By ours. */
    recordedAt: 'instant',
    vitals: 'json',
    position: 'position',
  },
  key: ['nodeId', 'revision'],
  ascending: 'within',
  indexes: [['recordedAt']],
  retain: { field: 'recordedAt', days: 7 },
  rows: ({ type, data, metadata, revision, position }) =>
    type === 'HeartbeatRecorded'
      ? [{ nodeId: data.nodeId, revision, issuedAt: data.issuedAt, recordedAt: metadata.recordedAt, vitals: data.vitals, position }]
      : [],
})

export type HeartbeatRow = TableRow<typeof heartbeats>

export const nodeHeartbeats = { name: 'node-heartbeats', version: 1, tables: { heartbeats } } satisfies Projection
