// Persistent subscription groups: parked messages and their replay.
import { brief, type Group, type GroupRequest, groupOn, isError, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

// A group with so many parked messages, and its consumer.
const withParked = async (t: Toolkit, count: number, settings?: GroupRequest) => {
  const stream = t.stream('orders')
  const group = groupOn(t, stream)
  await t.append(stream, 'any', count)
  await group.create(settings)
  const consumer = await group.connect()
  // One after the other: parking several at once does not keep their order.
  for (let n = 1; n <= count; n++) {
    consumer.nack('park', await consumer.take(1), `reason ${n}`)
    await group.parkedWhen(n)
  }
  return { stream, group, consumer }
}

// Where the parked stream begins, once replaying has cut it off.
const truncation = (t: Toolkit, group: Group): Promise<number | undefined> => {
  const before = async () => {
    const { events } = await t.read(`$$${group.parkedStream}`, { direction: 'backwards', count: 1 })
    return events[0] && JSON.parse(events[0].event.data).$tb
  }
  return t.eventually(before, (revision) => revision !== undefined, 3_000)
}

export default [
  {
    name: 'parked: the event in the parked stream',
    section: '9.3',
    async run(t) {
      const { group } = await withParked(t, 2)
      const [, second] = await group.parked()
      const { added, ...metadata } = JSON.parse(second.customMetadata)
      t.record('event', { ...second, customMetadata: metadata })
      t.record('added is a time', Math.abs(Date.parse(added) - Date.now()) < 86_400_000)
      t.record('metadata of the stream', await t.read(`$$${group.parkedStream}`))
    },
  },
  {
    name: 'parked: a link parks its target, an unresolved one its own text',
    section: '9.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 3)
      await t.append(
        stream,
        'any',
        [`2@${target}`, `9@${target}`, 'nonsense'].map((data) => t.event({ type: '$>', data })),
      )
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: true })
      const consumer = await group.connect()
      for (let n = 1; n <= 3; n++) {
        consumer.nack('park', await consumer.take(1))
        await group.parkedWhen(n)
      }
      t.record(
        'parked',
        (await group.parked()).map(({ data, customMetadata }) => [data, JSON.parse(customMetadata).subscriptionEventNumber]),
      )
    },
  },
  {
    name: 'parked: the number in the metadata is the one in the stream of the link',
    section: '9.3',
    async run(t) {
      const [stream, target] = [t.stream('links'), t.stream('orders')]
      await t.append(target, 'any', 5)
      await t.append(
        stream,
        'any',
        [3, 4].map((revision) => t.event({ type: '$>', data: `${revision}@${target}` })),
      )
      const group = groupOn(t, stream)
      await group.create({ resolveLinks: false })
      const consumer = await group.connect()
      await consumer.take(1)
      consumer.nack('park', await consumer.take(1))
      t.record(
        'unresolved',
        (await group.parkedWhen(1)).map(({ data, customMetadata }) => [data, JSON.parse(customMetadata).subscriptionEventNumber]),
      )
    },
  },
  {
    name: 'replay: every parked message once more',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 3)
      t.record('replay', await group.replay())
      const replayed = await consumer.take(3)
      t.record('delivered', replayed.map(brief))
      consumer.ack(replayed)
      t.record('truncated before', await truncation(t, group))
      t.record('parked stream', await t.read(group.parkedStream))
      t.record('counted', (await group.infoWhen((info) => info.parkedMessageCount === '0')).parkedMessageCount)
      t.record('replay again', await group.replay())
      t.record('nothing', (await consumer.others()).length)
    },
  },
  {
    name: 'replay: a whole message',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 1)
      await group.replay()
      const [message] = await consumer.take(1)
      const { added, ...metadata } = JSON.parse(message.link.customMetadata)
      t.record('message', { ...message, link: { ...message.link, customMetadata: metadata } })
    },
  },
  {
    name: 'replay: up to a number',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 4)
      t.record('replay', await group.replay({ stopAt: 2 }))
      const replayed = await consumer.take(2)
      t.record('delivered', replayed.map(brief))
      consumer.ack(replayed)
      t.record('truncated before', await truncation(t, group))
      t.record(
        'left',
        (await group.parked()).map(({ data }) => data),
      )
      t.record('counted', (await group.infoWhen((info) => info.parkedMessageCount === '2')).parkedMessageCount)
      t.record('replay the rest', await group.replay())
      t.record('delivered then', (await consumer.take(2)).map(brief))
    },
  },
  {
    name: 'replay: a number beyond the end',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 2)
      t.record('replay', await group.replay({ stopAt: 50 }))
      t.record('delivered', (await consumer.take(2)).map(brief))
      t.record('truncated before', await truncation(t, group))
    },
  },
  {
    name: 'replay: parked again after another refusal',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 1, { maxRetryCount: 1 })
      await group.replay()
      const first = await consumer.take(1)
      consumer.nack('retry', first)
      const second = await consumer.take(1)
      t.record('deliveries', [...first, ...second].map(brief))
      await truncation(t, group)
      consumer.nack('retry', second)
      t.record(
        'parked',
        (await group.parkedWhen(1)).map(({ streamRevision, data, customMetadata }) => [
          streamRevision,
          data,
          JSON.parse(customMetadata).reason,
        ]),
      )
    },
  },
  {
    name: 'replay: nothing parked, unknown group, negative number',
    section: '9.3',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      t.record('unknown group', await group.replay())
      t.record('unknown group of $all', await groupOn(t, '$all').replay())
      t.record('unknown group, negative number', await group.replay({ stopAt: -1 }))
      await group.create()
      t.record('nothing parked', await group.replay())
      t.record('negative number', await group.replay({ stopAt: -1 }))
      const options = { streamIdentifier: { streamName: group.stream }, groupName: group.name }
      t.record(
        'neither number nor no limit, refused',
        isError(await t.call('PersistentSubscriptions', 'ReplayParked', { options })),
      )
    },
  },
  {
    name: 'replay: without a consumer waits for one',
    section: '9.3',
    async run(t) {
      const { group, consumer } = await withParked(t, 2)
      consumer.cancel()
      await group.infoWhen((info) => info.connections.length === 0)
      t.record('replay', await group.replay())
      t.record('waiting', (await group.infoWhen((info) => info.retryBufferCount === 2)).retryBufferCount)
      t.record('delivered', (await (await group.connect()).take(2)).map(brief))
    },
  },
  {
    name: 'replay: a parked message whose event is gone',
    section: '9.3',
    async run(t) {
      const { stream, group, consumer } = await withParked(t, 2)
      await t.setMetadata(stream, 'any', { $tb: 1 })
      await group.replay()
      t.record('delivered', (await consumer.take(2)).map(brief))
    },
  },
  {
    name: 'parked: of a $all group',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      const { success } = await t.append(stream, 'any', 1)
      const group = groupOn(t, '$all')
      await group.create({ from: success.position, filter: { on: 'stream', prefix: [stream] } })
      const consumer = await group.connect()
      consumer.nack('park', await consumer.take(1), 'later')
      t.record(
        'parked',
        (await group.parkedWhen(1)).map(({ data, customMetadata }) => [data, JSON.parse(customMetadata).subscriptionEventNumber]),
      )
      await group.replay()
      t.record('replayed', (await consumer.take(1)).map(brief))
      t.record('revision', revisions(await consumer.others(0)))
    },
  },
] satisfies Scenario[]
