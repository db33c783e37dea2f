// Persistent subscription groups: where the delivery starts.
import { brief, groupOn, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'

export default [
  {
    name: 'start: a revision is inclusive',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 5)
      for (const encoding of ['new', 'old'] as const) {
        const group = groupOn(t, stream)
        await group.create({ from: 2, encoding })
        t.record(encoding, revisions(await (await group.connect()).take(3)))
      }
    },
  },
  {
    name: 'start: the end means what is appended after creation',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 3)
      const group = groupOn(t, stream)
      await group.create({ from: 'end' })
      await t.append(stream, 'any', 2)
      const consumer = await group.connect()
      t.record('appended before connecting', revisions(await consumer.take(2)))
      await t.append(stream, 'any', 1)
      t.record('appended after', revisions(await consumer.take(1)))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'start: a revision beyond the end skips what comes before it',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 2)
      const group = groupOn(t, stream)
      await group.create({ from: 4 })
      const consumer = await group.connect()
      for (let n = 0; n < 4; n++) await t.append(stream, 'any', 1)
      t.record('delivered', revisions(await consumer.take(2)))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'start: a position of $all is inclusive',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const places = []
      for (let n = 0; n < 3; n++) places.push((await t.append(stream, 'any', 1)).success.position)
      const group = groupOn(t, '$all')
      await group.create({ from: places[1], filter: { on: 'stream', prefix: [stream] } })
      t.record('delivered', revisions(await (await group.connect()).take(2)))
    },
  },
  {
    name: 'start: the end of $all',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 2)
      const group = groupOn(t, '$all')
      await group.create({ from: 'end', filter: { on: 'stream', prefix: [stream] } })
      const consumer = await group.connect()
      await t.append(stream, 'any', 2)
      t.record('delivered', (await consumer.take(2)).map(brief))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'start: the start of $all includes metadata events',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const { success } = await t.append(stream, 'any', 1)
      await t.setMetadata(stream, 'any', { $maxCount: 5 })
      await t.append(stream, 'any', 1)
      const group = groupOn(t, '$all')
      await group.create({ from: success.position, filter: { on: 'stream', prefix: [stream, `$$${stream}`] } })
      t.record(
        'delivered',
        (await (await group.connect()).take(3)).map(({ event }) => [event.streamIdentifier.streamName, event.metadata.type]),
      )
    },
  },
  {
    name: 'start: events hidden from stream reads are not delivered from history',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 6)
      await t.setMetadata(stream, 'any', { $maxCount: 2 })
      const group = groupOn(t, stream)
      await group.create({ from: 'start' })
      const consumer = await group.connect()
      t.record('delivered', revisions(await consumer.take(2)))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
] satisfies Scenario[]
