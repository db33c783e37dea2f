// The BatchAppend conversation: correlations, chunks, deadlines, errors as details.
import type { Outgoing, Wire } from '../lib/codec.ts'
import { rises } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import { withoutCorrelation } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const read = async (t: Toolkit, stream: string) => t.brief(await t.read(stream))
const options = (stream: string, expected: Outgoing = { any: {} }) => ({ streamIdentifier: { streamName: stream }, ...expected })
const byStream = (messages: readonly Wire[]) =>
  Object.fromEntries(messages.map(({ correlationId, ...reply }) => [reply.streamIdentifier?.streamName ?? 'none', reply]))
const quiet = 400

async function repliesWithin(call: ReturnType<Toolkit['batchStream']>, count: number, ms = 5_000) {
  await call.until((messages, closed) => messages.length >= count || closed, ms)
  await call.until((messages, closed) => messages.length > count || closed, quiet)
  return { replies: call.messages, ...(call.closed ?? {}) }
}

export default [
  {
    name: 'the reply carries correlation and stream, and nothing of the expectation',
    section: '5',
    async run(t) {
      for (const [kind, given] of Object.entries({ any: {}, noStream: {}, streamPosition: 0, streamExists: {} })) {
        const stream = t.stream('orders')
        if (kind !== 'noStream') await t.append(stream, 'any', 1)
        const call = t.batchStream()
        call.send({
          correlationId: { string: t.id() },
          options: options(stream, { [kind]: given }),
          proposedMessages: t.events(1),
          isFinal: true,
        })
        t.record(kind, await repliesWithin(call, 1))
        call.cancel()
      }
    },
  },
  {
    name: 'a correlation id that is none is answered with an error',
    section: '5',
    async run(t) {
      for (const [label, correlationId] of [
        ['no id', undefined],
        ['empty text', { string: '' }],
        ['no uuid', { string: 'order-1' }],
        ['neither form', {}],
      ] as const) {
        const stream = t.stream('orders')
        const call = t.batchStream()
        call.send({ correlationId, options: options(stream), proposedMessages: t.events(1), isFinal: true })
        t.record(label, await repliesWithin(call, 1, 2_000))
        t.record(`${label}, visible`, await read(t, stream))
        call.cancel()
      }
    },
  },
  {
    name: 'several correlations in one call, interleaved',
    section: '5',
    async run(t) {
      const [first, second] = [t.stream('orders'), t.stream('orders')]
      const [one, two] = [t.id(), t.id()].map((string) => ({ string }))
      const call = t.batchStream()
      call.send({ correlationId: one, options: options(first), proposedMessages: t.events(2) })
      call.send({ correlationId: two, options: options(second), proposedMessages: t.events(1) })
      call.send({ correlationId: one, proposedMessages: t.events(1) })
      call.send({ correlationId: two, proposedMessages: t.events(2), isFinal: true })
      call.send({ correlationId: one, proposedMessages: t.events(1), isFinal: true })
      const { replies } = await repliesWithin(call, 2)
      t.record('replies', replies.length)
      for (const stream of [first, second]) t.record('reply', byStream(replies)[stream])
      for (const stream of [first, second])
        t.record(
          'visible',
          (await t.read(stream)).events.map(({ event }) => event.data),
        )
      call.cancel()
    },
  },
  {
    name: 'events arrive in several chunks and commit as one',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      t.record('reply', await t.batch(stream, 'no_stream', 10, { chunks: 4 }))
      t.record(
        'data',
        (await t.read(stream)).events.map(({ event }) => event.data),
      )
    },
  },
  {
    name: 'nothing is written and nothing answered before the final chunk',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const correlationId = { string: t.id() }
      const call = t.batchStream()
      call.send({ correlationId, options: options(stream), proposedMessages: t.events(2) })
      t.record('replies before', (await repliesWithin(call, 1, 300)).replies.length)
      t.record('visible before', await read(t, stream))
      call.send({ correlationId, isFinal: true })
      t.record('reply', await repliesWithin(call, 1))
      t.record('visible', await read(t, stream))
      call.cancel()
    },
  },
  {
    name: 'no events at all',
    section: '5',
    async run(t) {
      for (const expected of ['any', 'no_stream', 'stream_exists', 1, 5] as const) {
        for (const state of ['never written', 'two events']) {
          const stream = t.stream('orders')
          if (state === 'two events') await t.append(stream, 'any', 2)
          t.record(`${state}, expecting ${expected}`, await t.batch(stream, expected, []))
          t.record(`${state}, expecting ${expected}, visible`, (await t.read(stream)).events.length)
        }
      }
    },
  },
  {
    name: 'a chunk of an unknown correlation gets no reply and does no harm',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const call = t.batchStream()
      call.send({ correlationId: { string: t.id() }, proposedMessages: t.events(1), isFinal: false })
      call.send({ correlationId: { string: t.id() }, proposedMessages: t.events(1), isFinal: true })
      t.record('replies', await repliesWithin(call, 1, 800))
      call.send({ correlationId: { string: t.id() }, options: options(stream), proposedMessages: t.events(1), isFinal: true })
      t.record('afterwards', await repliesWithin(call, 1))
      call.cancel()
    },
  },
  {
    name: 'a correlation can be used again once it was answered',
    section: '5',
    async run(t) {
      const [first, second] = [t.stream('orders'), t.stream('orders')]
      const correlationId = { string: t.id() }
      const call = t.batchStream()
      call.send({ correlationId, options: options(first), proposedMessages: t.events(1), isFinal: true })
      await call.next()
      call.send({ correlationId, options: options(second, { noStream: {} }), proposedMessages: t.events(2), isFinal: true })
      t.record('replies', await repliesWithin(call, 2))
      call.cancel()
    },
  },
  {
    name: 'a refused correlation leaves the call usable',
    section: '5',
    async run(t) {
      const [existing, other] = [t.stream('orders'), t.stream('orders')]
      await t.append(existing, 'any', 1)
      const call = t.batchStream()
      call.send({
        correlationId: { string: t.id() },
        options: options(existing, { noStream: {} }),
        proposedMessages: t.events(1),
        isFinal: true,
      })
      await call.next()
      call.send({
        correlationId: { string: t.id() },
        options: options(other, { noStream: {} }),
        proposedMessages: t.events(1),
        isFinal: true,
      })
      t.record('replies', await repliesWithin(call, 2))
      call.cancel()
    },
  },
  {
    name: 'a deadline that is over, as a point in time',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      t.record('a second after 1970', await t.batch(stream, 'any', 1, { deadline: { seconds: 1 } }))
      t.record('a minute ago', await t.batch(stream, 'any', 1, { deadline: { seconds: Math.floor(Date.now() / 1000) - 60 } }))
      t.record('visible', await read(t, stream))
    },
  },
  {
    name: 'a deadline still to come, as a point in time',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const now = Math.floor(Date.now() / 1000)
      t.record('in half a minute', await t.batch(stream, 'any', 1, { deadline: { seconds: now + 30 } }))
      t.record('in a hundred years', await t.batch(stream, 'any', 1, { deadline: { seconds: now + 3_155_760_000 } }))
    },
  },
  {
    name: 'deadlines as durations',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      t.record('ten seconds', await t.batch(stream, 'any', 1, { timeout: { seconds: 10 } }))
      t.record('zero', await t.batch(stream, 'any', 1, { timeout: { seconds: 0 } }))
      t.record('negative', await t.batch(stream, 'any', 1, { timeout: { seconds: -5 } }))
    },
  },
  {
    name: 'a correlation left unfinished for longer than its deadline',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const correlationId = { string: t.id() }
      const call = t.batchStream()
      call.send({ correlationId, options: { ...options(stream), deadlineDuration: { seconds: 1 } }, proposedMessages: t.events(1) })
      const { replies } = await repliesWithin(call, 1, 3_000)
      t.record('within three seconds', replies.map(withoutCorrelation))
      call.send({ correlationId, proposedMessages: t.events(1), isFinal: true })
      t.record('after the final chunk', (await repliesWithin(call, 2, 1_000)).replies.length)
      t.record('visible', await read(t, stream))
      call.cancel()
    },
  },
  {
    name: 'error details: each refusal has its own type',
    section: '5',
    async run(t) {
      const [existing, deleted] = [t.stream('orders'), t.stream('orders')]
      await t.append(existing, 'any', 1)
      await t.append(deleted, 'any', 1)
      await t.tombstone(deleted)
      t.record('wrong revision', await t.batch(existing, 5, 1))
      t.record('deleted', await t.batch(deleted, 'any', 1))
      t.record('too large', await t.batch(existing, 'any', [t.event({ data: 'x'.repeat(1_048_577) })]))
      t.record('not an event', await t.batch(existing, 'any', [t.event({ type: '' })]))
    },
  },
  {
    name: 'options without stream or expectation',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      for (const [label, given] of [
        ['no stream', { any: {} }],
        ['no expectation', { streamIdentifier: { streamName: stream } }],
        ['empty', {}],
      ] as const) {
        const call = t.batchStream()
        call.send({ correlationId: { string: t.id() }, options: given, proposedMessages: t.events(1), isFinal: true })
        t.record(label, await repliesWithin(call, 1, 2_000))
        call.cancel()
      }
    },
  },
  {
    name: 'five hundred appends at once over one call',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const call = t.batchStream()
      const sent = Array.from({ length: 500 }, () => t.id())
      for (const string of sent)
        call.send({ correlationId: { string }, options: options(stream), proposedMessages: t.events(1), isFinal: true })
      await call.until((messages) => messages.length >= 500, 20_000)
      await t.sleep(quiet)
      t.record('replies', call.messages.length)
      t.record('each correlation once', new Set(call.messages.map(({ correlationId }) => correlationId.string)).size)
      t.record('each revision once', new Set(call.messages.map(({ success }) => success?.currentRevision)).size)
      t.record(
        'positions rise with revisions',
        rises(
          call.messages
            .toSorted((a, b) => Number(a.success.currentRevision) - Number(b.success.currentRevision))
            .map(({ success }) => BigInt(success.position.commitPosition)),
        ),
      )
      call.cancel()
    },
  },
  {
    name: 'half-closing after the last chunk still brings the reply',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const call = t.batchStream()
      call.send({ correlationId: { string: t.id() }, options: options(stream), proposedMessages: t.events(1), isFinal: true })
      call.end()
      await call.until((messages, closed) => messages.length || closed, 3_000)
      t.record('replies', call.messages.length)
      t.record('visible', await read(t, stream))
      call.cancel()
    },
  },
  {
    name: 'a correlation left unfinished without a deadline ends after two seconds',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const correlationId = { string: t.id() }
      const call = t.batchStream()
      const sent = Date.now()
      call.send({ correlationId, options: options(stream), proposedMessages: t.events(1) })
      await call.next(undefined, 8_000)
      t.record('not at once', Date.now() - sent > 1_500)
      const { replies } = await repliesWithin(call, 1)
      t.record('replies', replies.map(withoutCorrelation))
      t.record('visible', await read(t, stream))
      call.cancel()
    },
  },
] satisfies Scenario[]
