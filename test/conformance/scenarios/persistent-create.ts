// Persistent subscription groups: create, with every setting and start.
import type { Outgoing } from '../lib/codec.ts'
import {
  brief,
  type Group,
  type GroupRequest,
  groupOn,
  isError,
  maxRevision,
  only,
  revisions,
  withoutReason,
} from '../lib/group.ts'
import { defaultSettings } from '../lib/persistent.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const start = async (t: Toolkit, group: Group, options: GroupRequest) => {
  t.record('create', await group.create(options))
  t.record('start from', (await group.info()).startFrom)
}

export default [
  {
    name: 'create: the start of a stream group in both encodings',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      for (const encoding of ['new', 'old'] as const)
        for (const from of ['start', 'end', 7] as const) await start(t, groupOn(t, stream), { encoding, from })
    },
  },
  {
    name: 'create: the largest revision means the end in either encoding',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      for (const encoding of ['new', 'old'] as const) await start(t, groupOn(t, stream), { encoding, from: maxRevision })
    },
  },
  {
    name: 'create: a group on a stream that does not exist',
    section: '9.1',
    async run(t) {
      const stream = t.stream('unborn')
      const group = groupOn(t, stream)
      t.record('create', await group.create())
      const consumer = await group.connect()
      t.record('connected', consumer.confirmed())
      await t.append(stream, 'no_stream', 2)
      t.record('delivered', (await consumer.take(2)).map(brief))
      t.record('stream written by the server', await t.read(`$$${stream}`))
    },
  },
  {
    name: 'create: the same group twice',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      t.record('first', await group.create())
      t.record('second', await group.create())
      t.record('second, other settings', await group.create({ from: 'end', maxRetryCount: 1 }))
      t.record('kept', (await group.info()).maxRetryCount)
    },
  },
  {
    name: 'create: one group name on two streams',
    section: '9.1',
    async run(t) {
      const first = groupOn(t, t.stream('orders'))
      t.record('first', await first.create())
      t.record('second', await t.persistent.create(t.stream('bills'), first.name))
    },
  },
  {
    name: 'create: a read batch as large as the history buffer',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      t.record('equal', withoutReason(await group.create({ readBatchSize: 20, historyBufferSize: 20 })))
      t.record('larger', withoutReason(await group.create({ readBatchSize: 21, historyBufferSize: 20 })))
      t.record('after a refusal the group does not exist', await group.info())
      t.record('smaller', await group.create({ readBatchSize: 19, historyBufferSize: 20 }))
    },
  },
  {
    name: 'create: consumer strategies by number and by name',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const named = async (label: string, options: GroupRequest) => {
        const group = groupOn(t, stream)
        t.record(label, await group.create(options))
        t.record(`${label}: echoed`, (await group.info()).namedConsumerStrategy)
      }
      for (const strategy of ['DispatchToSingle', 'RoundRobin', 'Pinned'] as const) await named(strategy, { strategy })
      await named('name beats number', { strategy: 'Pinned', consumerStrategy: 'DispatchToSingle' })
      await named('by correlation', { consumerStrategy: 'PinnedByCorrelation' })
    },
  },
  {
    name: 'create: unknown consumer strategies',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      t.record('name', await group.create({ consumerStrategy: 'Whoever' }))
      t.record('name in another case', await group.create({ consumerStrategy: 'roundrobin' }))
      t.record('number', await group.create({ namedConsumerStrategy: 7 }))
    },
  },
  {
    name: 'create: $all named as a stream',
    section: '9.1',
    async run(t) {
      const groupName = t.group('group')
      for (const [label, source] of [
        ['new encoding', { stream: { streamIdentifier: { streamName: '$all' }, start: {} } }],
        ['old encoding', { streamIdentifier: { streamName: '$all' } }],
      ] as const)
        t.record(
          `${label}, refused`,
          isError(
            await t.call('PersistentSubscriptions', 'Create', { options: { ...source, groupName, settings: defaultSettings } }),
          ),
        )
    },
  },
  {
    name: 'create: timeouts given in ticks',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      const ticks = { messageTimeoutTicks: '25000000', checkpointAfterTicks: '15000000' }
      t.record('create', await group.create({ messageTimeoutMs: undefined, checkpointAfterMs: undefined, ...ticks }))
      t.record('in milliseconds', only(await group.info(), 'messageTimeoutMilliseconds', 'checkPointAfterMilliseconds'))
    },
  },
  {
    name: 'create: settings left out',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      const source = { stream: { streamIdentifier: { streamName: group.stream }, start: {} }, groupName: group.name }
      const create = (settings: Outgoing) => t.call('PersistentSubscriptions', 'Create', { options: { ...source, settings } })
      t.record('none', withoutReason(await create({})))
      t.record('buffers', await create({ historyBufferSize: 500, readBatchSize: 20, liveBufferSize: 500 }))
      const info = await group.info()
      t.record('echoed', {
        messageTimeout: info.messageTimeoutMilliseconds,
        checkpointAfter: info.checkPointAfterMilliseconds,
        maxRetryCount: info.maxRetryCount,
        minCheckpoint: info.minCheckPointCount,
        maxCheckpoint: info.maxCheckPointCount,
        strategy: info.namedConsumerStrategy,
        maxSubscribers: info.maxSubscriberCount,
      })
    },
  },
  {
    name: 'create: $all from the start, the end and a position',
    section: '9.1',
    async run(t) {
      const { success } = await t.append(t.stream('orders'), 'any', 1)
      const { commitPosition, preparePosition } = success.position
      await start(t, groupOn(t, '$all'), { from: 'start' })
      await start(t, groupOn(t, '$all'), { from: 'end' })
      const group = groupOn(t, '$all')
      t.record('position', await group.create({ from: { commitPosition, preparePosition } }))
      t.record('echoed as text', (await group.info()).startFrom === `C:${commitPosition}/P:${preparePosition}`)
    },
  },
  {
    name: 'create: $all at positions that cannot be',
    section: '9.1',
    async run(t) {
      const group = groupOn(t, '$all')
      t.record('beyond the end', await group.create({ from: { commitPosition: '900000000000', preparePosition: '900000000000' } }))
      t.record(
        'prepare after commit, refused',
        isError(await group.create({ from: { commitPosition: '10', preparePosition: '20' } })),
      )
      t.record('both at the largest', await group.create({ from: { commitPosition: maxRevision, preparePosition: maxRevision } }))
    },
  },
  {
    name: 'create: an unfinished request',
    section: '9.1',
    async run(t) {
      const name = t.group('group')
      const create = (options: Outgoing) =>
        t.call('PersistentSubscriptions', 'Create', { options: { groupName: name, settings: defaultSettings, ...options } })
      t.record('stream without a start', await create({ stream: { streamIdentifier: { streamName: t.stream('orders') } } }))
      t.record('$all without a start', await create({ all: { noFilter: {} } }))
      t.record('no source, refused', isError(await create({})))
    },
  },
  {
    name: 'create: $all with a stream prefix filter',
    section: '9.1',
    async run(t) {
      const [wanted, other] = [t.stream('wanted'), t.stream('other')]
      const { success } = await t.append(other, 'any', 1)
      await t.append(wanted, 'any', 2)
      await t.append(other, 'any', 3)
      const group = groupOn(t, '$all')
      t.record('create', await group.create({ from: success.position, filter: { on: 'stream', prefix: [wanted] } }))
      const consumer = await group.connect()
      t.record('history', (await consumer.take(2)).map(brief))
      await t.append(other, 'any', 1)
      await t.append(wanted, 'any', 1)
      t.record('live', (await consumer.take(1)).map(brief))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'create: $all with an event type filter as expression',
    section: '9.1',
    async run(t) {
      const stream = t.stream('orders')
      const kind = `kind${t.run}`
      await t.append(
        stream,
        'any',
        [`${kind}-opened`, 'unrelated', `${kind}-closed`].map((type) => t.event({ type })),
      )
      const { commitPosition, preparePosition } = (await t.read(stream)).events[0].event
      const group = groupOn(t, '$all')
      t.record(
        'create',
        await group.create({
          from: { commitPosition, preparePosition },
          filter: { on: 'type', regex: `^${kind}-(opened|closed)$` },
        }),
      )
      const consumer = await group.connect()
      t.record('delivered', revisions(await consumer.take(2)))
      t.record('nothing else', (await consumer.others()).length)
    },
  },
  {
    name: 'create: a filter with neither expression nor prefix',
    section: '9.1',
    async run(t) {
      t.record('no prefixes', await groupOn(t, '$all').create({ from: 'end', filter: { on: 'stream', prefix: [] } }))
      t.record(
        'bad expression, refused',
        isError(await groupOn(t, '$all').create({ from: 'end', filter: { on: 'type', regex: '(' } })),
      )
      const options = {
        all: { end: {}, filter: { count: {}, checkpointintervalmultiplier: 1 } },
        groupName: t.group(),
        settings: defaultSettings,
      }
      t.record('no kind', await t.call('PersistentSubscriptions', 'Create', { options }))
    },
  },
] satisfies Scenario[]
