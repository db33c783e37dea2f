// Filters on $all, in reads and in subscriptions. Types and streams carry the run's own mark, so other events never match.
import type { Outgoing, Wire } from '../lib/codec.ts'
import { kind, position, positionOf, rises } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Filter, ReadOptions } from '../lib/streams.ts'
import type { Subscription, Toolkit } from '../lib/toolkit.ts'

const name = ({ event }: Wire): string => `${event.metadata.type}@${event.streamRevision} ${event.streamIdentifier.streamName}`
const eventsOf = (subscription: Subscription) => subscription.messages.filter((message) => message.event)
const checkpointsOf = (subscription: Subscription) => subscription.messages.filter((message) => message.checkpoint)
const caughtUp = (subscription: Subscription, ms = 40_000) =>
  subscription.until((messages, closed) => closed || messages.some((message) => message.caughtUp), ms)
const count = (subscription: Subscription, n: number, ms = 10_000) =>
  subscription.until((messages, closed) => closed || messages.filter((message) => message.event).length >= n, ms)
const quiet = 300

// Reads filtered from the first event of the given stream onwards.
async function readFrom(t: Toolkit, stream: string, filter: Filter, options: ReadOptions = {}): Promise<Wire> {
  const [first] = (await t.read(stream, { count: 1 })).events
  const result = await t.readAll({ from: position(first), filter, ...options })
  return result.error ? { error: result.error } : result.events.map(name)
}

// A position of $all before everything the scenario does next.
async function marker(t: Toolkit) {
  return positionOf(await t.append(t.stream('marker'), 'any', 1))
}

async function zoo(t: Toolkit) {
  const streams = {
    orders: t.stream('orders'),
    Orders: t.stream('Orders'),
    reorders: t.stream('reorders'),
    accounts: t.stream('accounts'),
  }
  for (const stream of Object.values(streams)) {
    await t.append(stream, 'any', [
      t.event({ type: `opened${t.run}` }),
      t.event({ type: `Opened${t.run}` }),
      t.event({ type: `closed${t.run}` }),
    ])
  }
  await t.setMetadata(streams.orders, 'any', { $maxCount: 100 })
  return streams
}

const steps = (subscription: Subscription) => {
  const positions = subscription.messages.flatMap((message) =>
    message.checkpoint
      ? [BigInt(message.checkpoint.commitPosition)]
      : message.event
        ? [BigInt(message.event.event.commitPosition)]
        : [],
  )
  return positions.every((one, index) => index === 0 || one >= positions[index - 1]!)
}
// Commit first, then prepare: at the end of the history a checkpoint may come again with the same commit and a larger prepare.
const checkpointsRise = (subscription: Subscription) => {
  const order = ({ checkpoint }: Wire) => (BigInt(checkpoint.commitPosition) << 64n) + BigInt(checkpoint.preparePosition)
  return rises(checkpointsOf(subscription).map(order))
}

export default [
  {
    name: 'read: prefixes of stream names',
    section: '6.5',
    async run(t) {
      const { orders } = await zoo(t)
      const mark = (hint: string) => t.prefix(hint)
      t.record('one', await readFrom(t, orders, { on: 'stream', prefix: [mark('orders')] }))
      t.record('two', await readFrom(t, orders, { on: 'stream', prefix: [mark('orders'), mark('accounts')] }))
      t.record('other case', await readFrom(t, orders, { on: 'stream', prefix: [mark('ORDERS')] }))
      t.record('metadata stream', await readFrom(t, orders, { on: 'stream', prefix: [`$$${mark('orders')}`] }))
      t.record('whole name', await readFrom(t, orders, { on: 'stream', prefix: [orders] }))
      t.record('longer than any name', await readFrom(t, orders, { on: 'stream', prefix: [`${orders}0`] }))
    },
  },
  {
    name: 'read: expressions on stream names',
    section: '6.5',
    async run(t) {
      const { orders } = await zoo(t)
      t.record('anchored', await readFrom(t, orders, { on: 'stream', regex: `^orders-${t.run}` }))
      t.record('found anywhere', await readFrom(t, orders, { on: 'stream', regex: `orders-${t.run}` }))
      t.record('at the end', await readFrom(t, orders, { on: 'stream', regex: `${t.run}-4$` }))
      t.record('either', await readFrom(t, orders, { on: 'stream', regex: `^(accounts|Orders)-${t.run}` }))
      t.record('a literal dot does not match a hyphen', await readFrom(t, orders, { on: 'stream', regex: `^orders\\.${t.run}` }))
    },
  },
  {
    name: 'read: prefixes of event types',
    section: '6.5',
    async run(t) {
      const { orders } = await zoo(t)
      t.record('one', await readFrom(t, orders, { on: 'type', prefix: [`opened${t.run}`] }))
      t.record('two', await readFrom(t, orders, { on: 'type', prefix: [`opened${t.run}`, `closed${t.run}`] }))
      t.record('other case', await readFrom(t, orders, { on: 'type', prefix: [`OPENED${t.run}`] }))
    },
  },
  {
    name: 'read: expressions on event types',
    section: '6.5',
    async run(t) {
      const { orders } = await zoo(t)
      t.record('anchored', await readFrom(t, orders, { on: 'type', regex: `^opened${t.run}$` }))
      t.record('class', await readFrom(t, orders, { on: 'type', regex: `^[oO]pened${t.run}` }))
      t.record('insensitive', await readFrom(t, orders, { on: 'type', regex: `(?i)^opened${t.run}` }))
      t.record('look ahead', await readFrom(t, orders, { on: 'type', regex: `^(?!opened)\\w+${t.run}` }))
      t.record('look behind', await readFrom(t, orders, { on: 'type', regex: `(?<=closed)${t.run}` }))
      t.record('named group', await readFrom(t, orders, { on: 'type', regex: `^(?<first>c)losed${t.run}` }))
      t.record('atomic group', await readFrom(t, orders, { on: 'type', regex: `^(?>clo)sed${t.run}` }))
      t.record(
        'white space and comment mode',
        await readFrom(t, orders, { on: 'type', regex: `(?x) ^ closed ${t.run}  # comment` }),
      )
      t.record('start and end of the text', await readFrom(t, orders, { on: 'type', regex: `\\Aclosed${t.run}\\z` }))
    },
  },
  {
    name: 'read: system events left out by their type',
    section: '6.5',
    async run(t) {
      const { orders } = await zoo(t)
      await t.tombstone(orders)
      const [first] = (
        await t.readAll({ direction: 'backwards', filter: { on: 'stream', prefix: [t.prefix('accounts')] }, count: 1 })
      ).events
      const all = (await t.readAll({ from: position(first), filter: { on: 'type', regex: '^[^$].*' }, everyone: true })).events
      t.record(
        'none of the system',
        all.every(({ event }) => !event.metadata.type.startsWith('$')),
      )
      const own = await readFrom(t, t.stream('accounts').replace(/\d+$/, '4'), {
        on: 'stream',
        prefix: [t.prefix('orders'), `$$${t.prefix('orders')}`],
      })
      t.record('by stream the deletion is met', own)
    },
  },
  {
    name: 'read: filters without content or out of shape',
    section: '6.5',
    async run(t) {
      const { orders, accounts } = await zoo(t)
      const from = position((await t.read(accounts, { count: 1 })).events[0])
      const outcome = async (filter: Filter | undefined, raw?: Outgoing) => {
        const result = await t.readAll({ from, count: 500, filter, ...(raw && { raw }) })
        if (result.error) return { error: result.error }
        return result.events.filter(({ event }) => event.streamIdentifier.streamName.includes(`-${t.run}-`)).map(name)
      }
      t.record('no prefix, no expression', await outcome({ on: 'stream' }))
      t.record('empty prefix', await outcome({ on: 'stream', prefix: [''] }))
      t.record('broken expression', await outcome({ on: 'stream', regex: '(' }))
      t.record(
        'neither stream nor type',
        await outcome(undefined, { noFilter: undefined, filter: { max: 10, checkpointintervalmultiplier: 1 } }),
      )
      t.record(
        'no window',
        await outcome(undefined, {
          noFilter: undefined,
          filter: { streamIdentifier: { prefix: [orders] }, checkpointintervalmultiplier: 1 },
        }),
      )
      t.record('interval 0', await outcome({ on: 'stream', prefix: [accounts], interval: 0 }))
    },
  },
  {
    name: 'read: count and window',
    section: '6.5',
    async run(t) {
      const [orders, accounts] = [t.stream('orders'), t.stream('accounts')]
      for (let n = 0; n < 20; n++) for (const stream of [orders, accounts]) await t.append(stream, 'any', 1)
      const prefix = [t.prefix('orders')]
      for (const window of ['count', 1, 7, 1000] as const) {
        t.record(`window ${window}: all`, (await readFrom(t, orders, { on: 'stream', prefix, window })).length)
        t.record(`window ${window}: five`, await readFrom(t, orders, { on: 'stream', prefix, window }, { count: 5 }))
      }
    },
  },
  {
    name: 'read: from a position is inclusive',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 4)
      const from = position((await t.read(stream, { from: 2, count: 1 })).events[0])
      t.record('read', (await t.readAll({ from, filter: { on: 'stream', prefix: [stream] } })).events.map(name))
    },
  },
  {
    name: 'read: beyond ASCII',
    section: '6.5',
    async run(t) {
      const [german, japanese] = [t.stream('straße'), t.stream('注文')]
      for (const stream of [german, japanese]) await t.append(stream, 'any', 1)
      t.record('prefix', await readFrom(t, german, { on: 'stream', prefix: [t.prefix('straße'), t.prefix('注文')] }))
      t.record('sharp s is not two', await readFrom(t, german, { on: 'stream', prefix: [t.prefix('strasse')] }))
      t.record('word class', await readFrom(t, german, { on: 'stream', regex: `^\\w+-${t.run}` }))
    },
  },
  {
    name: 'subscription: by stream prefix, history and live',
    section: '6.5',
    async run(t) {
      const from = await marker(t)
      const { orders, accounts } = await zoo(t)
      const subscription = t.subscribe('$all', { from, filter: { on: 'stream', prefix: [t.prefix('orders')] } })
      await caughtUp(subscription)
      await t.append(accounts, 'any', 2)
      await t.append(orders, 'any', 2)
      await count(subscription, 5)
      await t.sleep(quiet)
      t.record('first', Object.keys(subscription.messages[0])[0])
      t.record(
        'heard',
        eventsOf(subscription).map(({ event }) => name(event)),
      )
    },
  },
  {
    name: 'subscription: by type expression, history and live',
    section: '6.5',
    async run(t) {
      const from = await marker(t)
      const { orders, accounts } = await zoo(t)
      const subscription = t.subscribe('$all', { from, filter: { on: 'type', regex: `^(opened|grown)${t.run}` } })
      await caughtUp(subscription)
      await t.append(accounts, 'any', [t.event({ type: `grown${t.run}` }), t.event({ type: `shrunk${t.run}` })])
      await t.append(orders, 'any', [t.event({ type: `shrunk${t.run}` }), t.event({ type: `grown${t.run}` })])
      await count(subscription, 6)
      await t.sleep(quiet)
      t.record(
        'heard',
        eventsOf(subscription).map(({ event }) => name(event)),
      )
    },
  },
  {
    name: 'subscription: filters out of shape',
    section: '6.5',
    async run(t) {
      const outcome = async (filter: Filter | undefined, raw?: Outgoing) => {
        const subscription = t.subscribe('$all', { from: 'end', filter, ...(raw && { raw: { noFilter: undefined, ...raw } }) })
        await subscription.until((messages, closed) => closed || messages.length, 3_000)
        const heard = [...subscription.messages.slice(0, 1).map(kind), subscription.closed?.error ?? 'open']
        subscription.cancel()
        return heard
      }
      const prefix = [t.prefix('orders')]
      t.record('interval 0', await outcome({ on: 'stream', prefix, interval: 0 }))
      t.record('broken expression', await outcome({ on: 'type', regex: '[' }))
      t.record('neither stream nor type', await outcome(undefined, { filter: { max: 10, checkpointintervalmultiplier: 1 } }))
      t.record('no window', await outcome(undefined, { filter: { streamIdentifier: { prefix }, checkpointintervalmultiplier: 1 } }))
    },
  },
  {
    name: 'checkpoints: history without a match',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 200)
      const from = position((await t.read(stream, { count: 1 })).events[0])
      const near = BigInt((await t.read(stream, { from: 160, count: 1 })).events[0].event.commitPosition)
      const subscription = t.subscribe('$all', { from, filter: { on: 'stream', prefix: [t.prefix('nothing')] } })
      await caughtUp(subscription)
      const kinds = subscription.messages.map(kind)
      t.record('first', kinds[0])
      t.record('just before caught up', kinds[kinds.indexOf('caughtUp') - 1])
      t.record('at least four', checkpointsOf(subscription).length >= 4)
      t.record('rise', checkpointsRise(subscription))
      t.record('reach far into the history', BigInt(checkpointsOf(subscription).at(-1).checkpoint.commitPosition) >= near)
    },
  },
  {
    name: 'checkpoints: with an interval longer than the history there is one, at the last event sent or else at the start',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 40)
      const first = (await t.read(stream, { count: 1 })).events[0].event
      const last = (await t.read(stream, { direction: 'backwards', count: 1 })).events[0].event
      for (const [label, prefix] of [
        ['every event matches', stream],
        ['none matches', t.prefix('nothing')],
      ] as const) {
        const subscription = t.subscribe('$all', { from: first, filter: { on: 'stream', prefix: [prefix], window: 1_000_000 } })
        await caughtUp(subscription)
        const places = checkpointsOf(subscription).map(({ checkpoint }) =>
          checkpoint.commitPosition === last.commitPosition
            ? 'last event'
            : checkpoint.commitPosition === first.commitPosition
              ? 'start'
              : 'elsewhere',
        )
        t.record(label, places)
        subscription.cancel()
      }
    },
  },
  {
    name: 'checkpoints: history that matches entirely',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 384)
      const from = position((await t.read(stream, { count: 1 })).events[0])
      const subscription = t.subscribe('$all', { from, filter: { on: 'stream', prefix: [stream], interval: 2 } })
      await caughtUp(subscription)
      const checkpoints = checkpointsOf(subscription).length
      t.record('events', eventsOf(subscription).length)
      t.record('at least five', checkpoints >= 5)
      t.record('never back', steps(subscription))
      t.record('rise', checkpointsRise(subscription))
    },
  },
  {
    name: 'checkpoints: they lie on the log, prepare is commit or 0',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 100)
      const from = position((await t.read(stream, { count: 1 })).events[0])
      const subscription = t.subscribe('$all', { from, filter: { on: 'stream', prefix: [stream], window: 10 } })
      await caughtUp(subscription)
      t.record(
        'prepare',
        checkpointsOf(subscription).every(({ checkpoint }) =>
          [checkpoint.commitPosition, '0'].includes(checkpoint.preparePosition),
        ),
      )
      const [{ checkpoint }] = checkpointsOf(subscription)
      const read = await t.readAll({
        from: { commit: checkpoint.commitPosition, prepare: checkpoint.preparePosition },
        count: 1,
        everyone: true,
      })
      t.record('an event is read there', read.events.length)
    },
  },
  {
    name: 'checkpoints: live, after every interval of considered events',
    section: '6.5',
    async run(t) {
      const [wanted, other] = [t.stream('orders'), t.stream('accounts')]
      const subscription = t.subscribe('$all', { from: 'end', filter: { on: 'stream', prefix: [wanted], window: 4, interval: 2 } })
      await subscription.next('confirmation')
      await caughtUp(subscription)
      const before = checkpointsOf(subscription).length
      await t.append(other, 'any', 160)
      await t.append(wanted, 'any', 1)
      await count(subscription, 1)
      await t.sleep(quiet)
      t.record('at least eighteen', checkpointsOf(subscription).length - before >= 18)
      t.record('rise', checkpointsRise(subscription))
      t.record(
        'events',
        eventsOf(subscription).map(({ event }) => name(event)),
      )
    },
  },
  {
    name: 'checkpoints: a larger interval means fewer',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 400)
      const from = position((await t.read(stream, { count: 1 })).events[0])
      const number = async (window: number, interval: number) => {
        const subscription = t.subscribe('$all', {
          from,
          filter: { on: 'stream', prefix: [t.prefix('nothing')], window, interval },
        })
        await caughtUp(subscription)
        subscription.cancel()
        return checkpointsOf(subscription).length
      }
      const [small, medium, large] = [await number(10, 1), await number(10, 5), await number(10, 1000)]
      t.record('falling', small > medium && medium > large)
      t.record('the largest', large)
      t.record('the smallest', small >= 38)
    },
  },
  {
    name: 'without a filter there are no checkpoints',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 300)
      const from = position((await t.read(stream, { count: 1 })).events[0])
      const subscription = t.subscribe('$all', { from })
      await caughtUp(subscription)
      t.record('checkpoints', checkpointsOf(subscription).length)
    },
  },
] satisfies Scenario[]
