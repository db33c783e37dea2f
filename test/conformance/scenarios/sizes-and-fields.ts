// How large and of what form an appended event may be, and what is stored of it.
import type { Outgoing, Wire } from '../lib/codec.ts'
import { both, type Scenario } from '../lib/scenario.ts'
import type { Write } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const limit = 1_048_576
const sized = (t: Toolkit, size: number) => t.event({ data: 'x'.repeat(size) })
const stored = async (t: Toolkit, stream: string) => (await t.read(stream)).events.length

// The stored form of one event, as read back.
const written = async (t: Toolkit, write: Write, event: Outgoing): Promise<Wire> => {
  const stream = t.stream('fields')
  const result = await write(stream, 'any', [event])
  if (!result.success) return result
  const [{ event: read }] = (await t.read(stream)).events
  return { id: read.id, metadata: read.metadata, customMetadata: read.customMetadata, data: read.data }
}

export default [
  both('3.2', 'one event of exactly the largest append size, and one byte more', async (t, write, record) => {
    for (const size of [limit, limit + 1]) {
      const stream = t.stream('large')
      record(`${size} bytes`, await write(stream, 'any', [sized(t, size)]))
      record(`${size} bytes, stored`, await stored(t, stream))
    }
  }),
  both('3.2', 'the append size counts all events of a request', async (t, write, record) => {
    for (const extra of [0, 1]) {
      const stream = t.stream('large')
      record(`two halves and ${extra}`, await write(stream, 'any', [sized(t, limit / 2), sized(t, limit / 2), sized(t, extra)]))
      record(`two halves and ${extra}, stored`, await stored(t, stream))
    }
  }),
  both('3.2', 'the append size with long type names', async (t, write, record) => {
    const stream = t.stream('large')
    const events = Array.from({ length: 600 }, () => t.event({ type: 'T'.repeat(2_000), data: 'x' }))
    record('1.2 MB of type names', await write(stream, 'any', events))
    record('stored', await stored(t, stream))
  }),
  both('3.2', 'events of no bytes', async (t, write, record) => {
    record('empty data', await written(t, write, t.event({ data: '' })))
    record('empty data said to be JSON', await written(t, write, t.event({ data: '', contentType: 'application/json' })))
    record('empty metadata', await written(t, write, t.event({ metadata: '' })))
  }),
  both('3.2', 'a request far above the limit is refused for its size', async (t, write, record) => {
    const stream = t.stream('large')
    record(
      'six events of 1 MB',
      await write(
        stream,
        'any',
        Array.from({ length: 6 }, () => sized(t, 1_000_000)),
      ),
    )
    record('one event of 6 MB', await write(stream, 'any', [sized(t, 6_000_000)]))
    record('stored', await stored(t, stream))
  }),
  both('3.2', 'required metadata is missing', async (t, write, record) => {
    const stream = t.stream('fields')
    for (const rawMetadata of [
      { 'content-type': 'application/json' },
      { type: 'probed' },
      {},
      { Type: 'probed', 'Content-Type': 'application/json' },
    ])
      record(Object.keys(rawMetadata).join(' and ') || 'nothing given', await write(stream, 'any', [t.event({ rawMetadata })]))
    record('missing in the second event', await write(stream, 'any', [t.event(), t.event({ rawMetadata: {} })]))
    record('visible', t.brief(await t.read(stream)))
  }),
  both('3.2', 'content types', async (t, write, record) => {
    for (const contentType of [
      'application/json',
      'application/octet-stream',
      'text/plain',
      '',
      'Application/JSON',
      'application/json; charset=utf-8',
      'application/vnd.probe+json',
    ])
      record(contentType, (await written(t, write, t.event({ contentType, json: {} }))).metadata?.['content-type'])
  }),
  both('3.2', 'malformed JSON is stored as it is', async (t, write, record) => {
    for (const data of ['{', 'not json', 'hex:fffe00', '{"a":1,}'])
      record(data, await written(t, write, t.event({ data, contentType: 'application/json', metadata: data })))
  }),
  both('3.2', 'unusual types', async (t, write, record) => {
    for (const type of ['', ' ', '$reserved', '$>', 'Ünïcode ✓', 'a'.repeat(5_000)]) {
      const result = await written(t, write, t.event({ type, data: 'x' }))
      record(type.slice(0, 20), type.length > 100 ? (result.metadata?.type.length ?? result) : result)
    }
  }),
  both('3.2', 'unusual ids', async (t, write, record) => {
    const zero = '00000000-0000-0000-0000-000000000000'
    record('zero', await written(t, write, t.event({ id: zero })))
    record(
      'zero, structured',
      await written(t, write, t.event({ id: { structured: { mostSignificantBits: 0, leastSignificantBits: 0 } } })),
    )
    record('capitals', await written(t, write, t.event({ id: { string: t.id().toUpperCase() } })))
    record('without hyphens', await written(t, write, t.event({ id: { string: t.id().replaceAll('-', '') } })))
    record('in braces', await written(t, write, t.event({ id: { string: `{${t.id()}}` } })))
  }),
  {
    name: 'ids that are none, by append',
    section: '3.2',
    async run(t) {
      for (const [label, id] of [
        ['empty text', { string: '' }],
        ['no uuid', { string: 'order-1' }],
        ['neither form', {}],
      ] as const)
        t.record(label, await t.append(t.stream('fields'), 'any', [t.event({ id })]))
      t.record('no id field', await t.append(t.stream('fields'), 'any', [{ ...t.event(), id: undefined }]))
    },
  },
  {
    name: 'ids that are none, by batch',
    section: '3.2',
    async run(t) {
      for (const [label, id] of [
        ['empty text', { string: '' }],
        ['no uuid', { string: 'order-1' }],
        ['neither form', {}],
      ] as const)
        t.record(label, await t.batch(t.stream('fields'), 'any', [t.event({ id })], { waitMs: 3_000 }))
      t.record('no id field', await t.batch(t.stream('fields'), 'any', [{ ...t.event(), id: undefined }], { waitMs: 3_000 }))
    },
  },
  both('3.2', 'stream names beyond ASCII and punctuation', async (t, write, record) => {
    for (const hint of ['Größe', '注文', '🦜', 'with space', 'a@b', 'a::b', 'a/b?c=d', '%41', '-leading', '\u0001control']) {
      const stream = t.stream(hint)
      record(`${hint}, written`, (await write(stream, 'no_stream', 1)).success?.currentRevision)
      record(
        `${hint}, read`,
        (await t.read(stream)).events.map(({ event }) => event.streamIdentifier),
      )
      record(`${hint}, refused`, await write(stream, 'no_stream', 1))
    }
  }),
  both('3.2', 'very long stream names', async (t, write, record) => {
    for (const length of [1_000, 10_000]) {
      const stream = t.stream('n'.repeat(length))
      const result = await write(stream, 'no_stream', 1)
      record(`${length}, written`, result.success?.currentRevision ?? result.error.code)
      record(
        `${length}, read`,
        (await t.read(stream)).events.map(({ event }) => event.streamIdentifier.streamName === stream),
      )
    }
  }),
  both('3.2', 'names of system streams can be written', async (t, write, record) => {
    for (const hint of ['$probe', '$ce-probe', '$mem-probe', '$$$probe']) {
      const stream = t.stream(hint)
      record(hint, await write(stream, 'any', 1))
      record(`${hint}, read`, t.brief(await t.read(stream)))
    }
  }),
  both('3.2', 'stream names that are none', async (t, write, record) => {
    record('empty', await write('', 'any', 1, { waitMs: 3_000, deadlineMs: 3_000 }))
    const stream = t.stream('bytes')
    record(
      'not UTF-8',
      await write(`hex:ff80${Buffer.from(stream).toString('hex')}`, 'any', 1, { waitMs: 3_000, deadlineMs: 3_000 }),
    )
    record('not UTF-8, read', t.brief(await t.read(`\ufffd\ufffd${stream}`)))
  }),
] satisfies Scenario[]
