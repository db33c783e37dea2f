// Appending the same event ids again.
import { both, type Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

async function visible(t: Toolkit, stream: string) {
  const result = await t.read(stream)
  return result.events.length
    ? result.events.map(({ event }) => [event.streamRevision, event.id.string, event.data])
    : t.brief(result)
}

export default [
  both('3.1', 'the same events again with the same expectation', async (t, write, record) => {
    for (const expected of ['no_stream', 'any'] as const) {
      const stream = t.stream('orders')
      const events = t.events(3)
      record(`${expected}, first`, await write(stream, expected, events))
      record(`${expected}, again`, await write(stream, expected, events))
      record(`${expected}, visible`, await visible(t, stream))
    }
  }),
  both('3.1', 'the same events again at an exact revision', async (t, write, record) => {
    const stream = t.stream('orders')
    await write(stream, 'no_stream', 2)
    const events = t.events(2)
    record('first', await write(stream, 1, events))
    record('again', await write(stream, 1, events))
    record('visible', await visible(t, stream))
  }),
  both('3.1', 'the same events again with stream_exists', async (t, write, record) => {
    const stream = t.stream('orders')
    await write(stream, 'no_stream', 1)
    const events = t.events(2)
    record('first', await write(stream, 'stream_exists', events))
    record('again', await write(stream, 'stream_exists', events))
    record('visible', (await visible(t, stream)).length)
  }),
  both('3.1', 'a repetition after later events reports the original revision and position', async (t, write, record) => {
    for (const expected of ['no_stream', 'any'] as const) {
      const stream = t.stream('orders')
      const events = t.events(2)
      record(`${expected}, first`, await write(stream, expected, events))
      record(`${expected}, later`, await write(stream, 'any', 3))
      record(`${expected}, again`, await write(stream, expected, events))
      record(`${expected}, visible`, (await visible(t, stream)).length)
    }
  }),
  both('3.1', 'known events followed by a new one', async (t, write, record) => {
    for (const expected of ['no_stream', 'any', 'stream_exists', 0] as const) {
      const stream = t.stream('orders')
      if (expected === 'stream_exists' || expected === 0) await write(stream, 'no_stream', 1)
      const events = t.events(2)
      await write(stream, expected, events)
      record(`expecting ${expected}`, await write(stream, expected, [...events, t.event()]))
      record(`expecting ${expected}, visible`, (await visible(t, stream)).length)
    }
  }),
  both('3.1', 'a new event followed by known ones', async (t, write, record) => {
    for (const expected of ['no_stream', 'any', 'stream_exists'] as const) {
      const stream = t.stream('orders')
      const events = t.events(2)
      await write(stream, 'no_stream', events)
      record(`expecting ${expected}`, await write(stream, expected, [t.event(), ...events]))
      record(`expecting ${expected}, visible`, await visible(t, stream))
    }
  }),
  both('3.1', 'the first part of an earlier request', async (t, write, record) => {
    for (const expected of ['no_stream', 'any'] as const) {
      const stream = t.stream('orders')
      const events = t.events(4)
      record(`${expected}, all`, await write(stream, expected, events))
      record(`${expected}, first two`, await write(stream, expected, events.slice(0, 2)))
    }
  }),
  both('3.1', 'known events in another order', async (t, write, record) => {
    const stream = t.stream('orders')
    const events = t.events(3)
    await write(stream, 'no_stream', events)
    record('expecting no_stream', await write(stream, 'no_stream', [...events].reverse()))
    record('visible', await visible(t, stream))
  }),
  both('3.1', 'known ids at the current revision are written again', async (t, write, record) => {
    const stream = t.stream('orders')
    const events = t.events(2)
    await write(stream, 'no_stream', events)
    record('at 1', await write(stream, 1, events))
    record('visible', await visible(t, stream))
    record('at 1 once more', await write(stream, 1, events))
    record('without expectation', await write(stream, 'any', events))
  }),
  both('3.1', 'the same ids in another stream are written', async (t, write, record) => {
    const [first, second] = [t.stream('orders'), t.stream('orders')]
    const events = t.events(2)
    await write(first, 'any', events)
    record('second stream', await write(second, 'any', events))
    record('visible', await visible(t, second))
  }),
  both('3.1', 'other content under a known id changes nothing', async (t, write, record) => {
    const stream = t.stream('orders')
    const id = t.id()
    await write(stream, 'no_stream', [t.event({ id, json: 'old' })])
    record('again', await write(stream, 'no_stream', [t.event({ id, json: 'new', type: 'other' })]))
    record('visible', await visible(t, stream))
  }),
  both('3.1', 'repetition on a soft-deleted stream', async (t, write, record) => {
    for (const expected of ['no_stream', 'any', 'stream_exists', 0] as const) {
      const stream = t.stream('orders')
      const events = t.events(2)
      await write(stream, 'no_stream', events)
      await t.delete(stream)
      record(`expecting ${expected}`, await write(stream, expected, expected === 0 ? events.slice(1) : events))
      record(`expecting ${expected}, visible`, await visible(t, stream))
    }
  }),
  both('3.1', 'repetition on a tombstoned stream', async (t, write, record) => {
    const stream = t.stream('orders')
    const events = t.events(2)
    await write(stream, 'no_stream', events)
    await t.tombstone(stream)
    record('again', await write(stream, 'no_stream', events))
  }),
  {
    name: 'a request by Append is known to BatchAppend and the other way round',
    section: '3.1',
    async run(t) {
      const stream = t.stream('orders')
      const [first, second] = [t.events(1), t.events(1)]
      t.record('append', await t.append(stream, 'no_stream', first))
      t.record('batch again', await t.batch(stream, 'no_stream', first))
      t.record('batch', await t.batch(stream, 'any', second))
      t.record('append again', await t.append(stream, 'any', second))
    },
  },
] satisfies Scenario[]
