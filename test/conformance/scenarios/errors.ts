// Failures as status, `exception` and the other trailers.
import type { Wire } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'

export default [
  {
    name: 'stream-deleted from every method',
    section: '11',
    async run(t) {
      const stream = t.stream('gone')
      await t.append(stream, 'any', 1)
      await t.tombstone(stream)
      t.record('append', await t.append(stream, 'any', 1))
      t.record('read', await t.read(stream))
      t.record('subscribe', await t.subscribe(stream).outcome(3_000))
      t.record('delete', await t.delete(stream))
      t.record('tombstone', await t.tombstone(stream))
    },
  },
  {
    // How it fails is left open: such a name fits in no trailer.
    name: 'streams with names beyond ASCII are refused like others',
    section: '11',
    async run(t) {
      const fails = ({ error }: Wire) => Boolean(error)
      for (const hint of ['Größe', '注文', '🦜']) {
        const stream = t.stream(hint)
        await t.append(stream, 'any', 1)
        t.record(`${hint}: wrong revision`, fails(await t.delete(stream, 7)))
        t.record(`${hint}: still there`, t.brief(await t.read(stream)))
        await t.tombstone(stream)
        t.record(`${hint}: read`, fails(await t.read(stream)))
        t.record(`${hint}: append`, fails(await t.append(stream, 'any', 1)))
        t.record(`${hint}: batch`, await t.batch(stream, 'any', 1))
      }
    },
  },
  {
    name: 'size and required metadata',
    section: '11',
    async run(t) {
      const stream = t.stream('orders')
      t.record('too large', await t.append(stream, 'any', [t.event({ data: 'x'.repeat(1_200_000) })]))
      t.record('no type', await t.append(stream, 'any', [t.event({ rawMetadata: { 'content-type': 'application/json' } })]))
    },
  },
  {
    name: 'unknown groups of subscriptions',
    section: '11',
    async run(t) {
      const [stream, group] = [t.stream('orders'), t.group()]
      t.record('delete', await t.persistent.delete(stream, group))
      t.record('info', await t.persistent.info(stream, group))
      t.record('connect', await t.persistent.connect(stream, group).outcome(3_000))
    },
  },
  {
    name: 'a deadline that is over',
    section: '11',
    async run(t) {
      const stream = t.stream('orders')
      const { error } = await t.append(stream, 'any', 1, { deadlineMs: 0 })
      t.record('append', error?.code)
    },
  },
] satisfies Scenario[]
