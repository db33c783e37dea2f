// Delete (soft) and Tombstone (hard), with every expectation and in every state.
import { positionOf } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { From } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const states: Record<string, (t: Toolkit, stream: string) => Promise<unknown>> = {
  'a stream never written': async () => {},
  'a stream with events': (t, stream) => t.append(stream, 'no_stream', 3),
  'a soft-deleted stream': async (t, stream) => {
    await t.append(stream, 'no_stream', 3)
    await t.delete(stream)
  },
  'a stream with metadata only': (t, stream) => t.setMetadata(stream, 'no_stream', { colour: 'red' }),
  'a tombstoned stream': async (t, stream) => {
    await t.append(stream, 'no_stream', 3)
    await t.tombstone(stream)
  },
}

const metadataOf = async (t: Toolkit, stream: string) => {
  const result = await t.read(`$$${stream}`)
  return result.events.length
    ? result.events.map(({ event }) => [event.streamRevision, event.metadata.type, event.metadata['content-type'], event.data])
    : t.brief(result)
}

const ways = ['delete', 'tombstone'] as const

const matrix = ways.flatMap((way) =>
  Object.entries(states).map(([state, prepare]) => ({
    name: `${way} ${state}`,
    section: '7',
    async run(t: Toolkit) {
      for (const expected of ['any', 'no_stream', 'stream_exists', 0, 2, 5] as const) {
        const stream = t.stream('orders')
        await prepare(t, stream)
        t.record(`expecting ${expected}`, await t[way](stream, expected))
        t.record(`expecting ${expected}: read`, t.brief(await t.read(stream)))
        t.record(`expecting ${expected}: metadata`, await metadataOf(t, stream))
      }
    },
  })),
)

const allOf = async (t: Toolkit, from: From) => (await t.readAll({ from })).events

export default [
  ...matrix,
  {
    name: 'delete: what is written to the log',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      const from = positionOf(await t.append(stream, 'any', 1))
      await t.setMetadata(stream, 'any', { $maxCount: 5, colour: 'red' })
      t.record('reply', await t.delete(stream, 0))
      t.record('all', await allOf(t, from))
    },
  },
  {
    name: 'tombstone: what is written to the log',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      const from = positionOf(await t.append(stream, 'any', 1))
      await t.setMetadata(stream, 'any', { $maxCount: 5, colour: 'red' })
      t.record('reply', await t.tombstone(stream, 0))
      t.record('all', await allOf(t, from))
    },
  },
  {
    name: 'delete: the numbering goes on and the past stays hidden',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'no_stream', 3)
      await t.delete(stream)
      t.record('first life', await metadataOf(t, stream))
      t.record('append', await t.append(stream, 'no_stream', 2))
      t.record('read', t.brief(await t.read(stream)))
      t.record('backwards', t.brief(await t.read(stream, { direction: 'backwards' })))
      t.record('from a hidden revision', t.brief(await t.read(stream, { from: 1 })))
      t.record('second life', await metadataOf(t, stream))
      t.record('no_stream now', await t.append(stream, 'no_stream', 1))
      await t.delete(stream, 4)
      t.record('deleted again', await metadataOf(t, stream))
      t.record('exact', await t.append(stream, 4, 1))
      t.record('third life', await metadataOf(t, stream))
      t.record('read again', t.brief(await t.read(stream)))
    },
  },
  {
    name: 'delete: a deletion by hand through $tb behaves the same',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 3)
      await t.setMetadata(stream, 'any', '{"$tb":9223372036854775807}')
      t.record('read', await t.read(stream))
      t.record('stream_exists', await t.append(stream, 'stream_exists', 1))
      t.record('append', await t.append(stream, 'no_stream', 1))
      t.record('read again', t.brief(await t.read(stream)))
      t.record('metadata', await metadataOf(t, stream))
    },
  },
  {
    name: 'tombstone: the metadata stream goes with its stream',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1)
      await t.setMetadata(stream, 'any', { colour: 'red' })
      await t.tombstone(stream)
      t.record('read', await t.read(`$$${stream}`))
      t.record('append', await t.setMetadata(stream, 'any', { colour: 'blue' }))
      t.record('batch', await t.batch(`$$${stream}`, 'any', [t.event({ type: '$metadata', json: {} })]))
      t.record('delete', await t.delete(stream))
    },
  },
  {
    name: 'refusals tell stream and revisions in the trailers',
    section: '7',
    async run(t) {
      for (const way of ways) {
        const [stream, missing] = [t.stream('orders'), t.stream('missing')]
        await t.append(stream, 'any', 2)
        for (const [name, expected] of [
          [stream, 'no_stream'],
          [stream, 7],
          [missing, 3],
          [missing, 'stream_exists'],
        ] as const)
          t.record(`${way} expecting ${expected}`, await t[way](name, expected))
      }
    },
  },
  {
    name: 'requests out of shape',
    section: '7',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1)
      for (const way of ['Delete', 'Tombstone']) {
        t.record(`${way} without options`, await t.call('streams.Streams', way, {}))
        t.record(`${way} without stream`, await t.call('streams.Streams', way, { options: { any: {} } }))
        t.record(
          `${way} without expectation`,
          await t.call('streams.Streams', way, { options: { streamIdentifier: { streamName: stream } } }),
        )
      }
      t.record('read', t.brief(await t.read(stream)))
    },
  },
] satisfies Scenario[]
