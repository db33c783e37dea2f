// Persistent subscription groups: what is kept of the progress, and what a restart makes of it.
import { brief, type Group, type GroupRequest, groupOn, revisions } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const withEvents = async (t: Toolkit, count: number, settings: GroupRequest) => {
  const stream = t.stream('orders')
  const group = groupOn(t, stream)
  await t.append(stream, 'any', count)
  await group.create(settings)
  return { stream, group, consumer: await group.connect({ buffer: 50 }) }
}

const checkpoint = async (group: Group, value: string, ms?: number) =>
  (await group.infoWhen((info) => info.lastCheckpointedEventPosition === value, ms)).lastCheckpointedEventPosition

export default [
  {
    name: 'checkpoint: what is written',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 5, { minCheckpointCount: 3, maxCheckpointCount: 3 })
      consumer.ack((await consumer.take(5)).slice(0, 3))
      t.record('info', await checkpoint(group, '2'))
      await t.sleep(300)
      const { events } = await t.read(group.checkpointStream)
      t.record(
        'events',
        events.map(({ event }) => [event.metadata.type, event.metadata['content-type'], event.data, event.customMetadata]),
      )
      const metadata = await t.read(`$$${group.checkpointStream}`)
      t.record(
        'metadata of the stream',
        metadata.events.map(({ event }) => event.data),
      )
    },
  },
  {
    name: 'checkpoint: of $all is a position',
    section: '9.2',
    async run(t) {
      const stream = t.stream('orders')
      const { success } = await t.append(stream, 'any', 1)
      const group = groupOn(t, '$all')
      await group.create({
        from: success.position,
        minCheckpointCount: 1,
        maxCheckpointCount: 1,
        filter: { on: 'stream', prefix: [stream] },
      })
      const consumer = await group.connect()
      const [message] = await consumer.take(1)
      consumer.ack(message)
      // It may move on over events the filter passes by.
      const reached = (text: string) =>
        /^C:\d+\/P:\d+$/.test(text) && BigInt(text.slice(2, text.indexOf('/'))) >= BigInt(message.event.commitPosition)
      const info = await group.infoWhen(({ lastCheckpointedEventPosition }) => reached(lastCheckpointedEventPosition))
      t.record('reached the message', reached(info.lastCheckpointedEventPosition))
    },
  },
  {
    name: 'checkpoint: stays below the oldest open message',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 5, { minCheckpointCount: 1, maxCheckpointCount: 1 })
      const delivered = await consumer.take(5)
      consumer.ack(delivered.slice(1, 4))
      t.record('the first is open', await checkpoint(group, '3', 1_500))
      consumer.ack(delivered[0])
      t.record('the last is open', await checkpoint(group, '3'))
    },
  },
  {
    name: 'checkpoint: a message waiting for its retry is open',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 4, { minCheckpointCount: 1, maxCheckpointCount: 1 })
      const delivered = await consumer.take(4)
      consumer.nack('retry', delivered[2])
      const [again] = await consumer.take(1)
      consumer.ack([delivered[0], delivered[1], delivered[3]])
      t.record('before', await checkpoint(group, '1'))
      consumer.ack(again)
      t.record('after', await checkpoint(group, '3'))
    },
  },
  {
    name: 'checkpoint: by time, once the least count is reached',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 4, {
        minCheckpointCount: 2,
        maxCheckpointCount: 1_000,
        checkpointAfterMs: 1_000,
      })
      const delivered = await consumer.take(4)
      consumer.ack(delivered.slice(0, 2))
      t.record('two', await checkpoint(group, '1', 4_000))
      consumer.ack(delivered[2])
      t.record('one more is too few', await checkpoint(group, '2', 3_000))
      consumer.ack(delivered[3])
      t.record('two more', await checkpoint(group, '3', 4_000))
    },
  },
  {
    name: 'checkpoint: a time of zero means never by time',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 4, { minCheckpointCount: 1, maxCheckpointCount: 1_000, checkpointAfterMs: 0 })
      consumer.ack(await consumer.take(4))
      t.record('after two seconds', await checkpoint(group, '3', 2_500))
    },
  },
  {
    name: 'checkpoint: reaching the largest count does not wait',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 5, {
        minCheckpointCount: 1_000,
        maxCheckpointCount: 4,
        checkpointAfterMs: 600_000,
      })
      const delivered = await consumer.take(5)
      consumer.ack(delivered.slice(0, 3))
      t.record('three', await checkpoint(group, '2', 500))
      consumer.ack(delivered[3])
      t.record('four', await checkpoint(group, '3'))
    },
  },
  {
    name: 'checkpoint: a parked message counts as done',
    section: '9.2',
    async run(t) {
      const { group, consumer } = await withEvents(t, 2, { minCheckpointCount: 1, maxCheckpointCount: 1 })
      const delivered = await consumer.take(2)
      consumer.ack(delivered[1])
      consumer.nack('park', delivered[0])
      t.record('checkpoint', await checkpoint(group, '1'))
    },
  },
  {
    name: 'restart: consumers are dropped and delivery goes on behind the checkpoint',
    section: '9.3',
    alone: true,
    async run(t) {
      const { stream, group, consumer } = await withEvents(t, 6, { minCheckpointCount: 1, maxCheckpointCount: 1 })
      const idle = groupOn(t, stream)
      await idle.create({ from: 'end', maxRetryCount: 3 })
      const delivered = await consumer.take(6)
      consumer.ack(delivered.slice(0, 3))
      consumer.ack(delivered[4])
      t.record('checkpoint', await checkpoint(group, '2'))
      t.record('restart', await t.persistent.restart())
      t.record('consumer', await consumer.outcome())
      await group.infoWhen((info) => info.lastCheckpointedEventPosition === '2')
      const again = await group.connect()
      t.record('delivered', (await again.take(3)).map(brief))
      t.record('nothing else', (await again.others()).length)
      t.record('settings kept', (await idle.info()).maxRetryCount)
      const other = await idle.connect()
      await t.append(stream, 'any', 1)
      t.record('a group at the end without checkpoint', revisions(await other.take(1)))
    },
  },
] satisfies Scenario[]
