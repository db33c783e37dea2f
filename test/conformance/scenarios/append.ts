// Streams.Append beyond expectations: the order of messages, empty requests, atomicity.
import type { Outgoing } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const read = async (t: Toolkit, stream: string) => t.brief(await t.read(stream))
const head = (stream: string, expected: Outgoing) => ({ options: { streamIdentifier: { streamName: stream }, ...expected } })
const proposed = (t: Toolkit) => ({ proposedMessage: t.event() })

const empty = (name: string, prepare: (t: Toolkit, stream: string) => Promise<unknown>): Scenario => ({
  name: `no events to ${name}`,
  section: '4',
  async run(t) {
    for (const expected of ['any', 'no_stream', 'stream_exists', 0, 1, 2] as const) {
      const stream = t.stream('orders')
      await prepare(t, stream)
      t.record(`expecting ${expected}`, await t.append(stream, expected, []))
      t.record(`expecting ${expected}, visible`, await read(t, stream))
    }
  },
})

export default [
  empty('a stream never written', async () => {}),
  empty('a stream with events', (t, stream) => t.append(stream, 'any', 2)),
  empty('a tombstoned stream', async (t, stream) => {
    await t.append(stream, 'any', 2)
    await t.tombstone(stream)
  }),
  {
    name: 'a success tells the last revision and the position of the last event',
    section: '4',
    async run(t) {
      const stream = t.stream('orders')
      t.record('one', await t.append(stream, 'no_stream', 1))
      t.record('three more', await t.append(stream, 0, 3))
      t.record('read', (await t.read(stream)).events)
    },
  },
  {
    name: 'a thousand events in one request are contiguous and in order',
    section: '4',
    async run(t) {
      const stream = t.stream('orders')
      const other = t.stream('orders')
      const [result] = await Promise.all([
        t.append(stream, 'any', 1000),
        ...Array.from({ length: 20 }, () => t.append(other, 'any', 1)),
      ])
      t.record('revision', result.success.currentRevision)
      const events = (await t.read(stream)).events.map(({ event }) => event)
      t.record(
        'numbers',
        events.every(({ data }, index) => JSON.parse(data).n === index + 1),
      )
      t.record('last position', [events.at(-1).commitPosition === result.success.position.commitPosition])
      const from = { commit: events[0].commitPosition, prepare: events[0].preparePosition }
      const all = (await t.readAll({ from, count: 1000 })).events.map(({ event }) => event.streamIdentifier.streamName)
      t.record('nothing in between', all.filter((name) => name === stream).length)
    },
  },
  {
    name: 'messages in the wrong order',
    section: '4',
    async run(t) {
      const stream = t.stream('orders')
      t.record('no message', await t.append(stream, 'any', [], { raw: [] }))
      t.record('event first', await t.append(stream, 'any', [], { raw: [proposed(t), head(stream, { any: {} })] }))
      t.record(
        'options twice',
        await t.append(stream, 'any', [], { raw: [head(stream, { any: {} }), proposed(t), head(stream, { any: {} })] }),
      )
      t.record('empty message first', await t.append(stream, 'any', [], { raw: [{}] }))
      t.record('empty message later', await t.append(stream, 'any', [], { raw: [head(stream, { any: {} }), proposed(t), {}] }))
      t.record('visible', await read(t, stream))
    },
  },
  {
    name: 'options without stream',
    section: '4',
    async run(t) {
      t.record('no identifier', await t.append('', 'any', [], { raw: [{ options: { any: {} } }, proposed(t)] }))
    },
  },
  {
    name: 'nothing is written before the request is complete',
    section: '4',
    async run(t) {
      const stream = t.stream('orders')
      const messages = [head(stream, { any: {} }), proposed(t), proposed(t)]
      const result = t.clientStream('streams.Streams', 'Append', messages, { keepOpen: true, deadlineMs: 700 })
      await t.sleep(400)
      t.record('while open', await read(t, stream))
      t.record('cut off', (await result).error?.code)
    },
  },
] satisfies Scenario[]
