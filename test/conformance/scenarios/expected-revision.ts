// Every expectation against every state a stream can be in, through both ways to append.
import { rises } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Expected } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const states: Record<string, (t: Toolkit, stream: string) => Promise<unknown>> = {
  'a stream never written': async () => {},
  'a stream with events': (t, stream) => t.append(stream, 'no_stream', 3),
  'a soft-deleted stream': async (t, stream) => {
    await t.append(stream, 'no_stream', 3)
    await t.delete(stream)
  },
  'a stream with metadata only': (t, stream) => t.setMetadata(stream, 'no_stream', { $maxCount: 10 }),
  'a tombstoned stream': async (t, stream) => {
    await t.append(stream, 'no_stream', 3)
    await t.tombstone(stream)
  },
}

const expectations: Record<string, readonly Expected[]> = {
  any: ['any'],
  no_stream: ['no_stream'],
  stream_exists: ['stream_exists'],
  'exact revisions': [0, 1, 2, 3],
}

const ways = { append: (t: Toolkit) => t.append, batch: (t: Toolkit) => t.batch }

const matrix = Object.entries(states).flatMap(([state, prepare]) =>
  Object.entries(expectations).map(([kind, expectedOnes]) => ({
    name: `${kind} on ${state}`,
    section: '3.1',
    async run(t: Toolkit) {
      for (const expected of expectedOnes) {
        for (const [way, write] of Object.entries(ways)) {
          const stream = t.stream('orders')
          await prepare(t, stream)
          t.record(`${way} expecting ${expected}`, await write(t)(stream, expected, 2))
          t.record(`${way} expecting ${expected}: visible`, t.brief(await t.read(stream)))
        }
      }
    },
  })),
)

export default [
  ...matrix,
  {
    name: 'the largest revisions as expectation',
    section: '3.1',
    async run(t) {
      for (const revision of [9223372036854775806n, 9223372036854775807n, 18446744073709551615n]) {
        const stream = t.stream('orders')
        await t.append(stream, 'any', 2)
        t.record(`append ${revision}`, await t.append(stream, revision, 1))
        t.record(`batch ${revision}`, await t.batch(stream, revision, 1))
      }
    },
  },
  {
    name: 'no expectation given',
    section: '3.1',
    async run(t) {
      const stream = t.stream('orders')
      t.record('append', await t.append(stream, undefined, 1))
      t.record('batch', await t.batch(stream, undefined, 1))
      t.record('visible', t.brief(await t.read(stream)))
    },
  },
  {
    name: 'one of many writers with the same exact revision wins',
    section: '3.1',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'no_stream', 1)
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? t.append : t.batch)(stream, 0, 1)))
      t.record('won', results.filter(({ success }) => success).length)
      t.record('revision', results.find(({ success }) => success).success.currentRevision)
      t.record('read', (await t.read(stream)).events.length)
    },
  },
  {
    name: 'many writers without expectation all succeed with revisions of their own',
    section: '3.1',
    async run(t) {
      const stream = t.stream('orders')
      const results = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 2 ? t.append : t.batch)(stream, 'any', 2)))
      const revisions = results.map(({ success }) => Number(success.currentRevision)).sort((a, b) => a - b)
      t.record(
        'every second revision',
        revisions.every((revision, index) => revision === index * 2 + 1),
      )
      const positions = (await t.read(stream)).events.map(({ event }) => BigInt(event.commitPosition))
      t.record('positions rise', rises(positions))
    },
  },
] satisfies Scenario[]
