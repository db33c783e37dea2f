import type { Profile } from '../domain/node/events.ts'
import { keyed, type LogFact, type Projection, type TableRow } from './projection.ts'

/** Every node that was ever registered: who it is, what it can do, how it does. */
const nodes = keyed({
  columns: {
    nodeId: 'text',
    /** `registered`, `healthy`, `unhealthy`, `offline` or `deregistered`. */
    status: 'text',
    publicKey: 'text',
    cores: 'integer',
    memoryBytes: 'integer',
    platform: 'text',
    arch: 'text',
    version: 'text',
    region: 'text',
    capabilities: 'list',
    reputation: 'integer',
    registeredAt: 'instant',
    /** Of the last change of profile, key or registration. */
    updatedAt: 'instant',
    lastHeartbeatAt: 'instant?',
    /** What the last heartbeat said. */
    vitals: 'json?',
    /** Of the last event that changed the row. */
    changedPosition: 'position',
  },
  key: 'nodeId',
  indexes: [
    ['status', 'nodeId'],
    ['region', 'nodeId'],
    ['capabilities'],
    ['reputation', 'nodeId'],
    ['registeredAt', 'nodeId'],
    ['updatedAt', 'nodeId'],
  ],
  keys: (fact) => ('nodeId' in fact.data ? [fact.data.nodeId] : []),
  evolve(row, fact) {
    switch (fact.type) {
      case 'NodeRegistered':
        return {
          nodeId: fact.data.nodeId,
          status: 'registered',
          publicKey: fact.data.publicKey,
          ...profileColumns(fact.data.profile),
          reputation: fact.policy.reputation.start,
          registeredAt: fact.metadata.recordedAt,
          updatedAt: fact.metadata.recordedAt,
          lastHeartbeatAt: null,
          vitals: null,
          changedPosition: fact.position,
        }
      case 'NodeUpdated':
        return row && { ...row, ...profileColumns(fact.data.profile), ...updated(fact) }
      case 'NodeKeyChanged':
        return row && { ...row, publicKey: fact.data.publicKey, ...updated(fact) }
      case 'NodeDeregistered':
        return row && { ...row, status: 'deregistered', ...updated(fact) }
      case 'HeartbeatRecorded':
        return (
          row && {
            ...row,
            lastHeartbeatAt: fact.metadata.recordedAt,
            vitals: fact.data.vitals,
            changedPosition: fact.position,
          }
        )
      case 'NodeHealthChanged':
        // A transition that was decided while the node left does not bring it back.
        return row && row.status !== 'deregistered' ? { ...row, status: fact.data.to, changedPosition: fact.position } : row
      case 'ReputationChanged':
        return row && { ...row, reputation: fact.data.new, changedPosition: fact.position }
      default:
        return row
    }
  },
})

function profileColumns({ cores, memoryBytes, platform, arch, version, region, capabilities }: Profile) {
  return { cores, memoryBytes, platform, arch, version, region, capabilities }
}

function updated(fact: LogFact) {
  return { updatedAt: fact.metadata.recordedAt, changedPosition: fact.position }
}

export type NodeRow = TableRow<typeof nodes>

export const nodeDirectory = { name: 'node-directory', version: 1, tables: { nodes } } satisfies Projection
