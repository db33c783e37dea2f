import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { append, consumer, orders, withGroups } from './groups-fixture.ts'
import { settings } from './groups-support.ts'
import { eventually, isLong, randomFrom, seed } from './support.ts'

const test = suite(`groups: reading (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)

test('whatever the sizes of the buffers, a group that falls behind and catches up gets every event, in order, once', async () => {
  for (let round = 0; round < (isLong ? 200 : 6); round++) {
    await withGroups(async ({ store, groups }) => {
      const historyBufferSize = 2 + below(60)
      const readBatchSize = 1 + below(historyBufferSize - 1)
      const sizes = { historyBufferSize, readBatchSize, liveBufferSize: below(40) }
      const count = 300
      const [history, ofAll] = [below(count), random() < 0.5]
      for (let n = 0; n < history; n++) await append(store, n % 3 === 0 ? 'others' : 'orders')
      const stream = ofAll ? '$all' : 'orders'
      const filter = ofAll ? ({ on: 'stream', regex: '', prefixes: ['orders'] } as const) : undefined
      await groups.create({ ...orders, stream, filter, settings: { ...settings, ...sizes } })
      const { received, consumer: one } = consumer(1 + below(20))
      const group = groups.connect(stream, 'group', one)

      const writing = (async () => {
        for (let n = history; n < count; n++) {
          const appended = append(store, n % 3 === 0 ? 'others' : 'orders')
          if (random() < 0.3) await appended
        }
        await store.writer.drained()
      })()
      const positions: number[] = []
      while (positions.length < 200) {
        await eventually(() => received.length > 0, `more comes (${JSON.stringify({ ...sizes, history, ofAll })})`)
        assert.ok(groups.info(stream, 'group').readBufferCount <= historyBufferSize)
        const some = received.splice(0, 1 + below(received.length))
        positions.push(...some.map(({ event }) => event!))
        group.ack(some.map(({ id }) => id))
        if (random() < 0.2) await new Promise((resolve) => setImmediate(resolve))
      }
      await writing
      assert.is(new Set(positions).size, 200)
      assert.equal(
        positions,
        positions.toSorted((a, b) => a - b),
      )
      await eventually(() => groups.info(stream, 'group').status === 'Live', 'it is live in the end')
    })
  }
})

test.run()
