// Catch-up subscriptions to streams and to $all, without filter.
import type { Wire } from '../lib/codec.ts'
import { kind, position, rises } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Subscription, Toolkit } from '../lib/toolkit.ts'

const label = (message: Wire): string | undefined =>
  message.event
    ? `${message.event.event.metadata.type}@${message.event.event.streamRevision} ${message.event.event.streamIdentifier.streamName}`
    : kind(message)
const ending = ({ closed }: Subscription): string[] => (closed ? [closed.error?.exception ?? closed.error?.code ?? 'ended'] : [])
const heard = (subscription: Subscription) => [...subscription.messages.map(label), ...ending(subscription)]
// A busy server may fall behind and catch up again in $all, through no doing of the scenario.
const heardOfAll = (subscription: Subscription) =>
  heard(subscription).filter((line, index, all) => line !== 'caughtUp' || all.indexOf(line) === index)
const events = (subscription: Subscription) => subscription.messages.filter(({ event }) => event)
const revisions = (subscription: Subscription) => events(subscription).map(({ event }) => Number(event.event.streamRevision))
const caughtUp = (subscription: Subscription) =>
  subscription.until((messages, closed) => closed || messages.some((message) => message.caughtUp), 40_000)
const count = (subscription: Subscription, n: number, ms = 10_000) =>
  subscription.until((messages, closed) => closed || messages.filter(({ event }) => event).length >= n, ms)
const quiet = 300

async function streamOf(t: Toolkit, n: number) {
  const stream = t.stream('orders')
  if (n) await t.append(stream, 'no_stream', n)
  return stream
}

const positionOf = async (t: Toolkit, stream: string, index: number) =>
  position((await t.read(stream, { from: index, count: 1 })).events[0])

export default [
  {
    name: 'stream: confirmation, history, caught up, live, in this order',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 3)
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      await t.append(stream, 'any', 2)
      await count(subscription, 5)
      t.record('heard', heard(subscription))
      t.record('events', events(subscription))
    },
  },
  {
    name: '$all: confirmation, history, caught up, live, in this order',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 3)
      const subscription = t.subscribe('$all', { from: await positionOf(t, stream, 0) })
      await caughtUp(subscription)
      await t.append(stream, 'any', 2)
      await count(subscription, 4)
      t.record('heard', heardOfAll(subscription))
      t.record('events', events(subscription))
    },
  },
  {
    name: 'the confirmation names a subscription of its own',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 1)
      const ids: string[] = []
      for (const source of [stream, stream, '$all']) {
        const subscription = t.subscribe(source, { from: 'end' })
        ids.push((await subscription.next('confirmation')).confirmation.subscriptionId)
        subscription.cancel()
      }
      t.record('ids', ids)
    },
  },
  ...(['start', 0, 1, 3, 4, 'end', 18446744073709551615n] as const).map((from) => ({
    name: `stream: from ${from} of four events`,
    section: '6.4',
    async run(t: Toolkit) {
      const stream = await streamOf(t, 4)
      const subscription = t.subscribe(stream, { from })
      await caughtUp(subscription)
      t.record('history', heard(subscription))
      await t.append(stream, 'any', 3)
      await count(subscription, from === 'start' || from === 18446744073709551615n ? 7 : from === 'end' ? 3 : 6 - from, 2_000)
      await t.sleep(quiet)
      t.record('with live events', heard(subscription))
    },
  })),
  {
    name: 'stream: one that is not there yet',
    section: '6.4',
    async run(t) {
      for (const from of ['start', 'end', 0]) {
        const stream = t.stream('unborn')
        const subscription = t.subscribe(stream, { from })
        await caughtUp(subscription)
        t.record(`from ${from}: before`, heard(subscription))
        await t.append(stream, 'no_stream', 3)
        await count(subscription, from === 0 ? 2 : 3)
        await t.sleep(quiet)
        t.record(`from ${from}: after`, heard(subscription))
      }
    },
  },
  {
    name: 'stream: soft-deleted and written again meanwhile',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 2)
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      await t.delete(stream)
      await t.sleep(quiet)
      t.record('after the deletion', heard(subscription))
      await t.append(stream, 'any', 2)
      await count(subscription, 4)
      t.record('written again', heard(subscription))
    },
  },
  {
    name: 'stream: tombstoned before',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 2)
      await t.tombstone(stream)
      for (const from of ['start', 0, 'end', 7]) {
        const subscription = t.subscribe(stream, { from })
        const outcome = await subscription.outcome(3_000)
        t.record(`from ${from}`, [...subscription.messages, outcome])
      }
    },
  },
  {
    name: 'stream: tombstoned meanwhile',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 2)
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      await t.tombstone(stream)
      t.record('outcome', await subscription.outcome(3_000))
      t.record('heard', heard(subscription))
      t.record('the last event', events(subscription).at(-1))
    },
  },
  {
    name: 'stream: a history hidden entirely',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 3)
      await t.setMetadata(stream, 'no_stream', { $tb: 8 })
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      t.record('history', heard(subscription))
      await t.append(stream, 'any', 2)
      await count(subscription, 2, 1_000)
      t.record('live events below the truncation', revisions(subscription))
    },
  },
  {
    name: 'stream: its metadata stream is a stream to subscribe to',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 1)
      const subscription = t.subscribe(`$$${stream}`)
      await caughtUp(subscription)
      await t.setMetadata(stream, 'any', { first: 1 })
      await t.setMetadata(stream, 'any', { second: 2 })
      await t.delete(stream)
      await count(subscription, 3)
      t.record(
        'heard',
        events(subscription).map(({ event }) => [event.event.streamRevision, event.event.data]),
      )
    },
  },
  {
    name: 'caught up is sent once while the consumer keeps pace',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 120)
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      for (let n = 0; n < 40; n++) await t.append(stream, 'any', 1)
      await count(subscription, 160)
      await t.sleep(quiet)
      t.record('confirmations', subscription.messages.filter((message) => message.confirmation).length)
      t.record('caught up', subscription.messages.filter((message) => message.caughtUp).length)
      t.record('events before it', subscription.messages.findIndex((message) => message.caughtUp) - 1)
      t.record('fell behind', subscription.messages.filter((message) => message.fellBehind).length)
    },
  },
  {
    name: 'no gap and no repetition while others append',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 300)
      const writing = Promise.all(Array.from({ length: 60 }, () => t.append(stream, 'any', 5)))
      const [fromStart, fromMiddle] = [t.subscribe(stream), t.subscribe(stream, { from: 250 })]
      await writing
      await count(fromStart, 600, 20_000)
      await count(fromMiddle, 349, 20_000)
      await t.sleep(quiet)
      t.record('all', revisions(fromStart).every((revision, index) => revision === index) && revisions(fromStart).length)
      t.record(
        'from the middle',
        revisions(fromMiddle).every((revision, index) => revision === index + 251) && revisions(fromMiddle).length,
      )
    },
  },
  {
    name: '$all: no gap and no repetition while others append',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 100)
      const from = await positionOf(t, stream, 0)
      const writing = Promise.all(Array.from({ length: 40 }, () => t.append(stream, 'any', 5)))
      const subscription = t.subscribe('$all', { from })
      await writing
      await count(subscription, 299, 20_000)
      await t.sleep(quiet)
      t.record('all', revisions(subscription).every((revision, index) => revision === index + 1) && revisions(subscription).length)
      const positions = events(subscription).map(({ event }) => BigInt(event.event.commitPosition))
      t.record('positions rise', rises(positions))
    },
  },
  {
    name: '$all: from a position is exclusive',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 5)
      for (const index of [0, 2, 4]) {
        const subscription = t.subscribe('$all', { from: await positionOf(t, stream, index) })
        await caughtUp(subscription)
        t.record(`of event ${index}`, revisions(subscription))
        subscription.cancel()
      }
    },
  },
  {
    name: '$all: from the end hears only what comes after the confirmation',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 3)
      const subscription = t.subscribe('$all', { from: 'end' })
      await subscription.next('confirmation')
      await caughtUp(subscription)
      await t.append(stream, 'any', 2)
      await count(subscription, 2)
      await t.sleep(quiet)
      t.record('heard', heardOfAll(subscription))
    },
  },
  {
    name: '$all: from positions beyond the end or none',
    section: '6.4',
    async run(t) {
      const stream = t.stream('orders')
      const far = { commit: 1n << 50n, prepare: 1n << 50n }
      const max = { commit: 18446744073709551615n, prepare: 18446744073709551615n }
      for (const [name, from] of [
        ['far beyond', far],
        ['prepare after commit', { commit: 5, prepare: 9 }],
        ['the largest', max],
      ] as const) {
        const subscription = t.subscribe('$all', { from })
        await caughtUp(subscription)
        await t.append(stream, 'any', 1)
        await count(subscription, 1, name === 'the largest' ? 10_000 : 1_000)
        t.record(
          name,
          heardOfAll(subscription).map((line) => line?.replace(/@\d+/, '')),
        )
        subscription.cancel()
      }
    },
  },
  {
    name: 'going on from the last revision heard meets every event once',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 20)
      const met: number[] = []
      for (let round = 0; round < 5; round++) {
        const subscription = t.subscribe(stream, { from: met.at(-1) ?? 'start' })
        await count(subscription, 2 + round)
        subscription.cancel()
        met.push(...revisions(subscription).slice(0, 2 + round))
      }
      t.record('met', met)
    },
  },
  {
    name: 'several subscriptions to one stream hear the same',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 10)
      const subscriptions = Array.from({ length: 12 }, () => t.subscribe(stream))
      await t.append(stream, 'any', 10)
      await Promise.all(subscriptions.map((subscription) => count(subscription, 20)))
      t.record(
        'heard',
        subscriptions.map(
          (subscription) =>
            revisions(subscription).every((revision, index) => revision === index) && revisions(subscription).length,
        ),
      )
    },
  },
  {
    name: 'an appended batch is heard in order with the positions of the read',
    section: '6.4',
    async run(t) {
      const stream = t.stream('orders')
      const subscription = t.subscribe(stream)
      await caughtUp(subscription)
      await t.append(stream, 'any', 25)
      await count(subscription, 25)
      const read = (await t.read(stream)).events
      t.record('same as read', JSON.stringify(events(subscription).map(({ event }) => event)) === JSON.stringify(read))
      t.record('revisions', revisions(subscription))
    },
  },
  {
    name: 'ids in the structured form',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 1)
      const subscription = t.subscribe(stream, { uuid: 'structured' })
      await caughtUp(subscription)
      await t.append(stream, 'any', 1)
      await count(subscription, 2)
      t.record(
        'ids',
        events(subscription).map(({ event }) => event.event.id),
      )
    },
  },
  {
    name: 'stream positions are not sent in subscriptions',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 2)
      const subscription = t.subscribe(stream, { compatibility: 1 })
      await caughtUp(subscription)
      t.record('heard', heard(subscription))
    },
  },
  {
    name: 'large events are heard whole',
    section: '6.4',
    async run(t) {
      const stream = t.stream('large')
      for (let n = 0; n < 4; n++) await t.append(stream, 'any', [t.event({ data: String(n).repeat(1_000_000) })])
      const subscription = t.subscribe(stream)
      await count(subscription, 4)
      for (let n = 4; n < 6; n++) await t.append(stream, 'any', [t.event({ data: String(n).repeat(1_000_000) })])
      await count(subscription, 6)
      t.record(
        'heard',
        events(subscription).map(({ event }) => [event.event.data.length, event.event.data[0]]),
      )
    },
  },
  {
    name: 'stream: a consumer that pauses loses nothing',
    section: '6.4',
    async run(t) {
      const stream = await streamOf(t, 1)
      const subscription = t.subscribe(stream, { from: 'end' })
      await caughtUp(subscription)
      subscription.pause()
      for (let n = 0; n < 20; n++) await t.append(stream, 'any', t.events(100, { data: 'x'.repeat(2_000) }))
      await t.sleep(quiet)
      subscription.resume()
      await count(subscription, 2_000, 20_000)
      await t.sleep(quiet)
      const all = revisions(subscription)
      t.record('events', all.length)
      t.record(
        'in order',
        all.every((revision, index) => revision === index + 1),
      )
      t.record('still open', subscription.closed === undefined)
    },
  },
] satisfies Scenario[]
