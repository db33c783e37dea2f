// Persistent subscription groups that resolve links.
import type { Wire } from '../lib/codec.ts'
import { brief, groupOn } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const links = (t: Toolkit, targets: readonly string[]) => targets.map((data) => t.event({ type: '$>', data }))

// One stream of each fate.
const fates = async (t: Toolkit) => {
  const [present, missing] = [t.stream('present'), t.stream('missing')]
  const [deleted, buried, cut] = [t.stream('deleted'), t.stream('buried'), t.stream('cut')]
  for (const stream of [present, deleted, buried, cut]) await t.append(stream, 'any', 3)
  await t.delete(deleted, 'any')
  await t.tombstone(buried, 'any')
  await t.setMetadata(cut, 'any', { $tb: 2 })
  return [`1@${present}`, `7@${present}`, `0@${missing}`, `1@${deleted}`, `1@${buried}`, `1@${cut}`, `2@${cut}`]
}

// Links of system projections to the same targets may come as well; they are not the matter here.
const through = (stream: string, delivered: readonly Wire[]) =>
  delivered.filter(({ link }) => link?.streamIdentifier.streamName === stream).map(brief)

const malformed = ['abc', '5@', '@x', '', '7']

export default [
  {
    name: 'links from history: present and absent targets',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      const targets = await fates(t)
      await t.append(stream, 'any', links(t, targets))
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      t.record('delivered', (await (await group.connect()).take(targets.length)).map(brief))
    },
  },
  {
    name: 'links as they are appended: present and absent targets',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      const targets = await fates(t)
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      const consumer = await group.connect()
      await t.append(stream, 'any', links(t, targets))
      t.record('delivered', (await consumer.take(targets.length)).map(brief))
    },
  },
  {
    name: 'links from history: malformed',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      await t.append(stream, 'any', links(t, malformed))
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      t.record('delivered', (await (await group.connect()).take(malformed.length)).map(brief))
    },
  },
  {
    name: 'links as they are appended: malformed',
    section: '9.2',
    async run(t) {
      const stream = t.stream('links')
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      const consumer = await group.connect()
      await t.append(stream, 'any', links(t, malformed))
      t.record('delivered', (await consumer.take(malformed.length)).map(brief))
    },
  },
  {
    name: 'links: not resolved unless asked for',
    section: '9.2',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 1)
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: false })
      const consumer = await group.connect()
      t.record(
        'history',
        (await consumer.take(1)).map(({ event, link }) => [event.metadata.type, event.data, link ?? 'no link']),
      )
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      t.record(
        'live',
        (await consumer.take(1)).map(({ event, link }) => [event.metadata.type, event.data, link ?? 'no link']),
      )
    },
  },
  {
    name: 'links: a resolved message, field by field',
    section: '9.2',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', [t.event({ type: 'opened', json: { a: 1 }, metadata: { m: 1 } })])
      await t.append(stream, 'any', [t.event({ type: '$>', data: `0@${target}`, metadata: { l: 1 } })])
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      const [message] = await (await group.connect()).take(1)
      t.record('message', message)
      const direct = (await t.read(target)).events[0].event
      const link = (await t.read(stream)).events[0].event
      t.record('event at its own position', message.event.commitPosition === direct.commitPosition)
      t.record('event at the position of the link', message.event.commitPosition === link.commitPosition)
      t.record('message at the position of the link', message.commitPosition === link.commitPosition)
    },
  },
  {
    name: 'links: acknowledged by the id of the link',
    section: '9.2',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 2)
      await t.append(stream, 'any', links(t, [`0@${target}`, `1@${target}`]))
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      const consumer = await group.connect({ buffer: 1 })
      const [message] = await consumer.take(1)
      consumer.ack([message.event.id])
      t.record('by the id of the target', (await consumer.others()).length)
      consumer.ack([message.link.id])
      t.record('by the id of the link', (await consumer.take(1)).map(brief))
    },
  },
  {
    name: 'links: a $all group with a filter on the stream of the links',
    section: '9.2',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      const { success } = await t.append(target, 'any', 1)
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      const group = groupOn(t, '$all')
      await group.create({ from: success.position, resolveLinks: true, filter: { on: 'stream', prefix: [stream] } })
      const consumer = await group.connect()
      t.record('history', (await consumer.take(1)).map(brief))
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      t.record('live', through(stream, await consumer.others(1_500)))
    },
  },
  {
    name: 'links: a $all group with a filter on the stream of the targets',
    section: '9.2',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      const { success } = await t.append(target, 'any', 1)
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      const group = groupOn(t, '$all')
      await group.create({ from: success.position, resolveLinks: true, filter: { on: 'stream', prefix: [target] } })
      const consumer = await group.connect()
      t.record('history', (await consumer.take(1)).map(brief))
      await t.append(stream, 'any', links(t, [`0@${target}`]))
      t.record('live', through(stream, await consumer.others(1_500)))
    },
  },
] satisfies Scenario[]
