// Links and their targets: in reads, in $all and in subscriptions.
import type { Wire } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { EventFields, Filter, ReadOptions } from '../lib/streams.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const link = (t: Toolkit, data: string, fields: EventFields = {}) => t.event({ type: '$>', data, ...fields })

// Appends the links to a stream of their own and reads it back resolved.
const resolved = async (t: Toolkit, targets: readonly string[], options: ReadOptions = {}) => {
  const stream = t.stream('links')
  await t.append(
    stream,
    'any',
    targets.map((data) => link(t, data)),
  )
  return t.brief((await t.read(stream, { resolveLinks: true, ...options })).messages)
}

export default [
  {
    name: 'links: a present target, forwards and backwards',
    section: '6.3',
    async run(t) {
      const target = t.stream('orders')
      await t.append(target, 'any', 3)
      const targets = [2, 0, 1].map((revision) => `${revision}@${target}`)
      t.record('forwards', await resolved(t, targets))
      t.record('backwards', await resolved(t, targets, { direction: 'backwards' }))
    },
  },
  {
    name: 'links: the resolved event equals the one read directly',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', [t.event({ type: 'opened', json: { a: 1 }, metadata: { m: 1 } })])
      await t.append(stream, 'any', [link(t, `0@${target}`, { metadata: { l: 1 } })])
      const [read] = (await t.read(stream, { resolveLinks: true })).events
      const [direct] = (await t.read(target)).events
      const [plain] = (await t.read(stream)).events
      t.record('read', read)
      t.record('event equals', JSON.stringify(read.event) === JSON.stringify(direct.event))
      t.record('link equals', JSON.stringify(read.link) === JSON.stringify(plain.event))
      t.record('position is the one of the link', read.commitPosition === plain.commitPosition)
    },
  },
  {
    name: 'links: not resolved unless asked for',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 1)
      await t.append(stream, 'any', [link(t, `0@${target}`, { contentType: 'application/json' }), link(t, 'nonsense')])
      t.record('read', (await t.read(stream)).messages)
    },
  },
  {
    name: 'links: absent targets',
    section: '6.3',
    async run(t) {
      const target = t.stream('orders')
      await t.append(target, 'any', 1)
      t.record('revision beyond the end', await resolved(t, [`7@${target}`]))
      t.record('stream never written', await resolved(t, [`0@${t.stream('missing')}`]))
    },
  },
  {
    name: 'links: deleted targets',
    section: '6.3',
    async run(t) {
      const [deleted, buried] = [t.stream('deleted'), t.stream('buried')]
      for (const target of [deleted, buried]) await t.append(target, 'any', 2)
      await t.delete(deleted, 'any')
      await t.tombstone(buried, 'any')
      t.record('soft-deleted', await resolved(t, [`0@${deleted}`, `1@${deleted}`]))
      t.record('tombstoned', await resolved(t, [`0@${buried}`]))
      t.record('the tombstone itself', await resolved(t, [`9223372036854775807@${buried}`]))
      await t.append(deleted, 'any', 1)
      t.record('recreated', await resolved(t, [`1@${deleted}`, `2@${deleted}`]))
    },
  },
  {
    name: 'links: targets hidden by metadata',
    section: '6.3',
    async run(t) {
      const [cut, counted] = [t.stream('cut'), t.stream('counted')]
      for (const target of [cut, counted]) await t.append(target, 'any', 4)
      await t.setMetadata(cut, 'any', { $tb: 2 })
      await t.setMetadata(counted, 'any', { $maxCount: 1 })
      t.record('truncated', await resolved(t, [`1@${cut}`, `2@${cut}`]))
      t.record('beyond the count', await resolved(t, [`2@${counted}`, `3@${counted}`]))
    },
  },
  {
    name: 'links: text without a number',
    section: '6.3',
    async run(t) {
      const target = t.stream('orders')
      await t.append(target, 'any', 2)
      for (const [label, data] of [
        ['no separator', 'abc'],
        ['nothing before it', `@${target}`],
        ['letters before it', `a@${target}`],
        ['empty', ''],
      ] as const)
        t.record(label, await resolved(t, [data]))
    },
  },
  {
    name: 'links: a number without a stream',
    section: '6.3',
    async run(t) {
      for (const data of ['5@', '5']) t.record(data, await resolved(t, [data]))
    },
  },
  {
    name: 'links: only the first separator counts',
    section: '6.3',
    async run(t) {
      const target = t.stream('one@two')
      await t.append(target, 'any', 2)
      t.record('read', await resolved(t, [`1@${target}`]))
    },
  },
  {
    name: 'links: a link to a link is followed once',
    section: '6.3',
    async run(t) {
      const [target, inner] = [t.stream('orders'), t.stream('inner')]
      await t.append(target, 'any', 1)
      await t.append(inner, 'any', [link(t, `0@${target}`)])
      t.record('read', await resolved(t, [`0@${inner}`]))
    },
  },
  {
    name: 'links: a reference of another type is not followed',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 1)
      await t.append(
        stream,
        'any',
        ['$@', '$link', '>'].map((type) => t.event({ type, data: `0@${target}` })),
      )
      t.record('read', t.brief((await t.read(stream, { resolveLinks: true })).messages))
    },
  },
  {
    name: 'links: to an event of a metadata stream',
    section: '6.3',
    async run(t) {
      const target = t.stream('orders')
      await t.setMetadata(target, 'any', { a: 1 })
      await t.setMetadata(target, 'any', { a: 2 })
      t.record('read', await resolved(t, [`0@$$${target}`, `1@$$${target}`]))
    },
  },
  {
    name: 'links: count and start are those of the links',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 3)
      await t.append(
        stream,
        'any',
        [0, 9, 1, 2].map((revision) => link(t, `${revision}@${target}`)),
      )
      t.record('from 1, 2 of them', t.brief((await t.read(stream, { from: 1, count: 2, resolveLinks: true })).messages))
    },
  },
  {
    name: 'links: in $all, both directions',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      const { success } = await t.append(target, 'any', 1)
      await t.append(stream, 'any', [link(t, `0@${target}`), link(t, `7@${target}`)])
      const filter: Filter = { on: 'stream', prefix: [stream, target] }
      const forwards = await t.readAll({ from: success.position, resolveLinks: true, filter })
      t.record('forwards', t.brief(forwards.messages))
      t.record('backwards', t.brief((await t.readAll({ direction: 'backwards', resolveLinks: true, filter, count: 3 })).messages))
      const [, read] = forwards.events
      t.record('position is the one of the link', [
        read.commitPosition === read.link.commitPosition,
        read.commitPosition === read.event.commitPosition,
      ])
    },
  },
  {
    name: 'links: a filter of $all sees the link, not its target',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      const type = `opened${t.run}`
      const { success } = await t.append(target, 'any', [t.event({ type })])
      await t.append(stream, 'any', [link(t, `0@${target}`)])
      const read = async (filter: Filter) =>
        t.brief((await t.readAll({ from: success.position, resolveLinks: true, filter })).messages.filter(own))
      const own = ({ event }: Wire) =>
        !event || [event.event, event.link].every((record) => !record?.streamIdentifier.streamName.startsWith('$'))
      t.record('stream of the link', await read({ on: 'stream', prefix: [stream] }))
      t.record('stream of the target', await read({ on: 'stream', prefix: [target] }))
      t.record('type of the target', await read({ on: 'type', prefix: [type] }))
    },
  },
  {
    name: 'links: in a subscription, from history and as appended',
    section: '6.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 2)
      await t.append(stream, 'any', [link(t, `0@${target}`), link(t, `7@${target}`), link(t, 'nonsense')])
      const subscription = t.subscribe(stream, { resolveLinks: true })
      await subscription.until((messages) => messages.some((message) => message.caughtUp))
      await t.append(stream, 'any', [link(t, `1@${target}`), link(t, `8@${target}`), link(t, 'nonsense'), link(t, '5@')])
      await subscription.until((messages) => messages.filter((message) => message.event).length === 7)
      subscription.cancel()
      t.record('messages', t.brief(subscription.messages))
    },
  },
] satisfies Scenario[]
