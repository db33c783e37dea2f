// The streams that the system projections write.
import type { Wire } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

// A category of this run alone: the run's name stands before the separator.
const categoryOf = (t: Toolkit, hint = 'cat') => `${hint}${t.run}`

// The events of a projected stream once there are that many.
const projected = async (t: Toolkit, stream: string, count: number) => {
  const { events } = await t.eventually(
    () => t.read(stream),
    (read) => read.events.length >= count,
  )
  return events
}
const targets = (events: readonly Wire[]): string[] => events.map(({ event }) => event.data)
const keysOf = ({ event }: Wire) => Object.keys(JSON.parse(event.customMetadata)).sort()

export default [
  {
    name: 'by category: the events of its streams in the order of the log',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      for (const suffix of ['one', 'two', 'one', 'three']) await t.append(`${category}-${suffix}`, 'any', 2)
      await projected(t, `$ce-${category}`, 8)
      t.record('resolved', t.brief((await t.read(`$ce-${category}`, { resolveLinks: true })).messages))
    },
  },
  {
    name: 'by category: a link event',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      await t.append(`${category}-one`, 'any', 2)
      const [, second] = await projected(t, `$ce-${category}`, 2)
      const { customMetadata, ...event } = second.event
      t.record('event', event)
      t.record('metadata keys', keysOf(second))
      t.record('origin', JSON.parse(customMetadata).$o)
    },
  },
  {
    name: 'by category: the first separator divides',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      await t.append(`${category}-a-b`, 'any', 1)
      await t.append(`${category}-`, 'any', 1)
      await t.append(`${category}_c-d`, 'any', 1)
      t.record('category', targets(await projected(t, `$ce-${category}`, 2)))
      t.record('up to the last separator', (await t.read(`$ce-${category}-a`)).messages)
      t.record('another character does not divide', targets(await projected(t, `$ce-${category}_c`, 1)))
    },
  },
  {
    name: 'by category: streams of no category',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      await t.append(category, 'any', 1)
      await t.append(`-${category}`, 'any', 1)
      await t.append(`$${category}-system`, 'any', 1)
      const marker = categoryOf(t, 'marker')
      await t.append(`${marker}-one`, 'any', 1)
      await projected(t, `$ce-${marker}`, 1)
      for (const name of [category, `-${category}`, `$${category}`]) t.record(name, (await t.read(`$ce-${name}`)).messages)
      t.record(
        'without a name',
        (await t.read('$ce-')).messages.map((message) => Object.keys(message)),
      )
    },
  },
  {
    name: 'by category: metadata is left out, deletions are linked',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      const [soft, hard] = [`${category}-soft`, `${category}-hard`]
      for (const stream of [soft, hard]) await t.append(stream, 'any', 1)
      await t.setMetadata(soft, 'any', { $maxCount: 5 })
      await t.delete(soft, 'any')
      await t.tombstone(hard, 'any')
      const events = await projected(t, `$ce-${category}`, 4)
      t.record('targets', targets(events))
      t.record('metadata keys', events.map(keysOf))
      t.record('resolved', t.brief((await t.read(`$ce-${category}`, { resolveLinks: true })).messages))
    },
  },
  {
    name: 'by category: a link within the category is linked to its target',
    section: '10',
    async run(t) {
      const [category, elsewhere] = [categoryOf(t), t.stream('elsewhere')]
      await t.append(elsewhere, 'any', 1)
      await t.append(`${category}-links`, 'any', [t.event({ type: '$>', data: `0@${elsewhere}` })])
      await t.append(`${category}-links`, 'any', 1)
      t.record('targets', targets(await projected(t, `$ce-${category}`, 2)))
    },
  },
  {
    name: 'by event type: the events of a type in the order of the log',
    section: '10',
    async run(t) {
      const [first, second] = [t.stream('first'), t.stream('second')]
      const type = `opened${t.run}`
      for (const stream of [first, second, first])
        await t.append(stream, 'any', [t.event({ type }), t.event({ type: `${type}-else` })])
      const events = await projected(t, `$et-${type}`, 3)
      t.record('targets', targets(events))
      t.record('link', { ...events[0].event, customMetadata: keysOf(events[0]) })
      t.record('resolved', t.brief((await t.read(`$et-${type}`, { resolveLinks: true })).messages))
    },
  },
  {
    name: 'by event type: metadata and deletions',
    section: '10',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1)
      await t.setMetadata(stream, 'any', { $maxCount: 5 })
      await t.delete(stream, 'any')
      await t.tombstone(stream, 'any')
      const own = (type: string, count: number) => {
        const mine = async () => {
          const { events } = await t.read(`$et-${type}`, { direction: 'backwards', count: 2_000 })
          return targets(events)
            .filter((data) => data.includes(stream))
            .reverse()
        }
        return t.eventually(mine, (links) => links.length >= count)
      }
      t.record('$metadata', await own('$metadata', 1))
      t.record('$deleted', await own('$deleted', 2))
    },
  },
  {
    name: 'by event type: links are left out',
    section: '10',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      const type = `opened${t.run}`
      await t.append(target, 'any', [t.event({ type })])
      await t.append(stream, 'any', [t.event({ type: '$>', data: `0@${target}` })])
      await t.append(target, 'any', [t.event({ type })])
      t.record('targets', targets(await projected(t, `$et-${type}`, 2)))
      t.record(
        'no stream of links',
        (await t.read('$et-$>')).messages.map((message) => Object.keys(message)),
      )
    },
  },
  {
    name: 'by correlation id',
    section: '10',
    async run(t) {
      const [first, second] = [t.stream('first'), t.stream('second')]
      const id = `c${t.run}`
      await t.append(first, 'any', [t.event({ metadata: { $correlationId: id } }), t.event({ metadata: { other: 1 } }), t.event()])
      await t.append(second, 'any', [t.event({ metadata: { $correlationId: id } })])
      const events = await projected(t, `$bc-${id}`, 2)
      t.record('targets', targets(events))
      t.record('metadata keys', events.map(keysOf))
    },
  },
  {
    name: 'streams of a category',
    section: '10',
    async run(t) {
      const category = categoryOf(t)
      for (const suffix of ['one', 'two', 'one']) await t.append(`${category}-${suffix}`, 'any', 1)
      const events = await projected(t, `$category-${category}`, 2)
      t.record('references', targets(events))
      t.record('event', { ...events[0].event, customMetadata: keysOf(events[0]) })
    },
  },
  {
    name: 'all streams',
    section: '10',
    async run(t) {
      const [first, second] = [t.stream('first'), t.stream('second')]
      await t.append(first, 'any', 2)
      await t.setMetadata(second, 'any', { a: 1 })
      await t.append(second, 'any', 1)
      const own = async () => {
        const { events } = await t.read('$streams', { direction: 'backwards', count: 2_000 })
        return targets(events)
          .filter((data) => [`0@${first}`, `0@${second}`, `0@$$${second}`].includes(data))
          .reverse()
      }
      t.record('links', await t.eventually(own, (links) => links.length >= 3))
    },
  },
] satisfies Scenario[]
