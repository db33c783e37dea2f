import { keyed, type Projection, type TableRow } from './projection.ts'

/** The network as it was founded: one row. */
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
  keys: (fact) => (fact.type === 'NetworkFounded' ? [fact.data.networkId] : []),
  evolve: (row, { type, data, position }) => (type === 'NetworkFounded' ? { ...data, changedPosition: position } : row),
})

export type NetworkRow = TableRow<typeof networks>

export const network = { name: 'network', version: 1, tables: { networks } } satisfies Projection
