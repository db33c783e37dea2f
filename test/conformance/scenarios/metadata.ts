// Stream metadata: what it hides, what it ignores, how it is stored.
import { kind } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Read } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const revisions = (result: Read) =>
  result.events.length
    ? result.events.map(({ event }) => Number(event.streamRevision))
    : [...result.messages.map(kind), ...(result.error ? [result.error.exception] : [])]
const visible = async (t: Toolkit, stream: string) => [
  revisions(await t.read(stream)),
  revisions(await t.read(stream, { direction: 'backwards' })),
]

async function streamOf(t: Toolkit, n: number) {
  const stream = t.stream('orders')
  await t.append(stream, 'no_stream', n)
  return stream
}

const readMetadata = async (t: Toolkit, stream: string) =>
  (await t.read(`$$${stream}`)).events.map(({ event }) => ({
    revision: event.streamRevision,
    type: event.metadata.type,
    data: event.data,
  }))

export default [
  {
    name: '$maxCount hides all but the last events, in both directions',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 6)
      await t.setMetadata(stream, 'no_stream', { $maxCount: 2 })
      t.record('visible', await visible(t, stream))
      await t.append(stream, 'any', 1)
      t.record('one more', await visible(t, stream))
      t.record('from a hidden revision', revisions(await t.read(stream, { from: 1, count: 1 })))
      t.record('backwards from a hidden revision', revisions(await t.read(stream, { direction: 'backwards', from: 1 })))
    },
  },
  {
    name: '$maxCount counts at once, up and down',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 6)
      for (const $maxCount of [1, 4, 2, 100]) {
        await t.setMetadata(stream, 'any', { $maxCount })
        t.record(`${$maxCount}`, await visible(t, stream))
      }
      await t.setMetadata(stream, 'any', {})
      t.record('none', await visible(t, stream))
    },
  },
  {
    name: '$tb hides what lies before it and can be taken back',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 5)
      for (const $tb of [3, 0, 4, 1, 5]) {
        await t.setMetadata(stream, 'any', { $tb })
        t.record(`${$tb}`, await visible(t, stream))
      }
      await t.append(stream, 'any', 2)
      t.record('two more', await visible(t, stream))
    },
  },
  {
    name: '$maxAge hides what is older',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 3)
      await t.setMetadata(stream, 'any', { $maxAge: 3 })
      t.record('young', await visible(t, stream))
      await t.sleep(4_200)
      t.record('old', await visible(t, stream))
      await t.append(stream, 'any', 1)
      t.record('a young one', await visible(t, stream))
      await t.setMetadata(stream, 'any', { $maxAge: 3_600 })
      t.record('a longer age', await visible(t, stream))
    },
  },
  {
    name: 'several limits together',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 8)
      for (const metadata of [
        { $tb: 3, $maxCount: 2 },
        { $tb: 7, $maxCount: 4 },
        { $tb: 2, $maxCount: 100, $maxAge: 3_600 },
      ]) {
        await t.setMetadata(stream, 'any', metadata)
        t.record(JSON.stringify(metadata), await visible(t, stream))
      }
    },
  },
  {
    name: 'values that are not positive are ignored',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 3)
      for (const metadata of [
        '{"$maxCount":0}',
        '{"$maxCount":-1}',
        '{"$tb":-1}',
        '{"$maxAge":0}',
        '{"$maxAge":-5}',
        '{"$tb":0}',
      ]) {
        t.record(metadata, await t.setMetadata(stream, 'any', metadata))
        t.record(`${metadata} visible`, await visible(t, stream))
      }
    },
  },
  {
    name: 'values of other types',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 4)
      for (const metadata of [
        '{"$maxCount":"2"}',
        '{"$maxCount":2.0}',
        '{"$maxCount":2.7}',
        '{"$maxCount":1e0}',
        '{"$maxCount":true}',
        '{"$maxCount":null}',
        '{"$maxCount":[2]}',
        '{"$tb":"2"}',
        '{"$maxCount":99999999999999999999}',
      ]) {
        await t.setMetadata(stream, 'any', metadata)
        t.record(metadata, (await visible(t, stream))[0])
      }
    },
  },
  {
    name: 'metadata that is no JSON object',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 4)
      for (const metadata of [
        '{"$maxCount":2',
        '[]',
        '"text"',
        'null',
        '',
        'hex:fffe',
        ' {"$maxCount":2}',
        '{"$maxCount":2}\n',
        '{"$maxCount":1,"$maxCount":2}',
        '{"$MaxCount":2}',
        '{"maxCount":2}',
      ]) {
        t.record(`${JSON.stringify(metadata)} set`, Object.keys(await t.setMetadata(stream, 'any', metadata))[0])
        t.record(JSON.stringify(metadata), (await visible(t, stream))[0])
      }
    },
  },
  {
    name: 'JSON in a loose dialect',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 4)
      for (const metadata of [
        '{"$maxCount":2} x',
        '\ufeff{"$maxCount":2}',
        "{'$maxCount':2}",
        '{$maxCount:2}',
        '{"$maxCount":2,}',
        '/* c */ {"$maxCount":2}',
        '{"$maxCount":2 /* c */}',
      ]) {
        await t.setMetadata(stream, 'any', metadata)
        t.record(JSON.stringify(metadata), (await visible(t, stream))[0])
      }
    },
  },
  {
    name: 'event type and content type of a metadata event',
    section: '8',
    async run(t) {
      for (const [label, event] of [
        ['other type', { type: 'limits', contentType: 'application/json' }],
        ['octet stream', { contentType: 'application/octet-stream' }],
        ['both', { type: 'limits', contentType: 'text/plain' }],
      ] as const) {
        const stream = await streamOf(t, 4)
        await t.setMetadata(stream, 'any', '{"$maxCount":2}', { event })
        t.record(label, (await visible(t, stream))[0])
      }
    },
  },
  {
    name: 'only the newest metadata event is read, with its own revision',
    section: '8',
    async run(t) {
      const stream = t.stream('orders')
      for (const n of [1, 2, 3]) t.record(`set ${n}`, await t.setMetadata(stream, n === 1 ? 'no_stream' : n - 2, { n }))
      t.record('forwards', await t.read(`$$${stream}`))
      t.record('backwards one', await t.read(`$$${stream}`, { direction: 'backwards', from: 'end', count: 1 }))
      t.record('from revision 0', revisions(await t.read(`$$${stream}`, { from: 0 })))
      t.record('backwards from 1', revisions(await t.read(`$$${stream}`, { direction: 'backwards', from: 1 })))
      t.record('wrong revision', await t.setMetadata(stream, 0, { n: 4 }))
      t.record('no_stream', await t.setMetadata(stream, 'no_stream', { n: 5 }))
    },
  },
  {
    name: 'unknown keys and the text itself are kept as written',
    section: '8',
    async run(t) {
      const stream = t.stream('orders')
      const text = '{ "colour" : "réd", "$maxCount": 5,  "nested": {"a": [1, 2.50, null]} }'
      await t.setMetadata(stream, 'any', text)
      t.record('metadata', await readMetadata(t, stream))
    },
  },
  {
    name: 'hidden events stay in $all',
    section: '8',
    async run(t) {
      const stream = t.stream('orders')
      const { success } = await t.append(stream, 'any', 1)
      await t.append(stream, 'any', 3)
      await t.setMetadata(stream, 'any', { $maxCount: 1, $tb: 2 })
      t.record('stream', (await visible(t, stream))[0])
      const all = await t.readAll({ from: { commit: success.position.commitPosition, prepare: success.position.preparePosition } })
      t.record('all', t.brief(all))
    },
  },
  {
    name: 'metadata before the first event counts from the start',
    section: '8',
    async run(t) {
      const stream = t.stream('orders')
      await t.setMetadata(stream, 'no_stream', { $maxCount: 2 })
      t.record('before', await visible(t, stream))
      await t.append(stream, 'no_stream', 5)
      t.record('after', await visible(t, stream))
    },
  },
  {
    name: 'metadata of system streams counts as well',
    section: '8',
    async run(t) {
      const stream = t.stream('$system')
      await t.append(stream, 'any', 4)
      await t.setMetadata(stream, 'any', { $maxCount: 1 })
      t.record('visible', await visible(t, stream))
    },
  },
  {
    name: 'metadata through BatchAppend',
    section: '8',
    async run(t) {
      const stream = await streamOf(t, 4)
      const event = () => t.event({ type: '$metadata', json: { $maxCount: 2 } })
      t.record('set', await t.batch(`$$${stream}`, 'no_stream', [event()]))
      t.record('refused', await t.batch(`$$${stream}`, 'no_stream', [event()]))
      t.record('visible', await visible(t, stream))
    },
  },
  {
    name: 'the same metadata request again is the same request',
    section: '8',
    async run(t) {
      const stream = t.stream('orders')
      const events = [t.event({ type: '$metadata', json: { n: 1 } })]
      t.record('first', await t.append(`$$${stream}`, 'any', events))
      t.record('again', await t.append(`$$${stream}`, 'any', events))
      t.record('metadata', await readMetadata(t, stream))
    },
  },
] satisfies Scenario[]
