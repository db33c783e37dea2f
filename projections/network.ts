import { keyed, type Projection, type TableRow } from './projection.ts'

/** The network, its keys and roles as they stand: one row. */
const networks = keyed({
  columns: {
    networkId: 'text',
    /** `test` or `main`. */
    kind: 'text',
    foundedAt: 'instant',
    authority: 'text',
    serviceKeys: 'json',
    logKey: 'text',
    stewards: 'json',
    arbiters: 'json',
    governors: 'json',
    policy: 'json',
    changedPosition: 'position',
  },
  key: 'networkId',
  keys: ({ type, data }) =>
    type === 'NetworkFounded' || type === 'ServiceKeyChanged' || type === 'QuorumChanged' ? [data.networkId] : [],
  evolve(row, { type, data, position: changedPosition }) {
    if (type === 'NetworkFounded') return { ...data, changedPosition }
    if (type === 'ServiceKeyChanged')
      return row && { ...row, serviceKeys: { ...row.serviceKeys, [data.role]: data.publicKey }, changedPosition }
    if (type === 'QuorumChanged') return row && { ...row, [data.role]: data.quorum, changedPosition }
    return row
  },
})

export type NetworkRow = TableRow<typeof networks>

export const network = { name: 'network', version: 2, tables: { networks } } satisfies Projection
