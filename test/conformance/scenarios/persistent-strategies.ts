// Persistent subscription groups: which consumer gets a message.
import type { Wire } from '../lib/codec.ts'
import { brief, type GroupRequest, groupOn, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

// Two consumers, connected one after the other, before anything is appended.
const pair = async (t: Toolkit, stream: string, settings: GroupRequest, buffer = 10) => {
  const group = groupOn(t, stream)
  t.record('create', await group.create(settings))
  return { group, first: await group.connect({ buffer }), second: await group.connect({ buffer }) }
}

const links = (t: Toolkit, targets: readonly string[]) => targets.map((data) => t.event({ type: '$>', data }))
const sources = (delivered: readonly Wire[]): string[] =>
  [...new Set(delivered.map(({ event }) => event.streamIdentifier.streamName))].sort()

export default [
  {
    name: 'RoundRobin: in turn',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const { first, second } = await pair(t, stream, { strategy: 'RoundRobin' })
      await t.append(stream, 'any', 6)
      t.record('first', revisions(await first.take(3)))
      t.record('second', revisions(await second.take(3)))
    },
  },
  {
    name: 'RoundRobin: a full consumer is passed over',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create({ strategy: 'RoundRobin' })
      const small = await group.connect({ buffer: 1 })
      const large = await group.connect({ buffer: 10 })
      await t.append(stream, 'any', 5)
      t.record('small', revisions(await small.take(1)))
      t.record('large', revisions(await large.take(4)))
      t.record('no more', [(await small.others()).length, (await large.others(0)).length])
    },
  },
  {
    name: 'RoundRobin: a retry goes to whoever is next',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const { first, second } = await pair(t, stream, { strategy: 'RoundRobin' })
      await t.append(stream, 'any', 1)
      const delivered = await first.take(1)
      t.record('first', delivered.map(brief))
      first.nack('retry', delivered)
      t.record('second', (await second.take(1)).map(brief))
    },
  },
  {
    name: 'DispatchToSingle: one consumer until it is full',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const { first, second } = await pair(t, stream, { strategy: 'DispatchToSingle' }, 3)
      await t.append(stream, 'any', 2)
      t.record('first alone', revisions(await first.take(2)))
      await t.append(stream, 'any', 3)
      t.record('first', revisions(await first.take(1)))
      t.record('second', revisions(await second.take(2)))
    },
  },
  {
    name: 'Pinned: every source stays with one consumer',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      const orders = Array.from({ length: 6 }, () => t.stream('orders'))
      for (const order of orders) await t.append(order, 'any', 4)
      const { first, second } = await pair(t, stream, { strategy: 'Pinned', resolveLinks: true }, 50)
      for (let revision = 0; revision < 4; revision++)
        await t.append(
          stream,
          'any',
          links(
            t,
            orders.map((order) => `${revision}@${order}`),
          ),
        )
      await first.inbox.until(() => first.inbox.messages.length + second.inbox.messages.length === 26)
      const [toFirst, toSecond] = [await first.others(0), await second.others(0)]
      t.record('all delivered', toFirst.length + toSecond.length)
      t.record('sources', sources([...toFirst, ...toSecond]).length)
      t.record(
        'none at both',
        sources(toFirst).filter((source) => sources(toSecond).includes(source)),
      )
    },
  },
  {
    name: 'Pinned: a full consumer holds up its own sources only',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      const [left, right] = [t.stream('left'), t.stream('right')]
      for (const source of [left, right]) await t.append(source, 'any', 3)
      const { first, second } = await pair(t, stream, { strategy: 'Pinned', resolveLinks: true }, 1)
      await t.append(stream, 'any', links(t, [`0@${left}`, `0@${right}`, `1@${left}`, `1@${right}`]))
      const [one] = await first.take(1)
      const [two] = await second.take(1)
      t.record('one each', [brief(one), brief(two)])
      second.ack(two)
      t.record('second goes on', (await second.take(1)).map(brief))
      t.record('first waits', (await first.others()).length)
      first.ack(one)
      t.record('first goes on', (await first.take(1)).map(brief))
    },
  },
  {
    name: 'PinnedByCorrelation: every correlation id stays with one consumer',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const { first, second } = await pair(t, stream, { consumerStrategy: 'PinnedByCorrelation' }, 50)
      const correlations = ['a', 'b', 'c', 'd']
      for (let n = 0; n < 3; n++)
        await t.append(
          stream,
          'any',
          correlations.map((name) => t.event({ metadata: { $correlationId: `${name}-${t.run}` } })),
        )
      await first.inbox.until(() => first.inbox.messages.length + second.inbox.messages.length === 14)
      const [toFirst, toSecond] = [await first.others(0), await second.others(0)]
      const ids = (delivered: readonly Wire[]) => [...new Set(delivered.map(({ event }) => event.customMetadata))]
      t.record('all delivered', toFirst.length + toSecond.length)
      t.record(
        'none at both',
        ids(toFirst).filter((id) => ids(toSecond).includes(id)),
      )
      t.record('both have some', [toFirst.length > 0, toSecond.length > 0])
    },
  },
] satisfies Scenario[]
