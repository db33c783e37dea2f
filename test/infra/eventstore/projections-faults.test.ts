import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Projections } from '../../../infra/embedded/eventstore/projections/projections.ts'
import { CorruptRecord } from '../../../infra/embedded/eventstore/storage/header.ts'
import { readRecord } from '../../../infra/embedded/eventstore/storage/log.ts'
import { openStore, type Store } from '../../../infra/embedded/eventstore/store.ts'
import { append, withGroups } from './groups-fixture.ts'
import { eventually, scratch } from './support.ts'

const test = suite('system projections: faults')

const category = '$by_category'

/** The data of every event that a stream has, hidden ones too. */
function dataOf({ log, streams }: Store, name: string): string[] {
  const { number, committed } = streams.get(name)
  const data: string[] = []
  for (let revision = 0; revision <= committed.last; revision++)
    data.push(readRecord(log, log.positionOf(number!, revision)!)!.data.toString())
  return data
}

test('status, place and resets are there after a restart, and nothing is linked twice', async () => {
  const directory = scratch()
  const statuses: string[] = []
  for (const change of [
    (projections: Projections) => projections.enable(category),
    (projections: Projections) => projections.disable(category, 'Stopped'),
    (projections: Projections) => projections.reset(category),
    (projections: Projections) => projections.enable(category),
  ]) {
    const store = await openStore(directory)
    const projections = new Projections(store)
    const { status, resets } = projections.get(category)!
    statuses.push(`${status} ${resets}`)
    await append(store, 'orders-1')
    if (status === 'Running') await eventually(() => projections.get(category)!.position >= projections.end, 'it caught up')
    await change(projections)
    projections.close()
    await store.close()
  }
  assert.equal(statuses, ['Stopped 0', 'Running 0', 'Stopped 0', 'Stopped 1'])
  const store = await openStore(directory)
  const projections = new Projections(store)
  await eventually(() => projections.get(category)!.position >= projections.end, 'it caught up')
  const before = ['0@orders-1', '1@orders-1']
  assert.equal(dataOf(store, '$ce-orders'), [...before, ...before, '2@orders-1', '3@orders-1'])
  const { limits } = store.streams.get('$ce-orders')
  assert.is(limits.truncateBefore, 2, 'what was linked before the reset is hidden')
  projections.close()
  await store.close()
})

test('while the disk is full nothing is linked, and then everything once', async () => {
  await withGroups(async ({ store, faults }) => {
    const projections = new Projections(store)
    faults.isFull = true
    assert.is(await projections.enable(category).catch((error: Error) => error.message), 'no space left')
    assert.is(projections.get(category)!.status, 'Stopped')
    faults.isFull = false
    await projections.enable(category)
    const expected: string[] = []
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 3; n++) expected.push(`${round * 3 + n}@orders-1`)
      await Promise.all([append(store, 'orders-1'), append(store, 'orders-1'), append(store, 'orders-1')])
      faults.isFull = true
      const { checkpoint } = projections.get(category)!
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.is(projections.get(category)!.checkpoint, checkpoint)
      faults.isFull = false
      await eventually(() => projections.get(category)!.position >= projections.end, 'it caught up')
      assert.equal(dataOf(store, '$ce-orders'), expected)
    }
    projections.close()
  })
})

test('a damaged record stops the projections with its name, until they are enabled again', async () => {
  await withGroups(async ({ store }) => {
    let isDamaged = true
    const scanAll: Store['log']['scanAll'] = (...range) => {
      if (isDamaged) throw new CorruptRecord(7, 'log', 0)
      store.log.scanAll(...range)
    }
    const projections = new Projections({ ...store, log: Object.assign(Object.create(store.log), { scanAll }) })
    await projections.enable(category)
    await append(store, 'orders-1')
    await eventually(() => projections.get(category)!.fault !== undefined, 'it is faulted')
    assert.match(projections.get(category)!.fault!, 'position 7')
    isDamaged = false
    await append(store, 'orders-1')
    await projections.enable(category)
    await eventually(() => projections.get(category)!.position >= projections.end, 'it caught up')
    assert.equal(dataOf(store, '$ce-orders'), ['0@orders-1', '1@orders-1'])
    projections.close()
  })
})

test.run()
