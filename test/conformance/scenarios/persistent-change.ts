// Persistent subscription groups: update and delete.
import { brief, groupOn, revisions, withoutReason } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

export default [
  {
    name: 'update: replaces every setting',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      const settings = {
        from: 3,
        resolveLinks: true,
        extraStatistics: true,
        maxRetryCount: 3,
        minCheckpointCount: 4,
        maxCheckpointCount: 5,
        maxSubscriberCount: 6,
        liveBufferSize: 70,
        readBatchSize: 8,
        historyBufferSize: 90,
        namedConsumerStrategy: 2,
        messageTimeoutMs: 11_000,
        checkpointAfterMs: 12_000,
      }
      t.record('update', await group.update(settings))
      const info = await group.info()
      t.record('echoed', {
        startFrom: info.startFrom,
        resolveLinks: info.resolveLinkTos,
        extra: info.extraStatistics,
        retries: info.maxRetryCount,
        min: info.minCheckPointCount,
        max: info.maxCheckPointCount,
        subscribers: info.maxSubscriberCount,
        live: info.liveBufferSize,
        batch: info.readBatchSize,
        history: info.bufferSize,
        strategy: info.namedConsumerStrategy,
        timeout: info.messageTimeoutMilliseconds,
        after: info.checkPointAfterMilliseconds,
      })
    },
  },
  {
    name: 'update: the old encoding',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      t.record('update', await group.update({ encoding: 'old', from: 'end', maxRetryCount: 3 }))
      const { startFrom, maxRetryCount } = await group.info()
      t.record('echoed', { startFrom, maxRetryCount })
    },
  },
  {
    name: 'update: an unknown group',
    section: '9.1',
    async run(t) {
      t.record('on a stream', await groupOn(t, t.stream('orders')).update())
      t.record('on $all', await groupOn(t, '$all').update({ from: 'end' }))
    },
  },
  {
    name: 'update: drops connected consumers',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      const [first, second] = [await group.connect(), await group.connect()]
      t.record('update', await group.update({ maxRetryCount: 1 }))
      t.record('first', await first.outcome())
      t.record('second', await second.outcome())
      t.record('connections left', (await group.info()).connections.length)
    },
  },
  {
    name: 'update: refused settings leave the group as it was',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create({ maxRetryCount: 4 })
      const consumer = await group.connect()
      t.record('update', withoutReason(await group.update({ maxRetryCount: 5, readBatchSize: 20, historyBufferSize: 20 })))
      await t.append(stream, 'any', 1)
      t.record('still delivering', (await consumer.take(1)).map(brief))
      t.record('setting', (await group.info()).maxRetryCount)
    },
  },
  {
    name: 'update: goes on behind the checkpoint, whatever the new start',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 5)
      await group.create({ maxCheckpointCount: 1, minCheckpointCount: 1 })
      const consumer = await group.connect()
      consumer.ack(await consumer.take(3))
      t.record(
        'checkpoint',
        (await group.infoWhen((info) => info.lastCheckpointedEventPosition === '2')).lastCheckpointedEventPosition,
      )
      await group.update({ from: 'start' })
      const again = await group.connect()
      t.record('after the update', (await again.take(2)).map(brief))
      t.record('nothing else', (await again.others()).length)
    },
  },
  {
    name: 'update: without a checkpoint the new start counts',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 5)
      await group.create({ from: 'start' })
      await group.update({ from: 3 })
      t.record('delivered', revisions(await (await group.connect()).take(2)))
    },
  },
  {
    name: 'update: of $all keeps the filter',
    section: '9.1',
    async run(t) {
      const [wanted, other] = [t.stream('wanted'), t.stream('other')]
      const group = groupOn(t, '$all')
      await group.create({ from: 'end', filter: { on: 'stream', prefix: [wanted] } })
      t.record('update', await group.update({ from: 'end', maxRetryCount: 2 }))
      const consumer = await group.connect()
      await t.append(other, 'any', 2)
      await t.append(wanted, 'any', 2)
      t.record('delivered', (await consumer.take(2)).map(brief))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'update: keeps parked messages',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 1)
      await group.create({ minCheckpointCount: 1, maxCheckpointCount: 1 })
      const consumer = await group.connect()
      consumer.nack('park', await consumer.take(1))
      await group.infoWhen((info) => info.parkedMessageCount === '1' && info.lastCheckpointedEventPosition === '0')
      await group.update({ minCheckpointCount: 1, maxCheckpointCount: 1 })
      t.record('parked stream', (await group.parked()).length)
      t.record('counted', (await group.infoWhen((info) => info.parkedMessageCount === '1', 3_000)).parkedMessageCount)
    },
  },
  {
    name: 'delete: an unknown group',
    section: '9.1',
    async run(t) {
      t.record('on a stream', await groupOn(t, t.stream('orders')).remove())
      t.record('on $all', await groupOn(t, '$all').remove())
    },
  },
  {
    name: 'delete: drops connected consumers',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      const consumer = await group.connect()
      t.record('delete', await group.remove())
      t.record('consumer', await consumer.outcome())
      t.record('again', await group.remove())
      t.record('connect', (await group.connect()).first())
    },
  },
  {
    name: 'delete: of $all drops connected consumers',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, '$all')
      await group.create({ from: 'end', filter: { on: 'stream', prefix: [t.stream('orders')] } })
      const consumer = await group.connect()
      t.record('confirmed', consumer.first())
      t.record('delete', await group.remove())
      t.record('consumer', await consumer.outcome())
    },
  },
  {
    name: 'delete: removes checkpoint and parked messages',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 3)
      await group.create({ minCheckpointCount: 1, maxCheckpointCount: 1 })
      const consumer = await group.connect()
      const [first, second] = await consumer.take(2)
      consumer.nack('park', first)
      consumer.ack(second)
      await group.infoWhen((info) => info.parkedMessageCount === '1' && info.lastCheckpointedEventPosition === '1')
      t.record('before', [await exists(t, group.checkpointStream), await exists(t, group.parkedStream)])
      t.record('delete', await group.remove())
      t.record('checkpoint gone', await goes(t, group.checkpointStream))
      t.record('parked gone', await goes(t, group.parkedStream))
      await group.create()
      t.record('created again, starts afresh', (await (await group.connect()).take(3)).map(brief))
    },
  },
  {
    name: 'delete: does not touch another group of the stream',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const [kept, removed] = [groupOn(t, stream), groupOn(t, stream)]
      await kept.create()
      await removed.create()
      const consumer = await kept.connect()
      await removed.remove()
      await t.append(stream, 'any', 1)
      t.record('delivered', (await consumer.take(1)).map(brief))
    },
  },
] satisfies Scenario[]

const exists = async (t: Toolkit, stream: string): Promise<boolean> => (await t.read(stream)).events.length > 0
const goes = async (t: Toolkit, stream: string) =>
  !(await t.eventually(
    () => exists(t, stream),
    (there) => !there,
  ))
