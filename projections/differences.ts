import { keyed, type Projection, type TableRow } from './projection.ts'

/** What the standing reconciliation found: where ledger and chain said different things, and whether they still do. */
const differences = keyed({
  columns: {
    differenceId: 'text',
    /** What was compared: `treasury`, `deposit:<txid>:<vout>`, `withdrawal:<id>`. */
    subject: 'text',
    /** By the ledger; by the chain. */
    expected: 'amount',
    actual: 'amount',
    difference: 'amount',
    foundAt: 'instant',
    closedAt: 'instant?',
    open: 'boolean',
    changedPosition: 'position',
  },
  key: 'differenceId',
  indexes: [
    ['open', 'foundAt', 'differenceId'],
    ['foundAt', 'differenceId'],
  ],
  keys: ({ type, data }) => (type === 'DifferenceFound' || type === 'DifferenceClosed' ? [data.differenceId] : []),
  evolve(row, { type, data, position: changedPosition }) {
    switch (type) {
      case 'DifferenceFound': {
        const { differenceId, subject, at: foundAt } = data
        const [expected, actual, difference] = [BigInt(data.expected), BigInt(data.actual), BigInt(data.difference)]
        return { differenceId, subject, expected, actual, difference, foundAt, closedAt: null, open: true, changedPosition }
      }
      case 'DifferenceClosed':
        return row && { ...row, closedAt: data.at, open: false, changedPosition }
      default:
        return row
    }
  },
})

export type DifferenceRow = TableRow<typeof differences>

export const reconciliation = { name: 'reconciliation', version: 1, tables: { differences } } satisfies Projection
