import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { byKey, tableDigest } from '../../projections/digest.ts'
import { isKept } from '../../projections/fold.ts'
import { packedRows } from '../../projections/packed-table.ts'
import { appended, type Row } from '../../projections/projection.ts'
import { property } from '../support/property.ts'

const packed = suite('packed rows')

const table = appended({
  columns: { owner: 'text', n: 'integer', at: 'instant', text: 'text?', position: 'position' },
  key: ['owner', 'n'],
  ascending: 'within',
  retain: { field: 'at', days: 1 },
  rows: () => [],
})
const instant = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString()

packed('have the digest of the rows that are left, whatever was packed, forgotten or asked before', () => {
  const step = fc.oneof(
    {
      weight: 60,
      arbitrary: fc.record({ owner: fc.constantFrom('a', 'B', 'ü', '\u{1f600}', '\uffee'), text: fc.option(fc.string()) }),
    },
    { weight: 1, arbitrary: fc.constant('forget' as const) },
    { weight: 1, arbitrary: fc.constant('digest' as const) },
  )
  property(
    fc.property(fc.array(step, { maxLength: 900, size: 'max' }), (steps) => {
      const rows = packedRows(table)
      const all: Row[] = []
      const next = new Map<string, number>()
      const cutoff = () => instant(Math.floor(all.length / 7) - 40)
      const check = () => {
        const [ours, theirs] = [tableDigest(table.columns), tableDigest(table.columns)]
        rows.addTo(ours, cutoff())
        for (const row of all.filter((row) => isKept(table, row, cutoff())).sort(byKey(table))) theirs.add(row)
        assert.is(ours.end(), theirs.end())
      }
      for (const one of steps) {
        if (one === 'forget') rows.forget(cutoff())
        else if (one === 'digest') check()
        else {
          const n = (next.get(one.owner) ?? 0) + 1
          next.set(one.owner, n)
          const row = { owner: one.owner, n, at: instant(Math.floor(all.length / 7)), text: one.text, position: BigInt(all.length) }
          all.push(row)
          rows.add(row)
        }
      }
      check()
    }),
    30,
  )
})

packed('that come out of order are refused', () => {
  const rows = packedRows(table)
  const row = (owner: string, n: number): Row => ({ owner, n, at: instant(0), text: null, position: 0n })
  rows.add(row('a', 2))
  rows.add(row('b', 1))
  assert.throws(() => rows.add(row('a', 2)), /a row of a is out of order/)
})

packed.run()
