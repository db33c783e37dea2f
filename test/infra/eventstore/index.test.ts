import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LogIndex, tombstoned } from '../../../infra/embedded/eventstore/storage/log-index.ts'
import { tombstoneRevision } from '../../../infra/embedded/eventstore/storage/record.ts'
import { randomFrom, seed } from './support.ts'

const test = suite(`eventstore index (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)

test('every revision of short and long streams is found, in any order and direction', () => {
  const index = new LogIndex(20)
  const streams: number[][] = []
  for (let position = 1; position <= 400_000; position++) {
    // One stream has most events, some have many, most have a few.
    const stream = random() < 0.5 ? 0 : Math.min(streams.length, Math.floor(random() ** 3 * 3_000))
    if (stream === streams.length) streams.push([])
    streams[stream]!.push(position)
    index.add(13 + (position % 7), stream + 1, () => stream * 31)
  }
  const end = streams.length + 1
  index.add(13, end + tombstoned, () => 5)
  assert.is(index.positionOf(end, tombstoneRevision), 400_001)
  assert.is(index.count(end), 0)
  assert.is(index.firstOf(end), 400_001)

  for (let round = 0; round < 2_000; round++) {
    const stream = round % 2 ? 0 : below(streams.length)
    const positions = streams[stream]!
    const [from, to] = [below(positions.length + 2) - 1, below(positions.length + 2)]
    assert.is(index.positionOf(stream + 1, from), positions[from])
    for (const reverse of [false, true]) {
      const found: number[] = []
      const most = 1 + below(100)
      index.scan(stream + 1, from, to, reverse, (revision, position) => {
        assert.is(position, positions[revision])
        return found.push(revision) < most
      })
      const [low, high] = [Math.max(from, 0), Math.min(to, positions.length - 1)]
      const length = Math.max(0, Math.min(most, high - low + 1))
      assert.equal(
        found,
        Array.from({ length }, (_, n) => (reverse ? high - n : low + n)),
      )
    }
  }
  for (let stream = 0; stream < streams.length; stream++)
    assert.is(
      index.names.find(stream * 31, (each) => each === stream + 1),
      stream + 1,
    )
  assert.is(
    index.names.find(30, () => true),
    undefined,
  )
  assert.is(index.start(2) - index.start(1), 14)
  assert.is(index.positionOf(end + 1, 0), undefined)
})

test.run()
