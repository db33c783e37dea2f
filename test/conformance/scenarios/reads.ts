// Finite reads of streams and of $all.
import { kind, position } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Read, ReadOptions } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const kinds = ({ messages, error }: Read) => [...messages.map(kind), ...(error ? [error.exception ?? error.code] : [])]
const revisions = (result: Read) =>
  result.events.length ? result.events.map(({ event }) => Number(event.streamRevision)) : kinds(result)
const maxInt64 = 9223372036854775807n
const maxUint64 = 18446744073709551615n

async function streamOf(t: Toolkit, count: number) {
  const stream = t.stream('orders')
  if (count) await t.append(stream, 'no_stream', count)
  return stream
}

const directions = ['forwards', 'backwards'] as const

export default [
  ...directions.map((direction) => ({
    name: `stream ${direction}: every start`,
    section: '6.1',
    async run(t: Toolkit) {
      const stream = await streamOf(t, 6)
      for (const from of ['start', 'end', 0, 1, 3, 5, 6, 100, maxInt64, maxUint64] as const)
        t.record(`from ${from}`, revisions(await t.read(stream, { direction, from })))
    },
  })),
  ...directions.map((direction) => ({
    name: `stream ${direction}: counts`,
    section: '6.1',
    async run(t: Toolkit) {
      const stream = await streamOf(t, 6)
      for (const count of [1, 2, 5, 6, 7, maxInt64, maxUint64] as const)
        t.record(`count ${count}`, revisions(await t.read(stream, { direction, count })))
      for (const from of ['start', 'end', 2, 5] as const)
        t.record(`two from ${from}`, revisions(await t.read(stream, { direction, from, count: 2 })))
    },
  })),
  {
    name: 'stream: count 0',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 2)
      for (const direction of directions) t.record(direction, await t.read(stream, { direction, count: 0 }))
      t.record('missing stream', await t.read(t.stream('missing'), { count: 0 }))
    },
  },
  {
    name: 'long reads cross every page boundary',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 700)
      for (const direction of directions) {
        const all = revisions(await t.read(stream, { direction }))
        t.record(`${direction}: events`, all.length)
        t.record(
          `${direction}: in order`,
          all.every((revision, index) => revision === (direction === 'forwards' ? index : 699 - index)),
        )
        for (const count of [31, 32, 33, 64, 500, 501] as const)
          t.record(
            `${direction}: count ${count}`,
            revisions(await t.read(stream, { direction, count, from: direction === 'forwards' ? 7 : 690 })).length,
          )
      }
    },
  },
  {
    name: 'a stream that is not there',
    section: '6.1',
    async run(t) {
      const missing = t.stream('missing')
      for (const direction of directions)
        for (const from of ['start', 'end', 3] as const)
          t.record(`${direction} from ${from}`, await t.read(missing, { direction, from }))
      const deleted = await streamOf(t, 2)
      await t.delete(deleted)
      for (const direction of directions)
        for (const from of ['start', 'end', 1] as const)
          t.record(`soft-deleted, ${direction} from ${from}`, await t.read(deleted, { direction, from }))
    },
  },
  {
    name: 'a tombstoned stream',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 2)
      await t.tombstone(stream)
      for (const direction of directions)
        for (const from of ['start', 'end', 1] as const)
          t.record(`${direction} from ${from}`, await t.read(stream, { direction, from }))
    },
  },
  {
    name: 'a stream whose events are all hidden is there',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 4)
      await t.setMetadata(stream, 'no_stream', { $tb: 10 })
      for (const direction of directions)
        for (const from of ['start', 'end', 2, 20] as const)
          t.record(`${direction} from ${from}`, await t.read(stream, { direction, from }))
    },
  },
  {
    name: 'truncated streams: every start',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 8)
      await t.setMetadata(stream, 'no_stream', { $tb: 3 })
      for (const direction of directions)
        for (const from of ['start', 'end', 0, 2, 3, 4, 7, 9] as const)
          t.record(`${direction} from ${from}`, revisions(await t.read(stream, { direction, from })))
      t.record('two forwards from a hidden revision', revisions(await t.read(stream, { from: 1, count: 2 })))
      t.record('four backwards from 4', revisions(await t.read(stream, { direction: 'backwards', from: 4, count: 4 })))
    },
  },
  {
    name: 'stream positions with compatibility 1, forwards and backwards',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 5)
      for (const compatibility of [0, 1, 2]) {
        for (const direction of directions) {
          const result = await t.read(stream, { direction, compatibility })
          t.record(`${compatibility} ${direction}: kinds`, kinds(result))
          t.record(
            `${compatibility} ${direction}: the others`,
            result.messages.filter(({ event }) => !event),
          )
        }
      }
    },
  },
  {
    name: 'stream positions with compatibility 1 in partial reads',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 5)
      for (const direction of directions)
        for (const from of ['start', 'end', 2] as const)
          t.record(
            `${direction} two from ${from}`,
            (await t.read(stream, { direction, from, count: 2, compatibility: 1 })).messages.map((message) =>
              message.event ? message.event.event.streamRevision : message,
            ),
          )
    },
  },
  {
    name: 'compatibility 1 in reads of $all',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 1)
      const [first] = (await t.read(stream)).events
      for (const direction of directions)
        t.record(
          direction,
          new Set(
            kinds(
              await t.readAll({
                direction,
                from: direction === 'forwards' ? position(first) : 'end',
                count: 3,
                compatibility: 1,
                everyone: true,
              }),
            ),
          ).size,
        )
      t.record('kinds', [...new Set(kinds(await t.readAll({ count: 3, compatibility: 1, everyone: true })))])
    },
  },
  {
    name: '$all forwards from a position is inclusive',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 5)
      const { events } = await t.read(stream)
      for (const index of [0, 2, 4])
        t.record(`from event ${index}`, revisions(await t.readAll({ from: position(events[index]), count: 5_000 })))
      t.record('one from event 2', revisions(await t.readAll({ from: position(events[2]), count: 1 })))
    },
  },
  {
    name: '$all backwards from a position is exclusive',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 5)
      const { events } = await t.read(stream)
      for (const index of [1, 2, 4])
        t.record(
          `one before event ${index}`,
          revisions(await t.readAll({ direction: 'backwards', from: position(events[index]), count: 1 })),
        )
      t.record('three before event 4', revisions(await t.readAll({ direction: 'backwards', from: position(events[4]), count: 3 })))
    },
  },
  {
    name: '$all from the ends',
    section: '6.1',
    async run(t) {
      t.record('forwards from the end', await t.readAll({ from: 'end', count: 10, everyone: true }))
      t.record('backwards from the start', await t.readAll({ direction: 'backwards', from: 'start', count: 10, everyone: true }))
      t.record('forwards, three', (await t.readAll({ count: 3, everyone: true })).events.length)
      t.record('backwards, three', (await t.readAll({ direction: 'backwards', count: 3, everyone: true })).events.length)
      t.record(
        'the first is of the system',
        (await t.readAll({ count: 1, everyone: true })).events[0].event.metadata.type.startsWith('$'),
      )
    },
  },
  {
    name: '$all from positions that cannot be',
    section: '6.1',
    async run(t) {
      const outcome = async (options: ReadOptions) => {
        const result = await t.readAll({ ...options, count: 2, everyone: true })
        return result.error ? { error: result.error } : result.events.length
      }
      for (const direction of directions) {
        t.record(`prepare after commit, ${direction}`, await outcome({ direction, from: { commit: 5, prepare: 10 } }))
        t.record(`far beyond the end, ${direction}`, await outcome({ direction, from: { commit: 1n << 50n, prepare: 1n << 50n } }))
        t.record(`largest signed, ${direction}`, await outcome({ direction, from: { commit: maxInt64, prepare: maxInt64 } }))
      }
    },
  },
  {
    name: 'every field of an event',
    section: '6.2',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', [
        t.event({ type: 'placed', json: { total: 5 }, metadata: { user: 'ann' } }),
        t.event({ type: 'photo', data: 'hex:89504e47', metadata: 'hex:ff00' }),
        t.event({ type: 'nothing', data: '' }),
      ])
      t.record('forwards', (await t.read(stream)).events)
      t.record('backwards', (await t.read(stream, { direction: 'backwards' })).events)
    },
  },
  {
    name: 'ids in the form asked for',
    section: '6.2',
    async run(t) {
      const stream = await streamOf(t, 1)
      for (const [label, raw] of [
        ['text', { uuidOption: { string: {} } }],
        ['structured', { uuidOption: { structured: {} } }],
        ['not said', { uuidOption: undefined }],
        ['empty option', { uuidOption: {} }],
      ] as const)
        t.record(label, await t.read(stream, { raw }))
    },
  },
  {
    name: 'the creation time is the same in every read and lies between the clocks',
    section: '6.2',
    async run(t) {
      const before = BigInt(Date.now() - 5_000) * 10_000n
      const stream = await streamOf(t, 3)
      const after = BigInt(Date.now() + 5_000) * 10_000n
      const times = (await t.read(stream)).events.map(({ event }) => BigInt(event.metadata.created))
      const again = (await t.read(stream, { direction: 'backwards' })).events
        .map(({ event }) => BigInt(event.metadata.created))
        .reverse()
      t.record(
        'between',
        times.every((time) => time >= before && time <= after),
      )
      t.record(
        'the same',
        times.every((time, index) => time === again[index]),
      )
      t.record(
        'not falling',
        times.every((time, index) => index === 0 || time >= times[index - 1]!),
      )
    },
  },
  {
    name: 'combinations of options that are refused',
    section: '6',
    async run(t) {
      const stream = await streamOf(t, 2)
      const filter = {
        filter: { streamIdentifier: { prefix: ['x'] }, max: 5, checkpointintervalmultiplier: 1 },
        noFilter: undefined,
      }
      const subscription = { count: undefined, subscription: {} }
      for (const [label, source, raw] of [
        ['stream with a filter', stream, filter],
        ['stream, subscription with a filter', stream, { ...filter, ...subscription }],
        ['stream, subscription backwards', stream, { ...subscription, readDirection: 1 }],
        ['$all, subscription backwards', '$all', { ...subscription, readDirection: 1 }],
        ['direction 2', stream, { readDirection: 2 }],
        ['neither stream nor $all', stream, { stream: undefined }],
        ['neither count nor subscription', stream, { count: undefined }],
        ['neither filter nor none, stream', stream, { noFilter: undefined }],
        ['neither filter nor none, $all', '$all', { noFilter: undefined }],
        ['stream without start', stream, { stream: { streamIdentifier: { streamName: stream } } }],
        ['$all without start', '$all', { all: {} }],
        ['no stream name', stream, { stream: { start: {} } }],
        ['empty stream name', stream, { stream: { streamIdentifier: { streamName: '' }, start: {} } }],
      ] as const)
        t.record(label, await t.read(source, { raw, count: 1, waitMs: 3_000 }))
      t.record('no options', await t.serverStream('streams.Streams', 'Read', {}).outcome())
    },
  },
  {
    name: 'metadata streams are read like others',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 1)
      t.record('before', await t.read(`$$${stream}`))
      await t.setMetadata(stream, 'no_stream', { first: 1 })
      await t.setMetadata(stream, 0, { second: 2 })
      for (const direction of directions) t.record(direction, await t.read(`$$${stream}`, { direction }))
    },
  },
  {
    name: 'a read ends where the stream ended even when events are added meanwhile',
    section: '6.1',
    async run(t) {
      const stream = await streamOf(t, 200)
      const [result] = await Promise.all([t.read(stream), ...Array.from({ length: 10 }, () => t.append(stream, 'any', 1))])
      const all = revisions(result)
      t.record(
        'no gap',
        all.every((revision, index) => revision === index),
      )
      t.record('at least what was there', all.length >= 200)
    },
  },
] satisfies Scenario[]
