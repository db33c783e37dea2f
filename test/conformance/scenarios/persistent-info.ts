// Persistent subscription groups: info, counters, lists.
import type { Wire } from '../lib/codec.ts'
import { type GroupRequest, groupOn, only } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'

const counters = (info: Wire) =>
  only(
    info,
    'totalItems',
    'totalInFlightMessages',
    'outstandingMessagesCount',
    'parkedMessageCount',
    'retryBufferCount',
    'readBufferCount',
    'liveBufferCount',
  )
const positions = (info: Wire) => only(info, 'lastCheckpointedEventPosition', 'lastKnownEventPosition')

export default [
  {
    name: 'info: a new group',
    section: '9.3',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      t.record('info', await group.infoWhen((info) => info.status !== 'NotReady'))
    },
  },
  {
    name: 'info: every setting is echoed',
    section: '9.3',
    async run(t) {
      const settings: GroupRequest = {
        from: 5,
        resolveLinks: true,
        extraStatistics: true,
        maxRetryCount: 1,
        minCheckpointCount: 2,
        maxCheckpointCount: 3,
        maxSubscriberCount: 4,
        liveBufferSize: 50,
        readBatchSize: 6,
        historyBufferSize: 70,
        strategy: 'DispatchToSingle',
        messageTimeoutMs: 8_000,
        checkpointAfterMs: 9_000,
      }
      const group = groupOn(t, t.stream('orders'))
      await group.create(settings)
      const { status, ...info } = await group.info()
      t.record('info', info)
    },
  },
  {
    name: 'info: counters while messages are open',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 5)
      await group.create()
      const consumer = await group.connect({ buffer: 3 })
      const delivered = await consumer.take(3)
      t.record('open', counters(await group.info()))
      consumer.ack(delivered[0])
      await consumer.take(1)
      t.record('one acknowledged', counters(await group.info()))
      consumer.nack('park', delivered[1])
      await consumer.take(1)
      t.record('one parked', counters(await group.infoWhen((info) => info.parkedMessageCount === '1')))
      consumer.nack('retry', delivered[2])
      await consumer.take(1)
      t.record('one again', counters(await group.info()))
    },
  },
  {
    name: 'info: positions of a stream group',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create({ minCheckpointCount: 1, maxCheckpointCount: 1 })
      t.record('empty', positions(await group.info()))
      await t.append(stream, 'any', 3)
      t.record('known before anyone reads', positions(await group.infoWhen((info) => info.lastKnownEventPosition === '2')))
      const consumer = await group.connect()
      consumer.ack((await consumer.take(3)).slice(0, 2))
      t.record('acknowledged', positions(await group.infoWhen((info) => info.lastCheckpointedEventPosition === '1')))
    },
  },
  {
    name: 'info: connections',
    section: '9.3',
    needs: 'insecure',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      await group.connect({ buffer: 4, name: 'first one' })
      const second = await group.connect({ buffer: 2 })
      await t.append(stream, 'any', 3)
      await second.take(1)
      const info = await group.infoWhen(({ totalItems }) => totalItems === '3')
      const measured = ({ averageItemsPerSecond, countSinceLastMeasurement, ...connection }: Wire) => connection
      t.record('connections', info.connections.map(measured))
      second.cancel()
      t.record('after one left', (await group.infoWhen(({ connections }) => connections.length === 1)).connections.length)
    },
  },
  {
    name: 'info: counts since the last question',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      const consumer = await group.connect()
      await t.append(stream, 'any', 3)
      await consumer.take(3)
      const since = async () => {
        const { countSinceLastMeasurement, connections } = await group.info()
        return [countSinceLastMeasurement, connections[0].countSinceLastMeasurement]
      }
      t.record('first', await since())
      t.record('second', await since())
      await t.append(stream, 'any', 1)
      await consumer.take(1)
      t.record('third', await since())
    },
  },
  {
    name: 'info: extra statistics',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create({ extraStatistics: true })
      const consumer = await group.connect()
      const keys = async () => (await group.info()).connections[0].observedMeasurements.map(({ key }: Wire) => key)
      t.record('at first', await keys())
      await t.append(stream, 'any', 3)
      consumer.ack(await consumer.take(3))
      await t.append(stream, 'any', 1)
      await consumer.take(1)
      t.record('after acknowledgements', await keys())
    },
  },
  {
    name: 'info: status',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 30)
      const live = groupOn(t, stream)
      await live.create({ from: 'end' })
      t.record('at the end', (await live.infoWhen((info) => info.status === 'Live')).status)
      const read = groupOn(t, stream)
      await read.create({ from: 'start' })
      t.record('history within the buffer', (await read.infoWhen((info) => info.status === 'Live')).status)
      const behind = groupOn(t, stream)
      await behind.create({ from: 'start', historyBufferSize: 11, readBatchSize: 10 })
      t.record('history beyond the buffer', (await behind.infoWhen((info) => info.readBufferCount === 10)).status)
    },
  },
  {
    name: 'info: unknown groups',
    section: '9.3',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      const answer = await group.info()
      t.record('on a stream', answer)
      t.record('text', answer.error.text === `Subscription group ${group.name} on stream ${group.stream} does not exist.`)
      t.record('on $all', await groupOn(t, '$all').info())
      await groupOn(t, group.stream).create()
      t.record('another group exists', await group.info())
    },
  },
  {
    name: 'list: the groups of a stream',
    section: '9.3',
    async run(t) {
      const stream = t.stream('orders')
      t.record('never had one', await t.persistent.list(stream))
      const [first, second] = [groupOn(t, stream), groupOn(t, stream)]
      await first.create()
      await second.create()
      const names = async () =>
        (await t.persistent.list(stream)).subscriptions.map(({ groupName, eventSource }: Wire) => `${groupName} on ${eventSource}`)
      t.record('two', await names())
      await first.remove()
      t.record('one', await names())
      await second.remove()
      t.record('none left', await t.persistent.list(stream))
    },
  },
  {
    name: 'list: equals the info of each group',
    section: '9.3',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create({ extraStatistics: true })
      const info = await group.infoWhen(({ status }) => status === 'Live')
      const [listed] = (await t.persistent.list(group.stream)).subscriptions
      t.record('equal', JSON.stringify(listed) === JSON.stringify(info))
    },
  },
  {
    name: 'list: everything, and $all',
    section: '9.3',
    async run(t) {
      const [onStream, onAll] = [groupOn(t, t.stream('orders')), groupOn(t, '$all')]
      await onStream.create()
      await onAll.create({ from: 'end', filter: { on: 'stream', prefix: [onStream.stream] } })
      const names = [onStream.name, onAll.name]
      const own = ({ subscriptions }: Wire) =>
        subscriptions
          .filter(({ groupName }: Wire) => names.includes(groupName))
          .map(({ eventSource }: Wire) => eventSource)
          .sort()
      t.record('everything', own(await t.persistent.list()))
      t.record('$all', own(await t.persistent.list('$all')))
      await onAll.remove()
    },
  },
] satisfies Scenario[]
