// What the real server answers at random, wrongly or never. There is no recorded answer; deviations.ts says what we answer.
import type { Wire } from '../lib/codec.ts'
import { groupOn, maxRevision } from '../lib/group.ts'
import { positionOf } from '../lib/look.ts'
import type { Scenario } from '../lib/scenario.ts'

const directions = ['forwards', 'backwards'] as const

export default [
  {
    name: 'an event refused in a chunk that is not final is answered once',
    section: '5',
    async run(t) {
      const stream = t.stream('orders')
      const correlationId = { string: t.id() }
      const options = { streamIdentifier: { streamName: stream }, any: {} }
      const call = t.batchStream()
      const answers = () =>
        call.messages.map(({ error, success }) => (success ? 'success' : error.details.typeUrl.split('.').at(-1)))
      call.send({ correlationId, options, proposedMessages: [t.event({ type: '' })], isFinal: false })
      await call.until((messages, closed) => messages.length > 0 || closed)
      t.record('answers', answers())
      call.send({ correlationId, proposedMessages: t.events(1), isFinal: false })
      call.send({ correlationId, proposedMessages: t.events(1), isFinal: true })
      await call.until((messages, closed) => messages.length > 1 || closed, 500)
      t.record('after the final chunk', answers())
      t.record('visible', t.brief(await t.read(stream)))
    },
  },
  {
    name: '$all: a count of 0 is nothing',
    section: '6.1',
    async run(t) {
      for (const direction of directions)
        t.record(direction, await t.readAll({ direction, count: 0, everyone: true, waitMs: 3_000 }))
    },
  },
  {
    name: 'a filtered read with a window of 0 is refused',
    section: '6.5',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1)
      for (const direction of directions) {
        const filter = { on: 'stream', prefix: [stream], window: 0 } as const
        t.record(direction, (await t.readAll({ direction, filter, waitMs: 3_000 })).error?.code)
      }
    },
  },
  {
    name: 'a checkpoint is a place in the log',
    section: '6.5',
    async run(t) {
      const last = positionOf(await t.append(t.stream('orders'), 'any', 1))
      for (const [label, from] of [
        ['from the last event', last],
        ['from the end', 'end'],
      ] as const) {
        const subscription = t.subscribe('$all', { from, filter: { on: 'stream', prefix: [t.prefix('nothing')] } })
        await subscription.until((messages, closed) => closed || messages.some((message) => message.caughtUp))
        const checkpoints = subscription.messages.filter(({ checkpoint }) => checkpoint)
        t.record(
          label,
          checkpoints.every(({ checkpoint }) => checkpoint.commitPosition !== maxRevision),
        )
        subscription.cancel()
      }
    },
  },
  {
    name: 'the checkpoint of a filtered group stays below what is owed',
    section: '9.2',
    async run(t) {
      const [wanted, other] = [t.stream('wanted'), t.stream('other')]
      const { success } = await t.append(other, 'any', 20)
      await t.append(wanted, 'any', 2)
      await t.append(other, 'any', 80)
      const group = groupOn(t, '$all')
      const often = { minCheckpointCount: 1, maxCheckpointCount: 10, checkpointAfterMs: 500 }
      await group.create({ ...often, from: success.position, filter: { on: 'stream', prefix: [wanted] } })
      const consumer = await group.connect()
      const [first, second] = await consumer.take(2)
      const checkpoint = (text: string) => BigInt(/^C:(\d+)/.exec(text)?.[1] ?? -1)
      consumer.ack(second)
      await t.append(other, 'any', 20)
      await t.sleep(2_500)
      const { lastCheckpointedEventPosition: early } = await group.info()
      t.record('below the open message', checkpoint(early) < BigInt(first.event.commitPosition))
      consumer.ack(first)
      const passed = ({ lastCheckpointedEventPosition: late }: Wire) => checkpoint(late) > BigInt(second.event.commitPosition)
      t.record('then beyond all that was passed over', passed(await group.infoWhen(passed)))
    },
  },
  {
    name: 'a name beyond ASCII in a trailer is percent-encoded',
    section: '11',
    async run(t) {
      const refusal = ({ error: { text, ...rest } }: Wire) => rest
      const stream = t.stream('Größe')
      await t.append(stream, 'any', 1)
      t.record('wrong revision', refusal(await t.delete(stream, 7)))
      await t.tombstone(stream)
      t.record('read', refusal(await t.read(stream)))
      t.record('append', refusal(await t.append(stream, 'any', 1)))
    },
  },
] satisfies Scenario[]
