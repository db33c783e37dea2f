// Persistent subscription groups: refusals by the consumer, and timeouts.
import { brief, type ConsumerOptions, type Group, type GroupRequest, groupOn, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const withEvents = async (t: Toolkit, count: number, settings?: GroupRequest, connection?: ConsumerOptions) => {
  const stream = t.stream('orders')
  const group = groupOn(t, stream)
  await t.append(stream, 'any', count)
  await group.create(settings)
  return { stream, group, consumer: await group.connect(connection) }
}

const parkedReasons = async (group: Group, count: number) =>
  (await group.parkedWhen(count)).map(({ data, customMetadata }) => [data, JSON.parse(customMetadata).reason])

export default [
  ...(['retry', 'unknown'] as const).map((action) => ({
    name: `nack ${action}: again, with the retry count going up by one`,
    section: '9.2',
    async run(t: Toolkit) {
      const { consumer, group } = await withEvents(t, 2, { maxRetryCount: 5 }, { buffer: 1 })
      for (let n = 0; n < 3; n++) {
        const delivered = await consumer.take(1)
        t.record(`delivery ${n}`, delivered.map(brief))
        consumer.nack(action, delivered, 'not now')
      }
      consumer.ack(await consumer.take(1))
      t.record('then the next', (await consumer.take(1)).map(brief))
      t.record('parked', (await group.parked()).length)
    },
  })),
  {
    name: 'nack retry: retries go before new events, lowest first',
    section: '9.2',
    async run(t) {
      const { consumer } = await withEvents(t, 6, {}, { buffer: 3 })
      const delivered = await consumer.take(3)
      consumer.nack('retry', [delivered[2], delivered[0], delivered[1]])
      const again = await consumer.take(3)
      t.record('again', again.map(brief))
      consumer.ack(again)
      t.record('then', (await consumer.take(3)).map(brief))
    },
  },
  {
    name: 'nack retry: parked when the retries are used up',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 2, { maxRetryCount: 2 }, { buffer: 1 })
      const counts = []
      for (let n = 0; n < 3; n++) {
        const [message] = await consumer.take(1)
        counts.push(brief(message))
        consumer.nack('retry', [message], 'again')
      }
      t.record('deliveries', counts)
      t.record('next', (await consumer.take(1)).map(brief))
      t.record('parked', await parkedReasons(group, 1))
    },
  },
  {
    name: 'nack retry: no retries allowed parks at once',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 2, { maxRetryCount: 0 }, { buffer: 1 })
      consumer.nack('retry', await consumer.take(1), 'again')
      t.record('next', (await consumer.take(1)).map(brief))
      t.record('parked', await parkedReasons(group, 1))
    },
  },
  {
    name: 'nack park: the message is gone and its reason kept',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 3, {}, { buffer: 2 })
      consumer.nack('park', await consumer.take(2), 'broken')
      t.record('next', (await consumer.take(1)).map(brief))
      t.record('parked', await parkedReasons(group, 2))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'nack park: without a reason',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 1)
      consumer.nack('park', await consumer.take(1))
      t.record('parked', await parkedReasons(group, 1))
    },
  },
  {
    name: 'nack skip: neither again nor parked',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 2, { minCheckpointCount: 1, maxCheckpointCount: 1 }, { buffer: 1 })
      consumer.nack('skip', await consumer.take(1), 'ignore')
      t.record('next', (await consumer.take(1)).map(brief))
      t.record('parked', (await group.parked()).length)
      t.record(
        'counts for the checkpoint',
        (await group.infoWhen((info) => info.lastCheckpointedEventPosition === '0')).lastCheckpointedEventPosition,
      )
    },
  },
  {
    name: 'nack stop: the consumer goes on, the message does not come again',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 2, {}, { buffer: 1 })
      consumer.nack('stop', await consumer.take(1), 'stop')
      t.record('next', (await consumer.take(1)).map(brief))
      t.record('outcome', await consumer.outcome(500))
      t.record('parked', (await group.parked()).length)
      t.record('outstanding', (await group.info()).outstandingMessagesCount)
    },
  },
  {
    name: 'timeout: counts as a retry',
    section: '9.2',
    async run(t) {
      const { consumer } = await withEvents(t, 2, { messageTimeoutMs: 1_000 }, { buffer: 1 })
      t.record('first', (await consumer.take(1)).map(brief))
      const again = await consumer.take(1)
      t.record('second', again.map(brief))
      consumer.ack(again)
      t.record('next', (await consumer.take(1)).map(brief))
    },
  },
  {
    name: 'timeout: parked when the retries are used up',
    section: '9.2',
    async run(t) {
      const { consumer, group } = await withEvents(t, 1, { messageTimeoutMs: 500, maxRetryCount: 1 })
      t.record('deliveries', (await consumer.take(2)).map(brief))
      t.record('parked', await parkedReasons(group, 1))
      t.record('nothing else', (await consumer.others(1_500)).length)
    },
  },
  {
    name: 'timeout: zero expires at the next check',
    section: '9.2',
    async run(t) {
      const { consumer } = await withEvents(t, 1, { messageTimeoutMs: 0, maxRetryCount: 2 })
      t.record('deliveries', (await consumer.take(3, 6_000)).map(brief))
    },
  },
  {
    name: 'timeout: an acknowledged message does not come again',
    section: '9.2',
    async run(t) {
      const { consumer } = await withEvents(t, 2, { messageTimeoutMs: 1_000 })
      const delivered = await consumer.take(2)
      consumer.ack(delivered[0])
      t.record('again', (await consumer.take(1)).map(brief))
      t.record('first one', revisions(await consumer.others(300)))
    },
  },
] satisfies Scenario[]
