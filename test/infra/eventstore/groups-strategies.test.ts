import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bucketOf, Pinned } from '../../../infra/embedded/eventstore/groups/pinned.ts'
import { strategyOf } from '../../../infra/embedded/eventstore/groups/strategies.ts'
import { encodeRecord } from '../../../infra/embedded/eventstore/storage/record.ts'
import { seed } from './support.ts'

const test = suite(`groups: strategies (seed ${seed})`)

const consumers = (count: number) => Array.from({ length: count }, (_, n) => ({ name: n, hasRoom: true }))

test('RoundRobin takes turns, and passes over whoever is full', () => {
  const strategy = strategyOf<{ name: number; hasRoom: boolean }>('RoundRobin')
  assert.is(strategy.choose(0), 'full')
  const all = consumers(3)
  for (const consumer of all) strategy.join(consumer)
  const turn = () => {
    const chosen = strategy.choose(0)
    return typeof chosen === 'string' ? chosen : chosen.name
  }
  assert.equal([turn(), turn(), turn(), turn()], [0, 1, 2, 0])
  all[1]!.hasRoom = false
  assert.equal([turn(), turn(), turn()], [2, 0, 2])
  all[1]!.hasRoom = true
  strategy.leave(all[2]!)
  assert.equal([turn(), turn(), turn()].sort(), [0, 0, 1].sort())
  for (const consumer of all) consumer.hasRoom = false
  assert.is(turn(), 'full')
})

test('DispatchToSingle stays with one until it is full, and then with the next', () => {
  const strategy = strategyOf<{ name: number; hasRoom: boolean }>('DispatchToSingle')
  const all = consumers(3)
  for (const consumer of all) strategy.join(consumer)
  const turn = () => (strategy.choose(0) as { name: number }).name
  assert.equal([turn(), turn()], [0, 0])
  all[0]!.hasRoom = false
  assert.equal([turn(), turn()], [1, 1])
  all[0]!.hasRoom = true
  assert.is(turn(), 1)
  strategy.leave(all[1]!)
  assert.is(turn(), 2)
})

test('Pinned: the consumers that are there share the buckets, each bucket stays, and a full one waits alone', () => {
  const strategy = new Pinned<{ name: number; hasRoom: boolean }>()
  const [a, b, c] = consumers(3) as [
    { name: number; hasRoom: boolean },
    { name: number; hasRoom: boolean },
    { name: number; hasRoom: boolean },
  ]
  assert.is(strategy.choose(0), 'full')
  strategy.join(a)
  strategy.join(b)
  const owners = () => Array.from({ length: 60 }, (_, bucket) => strategy.choose(bucket))
  const owned = (name: object) => owners().filter((owner) => owner === name).length
  assert.equal([owned(a), owned(b)], [30, 30])
  const before = owners()
  a.hasRoom = false
  assert.ok(owners().every((owner, n) => owner === (before[n] === a ? 'held' : b)))
  a.hasRoom = true
  strategy.join(c)
  assert.equal([owned(a), owned(b), owned(c)], [20, 20, 20])
  strategy.leave(b)
  assert.equal([owned(a), owned(c)], [30, 30])
  a.hasRoom = c.hasRoom = false
  assert.is(strategy.choose(7), 'full')
})

test('Pinned: a newcomer takes idle buckets first', () => {
  const strategy = new Pinned<{ name: number; hasRoom: boolean }>()
  const [a, b] = consumers(2) as [{ name: number; hasRoom: boolean }, { name: number; hasRoom: boolean }]
  strategy.join(a)
  for (let bucket = 0; bucket < 4; bucket++) strategy.choose(bucket)
  strategy.released(a, 1)
  strategy.released(a, 3)
  strategy.join(b)
  const taken = [0, 1, 2, 3].filter((bucket) => strategy.choose(bucket) === b)
  assert.equal(taken, [1, 3])
})

const record = (stream: string, type: string, data: string, metadata: string) =>
  encodeRecord({
    id: '00010203-0405-0607-8809-0a0b0c0d0e0f',
    stream: Buffer.from(stream),
    revision: 3,
    position: 9,
    type: Buffer.from(type),
    isJson: false,
    created: 1_700_000_000_000,
    metadata: Buffer.from(metadata),
    data: Buffer.from(data),
  })

test('messages of one source, and of one correlation, are of one bucket', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), fc.nat(), (name, other, id, revision) => {
      const event = record(name, 'opened', other, '')
      assert.is(bucketOf('Pinned', event), bucketOf('Pinned', record(name, 'closed', id, other)))
      assert.is(bucketOf('Pinned', event), bucketOf('Pinned', record('links', '$>', `${revision}@${name}`, '')))
      assert.is(bucketOf('PinnedByCorrelation', event), bucketOf('Pinned', event), 'without a correlation the source counts')
      const metadata = JSON.stringify({ $correlationId: id, other })
      assert.is(
        bucketOf('PinnedByCorrelation', record(name, 'a', '', metadata)),
        bucketOf('PinnedByCorrelation', record(other, 'b', 'x', metadata)),
      )
      assert.ok(bucketOf('Pinned', event) < 1024)
      assert.is(bucketOf('RoundRobin', event), 0)
    }),
    { seed },
  )
})

test.run()
