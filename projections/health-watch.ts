import { assess } from '../domain/health/assess.ts'
import { keyed, type Projection, type RowOf } from './projection.ts'

const columns = {
  nodeId: 'text',
  /** `registered`, `healthy`, `unhealthy`, `offline` or `deregistered`. */
  status: 'text',
  /** What the policy made of the last heartbeat. */
  verdict: 'text?',
  reasons: 'list',
  /** The last heartbeat: its revision in the node's heartbeat stream and its `recordedAt`. */
  heartbeatRevision: 'integer?',
  heartbeatAt: 'instant?',
  /** The status is not the verdict: the item is open. */
  open: 'boolean',
} as const

export type WatchRow = RowOf<typeof columns>

/** What the health process has to look at: what each node's last heartbeat says, and what its health stream says. */
const watchedNodes = keyed({
  columns,
  key: 'nodeId',
  indexes: [
    ['open', 'heartbeatAt'],
    ['status', 'heartbeatAt'],
  ],
  keys: ({ type, data }) =>
    type === 'NodeRegistered' || type === 'NodeDeregistered' || type === 'HeartbeatRecorded' || type === 'NodeHealthChanged'
      ? [data.nodeId]
      : [],
  evolve(row, fact, nodeId) {
    const before = row ?? unheard(nodeId)
    switch (fact.type) {
      case 'NodeRegistered':
        return unheard(nodeId)
      case 'HeartbeatRecorded': {
        const heard = { heartbeatRevision: fact.revision, heartbeatAt: fact.metadata.recordedAt }
        return settled({ ...before, ...heard, ...assess(fact.data.vitals, fact.policy) })
      }
      case 'NodeHealthChanged':
        return settled({ ...before, status: before.status === 'deregistered' ? before.status : fact.data.to })
      case 'NodeDeregistered':
        // The row stays: a heartbeat that was decided while the node left must not open an item again.
        return settled({ ...before, status: 'deregistered' })
      default:
        return row
    }
  },
})

function unheard(nodeId: string): WatchRow {
  return { nodeId, status: 'registered', verdict: null, reasons: [], heartbeatRevision: null, heartbeatAt: null, open: false }
}

function settled(row: WatchRow): WatchRow {
  return { ...row, open: row.verdict !== null && row.status !== 'deregistered' && row.status !== row.verdict }
}

export const healthWatch = { name: 'health-watch', version: 1, tables: { watchedNodes } } satisfies Projection
