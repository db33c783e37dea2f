// Persistent subscription groups over plain HTTP/1.1.
import type { Wire } from '../lib/codec.ts'
import type { HttpAnswer } from '../lib/connection.ts'
import { type Group, groupOn, only } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const escaped = (group: Group) => `/subscriptions/${encodeURIComponent(group.stream)}/${encodeURIComponent(group.name)}`
const parsed = ({ status, headers, body }: HttpAnswer) => ({
  status,
  type: headers['content-type'],
  body: body === '' ? '' : JSON.parse(body),
})
const empty = { headers: { 'content-length': 0 } }
const replay = async (t: Toolkit, group: Group, query: string) => {
  const { status, headers } = await t.http('POST', `${escaped(group)}/replayParked${query}`, empty)
  return { status, type: headers['content-type'] }
}
const pick = ({ status, headers, body }: HttpAnswer) => ({ status, type: headers['content-type'], body })

export default [
  {
    name: 'http: info of a group',
    section: 'HTTP',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create({ from: 3, maxRetryCount: 4, extraStatistics: true })
      await group.infoWhen(({ status }) => status === 'Live')
      const { status, type, body } = parsed(await t.http('GET', `${escaped(group)}/info`))
      t.record('answer', { status, type })
      const { links, parkedMessageUri, getMessagesUri, ...info } = body
      t.record('keys', Object.keys(body))
      t.record('info', info)
      t.record(
        'links',
        links.map(({ href, rel }: Wire) => [new URL(href).pathname, rel]),
      )
      t.record(
        'paths',
        [parkedMessageUri, getMessagesUri].map((uri) => new URL(uri).pathname),
      )
    },
  },
  {
    name: 'http: info of a group in use',
    section: 'HTTP',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 4)
      await group.create({ minCheckpointCount: 1, maxCheckpointCount: 1 })
      const consumer = await group.connect({ buffer: 2, name: 'me' })
      consumer.ack(await consumer.take(2))
      await consumer.take(2)
      await group.infoWhen((info) => info.lastCheckpointedEventPosition === '1')
      const { body } = parsed(await t.http('GET', `${escaped(group)}/info`))
      t.record('known', only(body, 'lastKnownEventNumber', 'lastKnownEventPosition'))
      t.record(
        'processed',
        only(body, 'lastProcessedEventNumber', 'lastCheckpointedEventPosition', 'totalItemsProcessed', 'totalInFlightMessages'),
      )
      t.record(
        'connection',
        body.connections.map(({ averageItemsPerSecond, countSinceLastMeasurement, username, ...connection }: Wire) => connection),
      )
    },
  },
  {
    name: 'http: the groups of a stream',
    section: 'HTTP',
    async run(t) {
      const stream = t.stream('orders')
      t.record('never had one', pick(await t.http('GET', `/subscriptions/${stream}`)))
      const group = groupOn(t, stream)
      await group.create()
      await group.infoWhen(({ status }) => status === 'Live')
      const { status, type, body } = parsed(await t.http('GET', `/subscriptions/${stream}`))
      t.record('answer', { status, type })
      t.record(
        'groups',
        body.map(({ links, parkedMessageUri, getMessagesUri, ...info }: Wire) => info),
      )
      t.record(
        'links',
        body[0].links.map(({ href, rel }: Wire) => [new URL(href).pathname, rel]),
      )
      await group.remove()
      t.record('none left', pick(await t.http('GET', `/subscriptions/${stream}`)))
    },
  },
  {
    name: 'http: every group',
    section: 'HTTP',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      const { status, type, body } = parsed(await t.http('GET', '/subscriptions'))
      t.record('answer', { status, type, list: Array.isArray(body) })
      t.record(
        'own',
        body.filter(({ groupName }: Wire) => groupName === group.name).map(({ eventStreamId }: Wire) => eventStreamId),
      )
    },
  },
  {
    name: 'http: a group of $all',
    section: 'HTTP',
    async run(t) {
      const group = groupOn(t, '$all')
      await group.create({ from: 'end', filter: { on: 'stream', prefix: [t.stream('orders')] } })
      const { status, body } = parsed(await t.http('GET', `${escaped(group)}/info`))
      t.record('answer', { status, source: body.eventStreamId, start: body.config.startPosition, from: body.config.startFrom })
      t.record('listed', (await t.http('GET', '/subscriptions/$all')).status)
      await group.remove()
    },
  },
  {
    name: 'http: an unknown group',
    section: 'HTTP',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      t.record('info', pick(await t.http('GET', `${escaped(group)}/info`)))
      t.record('replay', (await t.http('POST', `${escaped(group)}/replayParked`)).status)
    },
  },
  {
    name: 'http: replay parked messages',
    section: 'HTTP',
    async run(t) {
      const stream = t.stream('orders')
      const group = groupOn(t, stream)
      await t.append(stream, 'any', 2)
      await group.create()
      const consumer = await group.connect()
      for (const [index, message] of (await consumer.take(2)).entries()) {
        consumer.nack('park', message)
        await group.parkedWhen(index + 1)
      }
      t.record('one', await replay(t, group, '?stopAt=1'))
      t.record(
        'delivered',
        (await consumer.take(1)).map(({ event }) => event.streamRevision),
      )
      t.record('bad number', (await replay(t, group, '?stopAt=x')).status)
      t.record('negative number', (await replay(t, group, '?stopAt=-1')).status)
      await group.infoWhen(({ parkedMessageCount }) => parkedMessageCount === '1')
      t.record('all', await replay(t, group, ''))
      t.record(
        'delivered then',
        (await consumer.take(1)).map(({ event }) => event.streamRevision),
      )
    },
  },
  {
    name: 'http: restart the subsystem',
    section: 'HTTP',
    alone: true,
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create()
      const consumer = await group.connect()
      t.record('restart', pick(await t.http('POST', '/subscriptions/restart', empty)))
      t.record('consumer', await consumer.outcome())
      t.record('back again', (await group.infoWhen((info) => !info.error)).groupName === group.name)
    },
  },
] satisfies Scenario[]
