// Persistent subscription groups: connecting, delivery, acknowledgement, disconnection.
import { brief, groupOn, isError, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'

export default [
  {
    name: 'connect: the confirmation comes first and names the group',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 1)
      await group.create()
      const consumer = await group.connect()
      await consumer.take(1)
      t.record('first', consumer.first())
      t.record('is stream::group', consumer.first().subscriptionConfirmation.subscriptionId === group.key)
      t.record('confirmations', consumer.inbox.messages.filter((message) => message.subscriptionConfirmation).length)
    },
  },
  {
    name: 'connect: unknown groups',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      t.record('stream without groups', (await groupOn(t, stream).connect()).first())
      await groupOn(t, stream).create()
      t.record('stream with another group', (await groupOn(t, stream).connect()).first())
      t.record('$all', (await groupOn(t, '$all').connect()).first())
    },
  },
  {
    name: 'connect: the subscriber limit',
    section: '9.2',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create({ maxSubscriberCount: 2 })
      const first = await group.connect()
      const second = await group.connect()
      t.record('second', second.confirmed())
      t.record('third', (await group.connect()).first())
      first.cancel()
      await group.infoWhen((info) => info.connections.length === 1)
      t.record('after one left', (await group.connect()).confirmed())
    },
  },
  {
    name: 'connect: a first message other than the options',
    section: '9.2',
    async run(t) {
      const call = t.bidi('PersistentSubscriptions', 'Read')
      call.send({ ack: { ids: [] } })
      t.record('ack first, refused', isError(await call.outcome()))
    },
  },
  {
    name: 'connect: options without a source',
    section: '9.2',
    async run(t) {
      const call = t.bidi('PersistentSubscriptions', 'Read')
      call.send({ options: { groupName: t.group('group'), bufferSize: 10, uuidOption: { string: {} } } })
      t.record('refused', isError(await call.outcome()))
    },
  },
  {
    name: 'connect: a buffer of no messages',
    section: '9.2',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      t.record('zero, refused', isError((await group.connect({ buffer: 0 })).first()))
      t.record('negative, refused', isError((await group.connect({ buffer: -1 })).first()))
    },
  },
  {
    name: 'deliver: a whole message with text ids',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', [t.event({ id: t.id(), type: 'opened', json: { a: 1 }, metadata: { by: 'me' } })])
      await group.create()
      t.record('message', (await (await group.connect()).take(1))[0])
    },
  },
  {
    name: 'deliver: a whole message with structured ids and raw data',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', [t.event({ id: '00010203-0405-0607-8809-0a0b0c0d0e0f', type: 'raw', data: 'hex:00ff10' })])
      await group.create()
      const [message] = await (await group.connect({ uuid: 'structured' })).take(1)
      t.record('id', message.event.id)
      t.record('metadata', message.event.metadata)
      t.record('data', message.event.data)
      t.record('retry count present', ['retryCount' in message, 'noRetryCount' in message])
    },
  },
  {
    name: 'deliver: positions equal those of a read',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 2)
      await group.create()
      const delivered = await (await group.connect()).take(2)
      const { events } = await t.read(stream)
      t.record(
        'same records',
        delivered.map(({ event }, n) => JSON.stringify(event) === JSON.stringify(events[n].event)),
      )
      t.record(
        'same positions',
        delivered.map(({ commitPosition }, n) => commitPosition === events[n].commitPosition),
      )
    },
  },
  {
    name: 'deliver: no more than the buffer size unacknowledged',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 8)
      await group.create()
      const consumer = await group.connect({ buffer: 3 })
      const delivered = await consumer.take(3)
      t.record('at first', revisions(delivered))
      t.record('not more', (await consumer.others()).length)
      consumer.ack(delivered[1])
      t.record('after one acknowledgement', revisions(await consumer.take(1)))
      t.record('again not more', (await consumer.others()).length)
      consumer.ack([delivered[0], delivered[2]])
      t.record('after two', revisions(await consumer.take(2)))
    },
  },
  {
    name: 'deliver: in order over history and live events',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 30)
      await group.create({ readBatchSize: 7, historyBufferSize: 20, liveBufferSize: 10 })
      const consumer = await group.connect({ buffer: 5 })
      const seen = []
      for (let n = 0; n < 60; n++) {
        if (n < 30) await t.append(stream, 'any', 1)
        const delivered = await consumer.take(1)
        seen.push(...revisions(delivered))
        consumer.ack(delivered)
      }
      t.record(
        'all in order',
        seen.map(Number).every((revision, n) => revision === n),
      )
      t.record('count', seen.length)
    },
  },
  {
    name: 'deliver: a burst beyond every buffer arrives complete',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create({ readBatchSize: 5, historyBufferSize: 10, liveBufferSize: 10 })
      const consumer = await group.connect({ buffer: 4 })
      await t.append(stream, 'any', 100)
      const seen = []
      while (seen.length < 100) {
        const delivered = await consumer.take(1)
        if (!delivered.length) break
        seen.push(...delivered.map(({ event, retryCount }) => `${event.streamRevision}/${retryCount}`))
        consumer.ack(delivered)
      }
      t.record('count', seen.length)
      t.record(
        'in order, none twice',
        seen.every((entry, n) => entry === `${n}/0`),
      )
    },
  },
  {
    name: 'deliver: two groups of a stream are independent',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const [first, second] = [groupOn(t, stream), groupOn(t, stream)]
      await first.create()
      await second.create()
      await t.append(stream, 'any', 3)
      const [a, b] = [await first.connect(), await second.connect()]
      a.ack(await a.take(3))
      t.record('second group', revisions(await b.take(3)))
    },
  },
  {
    name: 'deliver: a metadata stream as source',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, `$$${stream}`)
      t.record('create', await group.create())
      const consumer = await group.connect()
      await t.setMetadata(stream, 'any', { first: 1 })
      t.record(
        'delivered',
        (await consumer.take(1)).map(({ event }) => [event.metadata.type, event.data]),
      )
    },
  },
  {
    name: 'acknowledge: unknown ids are ignored',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 3)
      await group.create()
      const consumer = await group.connect({ buffer: 1 })
      const [first] = await consumer.take(1)
      consumer.ack(t.id(), t.id())
      consumer.nack('park', [t.id()], 'unknown')
      t.record('nothing moves', (await consumer.others()).length)
      consumer.ack(t.id(), first)
      t.record('among known ones', revisions(await consumer.take(1)))
      t.record('nothing parked', (await group.parked()).length)
    },
  },
  {
    name: 'acknowledge: structured ids and repeated ids',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 3)
      await group.create()
      const consumer = await group.connect({ buffer: 1, uuid: 'structured' })
      const [first] = await consumer.take(1)
      consumer.ack(first, first)
      consumer.ack(first)
      t.record('next', revisions(await consumer.take(1)))
      t.record('not two', (await consumer.others()).length)
    },
  },
  {
    name: 'acknowledge: by another consumer of the group',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      const [first, second] = [await group.connect({ buffer: 1 }), await group.connect({ buffer: 1 })]
      await t.append(stream, 'any', 4)
      const [toFirst] = await first.take(1)
      await second.take(1)
      second.ack(toFirst)
      t.record('frees the slot of the first', revisions(await first.take(1)))
      t.record('but not of the second', (await second.others()).length)
    },
  },
  {
    name: 'disconnect: what was not acknowledged goes to the next consumer as a retry',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 4)
      await group.create()
      const first = await group.connect({ buffer: 3 })
      const delivered = await first.take(3)
      first.ack(delivered[1])
      await first.take(1)
      first.cancel()
      await group.infoWhen((info) => info.connections.length === 0)
      t.record('delivered', (await (await group.connect()).take(3)).map(brief))
    },
  },
  {
    name: 'disconnect: at once to a consumer that is there',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      const [first, second] = [await group.connect(), await group.connect()]
      await t.append(stream, 'any', 4)
      await first.take(2)
      t.record('second', (await second.take(2)).map(brief))
      first.cancel()
      t.record('second, after the first left', (await second.take(2)).map(brief))
    },
  },
  {
    name: 'half-closing the request side',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      const consumer = await group.connect()
      consumer.inbox.end()
      await t.append(stream, 'any', 1)
      t.record('still delivers', revisions(await consumer.take(1, 2_000)))
      t.record('outcome', await consumer.outcome(1_000))
    },
  },
  {
    name: 'soft delete before the group is created',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 2)
      await t.delete(stream, 'any')
      const group = groupOn(t, stream)
      t.record('create', await group.create())
      const consumer = await group.connect()
      t.record('nothing of the past', (await consumer.others()).length)
      await t.append(stream, 'any', 2)
      t.record('delivered', revisions(await consumer.take(2)))
    },
  },
  {
    name: 'soft delete while a consumer is connected',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await group.create()
      const consumer = await group.connect()
      await t.append(stream, 'any', 2)
      consumer.ack(await consumer.take(2))
      await t.delete(stream, 'any')
      t.record('nothing', (await consumer.others()).length)
      await t.append(stream, 'any', 1)
      t.record('recreated', (await consumer.take(1)).map(brief))
    },
  },
  {
    name: 'tombstone while a consumer is connected',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 1)
      await group.create()
      const consumer = await group.connect()
      await consumer.take(1)
      await t.tombstone(stream, 'any')
      t.record(
        'delivered',
        (await consumer.take(1, 2_000)).map(({ event, retryCount }) => [event.metadata.type, event.streamRevision, retryCount]),
      )
      t.record('outcome', await consumer.outcome(500))
    },
  },
  {
    name: 'tombstone before the group is created',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1)
      await t.tombstone(stream, 'any')
      const group = groupOn(t, stream)
      t.record('create', await group.create())
      const consumer = await group.connect()
      t.record('outcome', await consumer.outcome(2_000))
      t.record('connections', (await group.info()).connections.length)
    },
  },
] satisfies Scenario[]
