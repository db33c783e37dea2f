// What a client asks before and beside its commands: features, members, unknown methods, headers.
import { connect } from 'node:http2'
import type { Wire } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'

export default [
  {
    name: 'features: version and methods of the stream and subscription services',
    section: '2.1',
    async run(t) {
      const { eventStoreServerVersion, methods } = await t.call('server_features.ServerFeatures', 'GetSupportedMethods')
      t.record('version', eventStoreServerVersion)
      for (const service of [
        'event_store.client.streams.streams',
        'event_store.client.persistent_subscriptions.persistentsubscriptions',
      ]) {
        const listed = methods
          .filter(({ serviceName }: Wire) => serviceName.toLowerCase() === service)
          .map(({ methodName, serviceName, features = [] }: Wire) =>
            `${serviceName}/${methodName} ${[...features].sort().join(' ')}`.trim(),
          )
        t.record(service, listed.sort())
      }
    },
  },
  {
    name: 'features: asked without anything else, and again',
    section: '2',
    async run(t) {
      const first = await t.call('server_features.ServerFeatures', 'GetSupportedMethods', {}, { as: null })
      const second = await t.call('server_features.ServerFeatures', 'GetSupportedMethods', {}, { as: null })
      t.record('the same', JSON.stringify(first) === JSON.stringify(second))
      t.record('methods', first.methods?.length > 10)
    },
  },
  {
    name: 'gossip: one living leader with an endpoint',
    section: '2',
    async run(t) {
      const { members, error } = await t.call('gossip.Gossip', 'Read', {}, { as: null })
      t.record('error', error)
      t.record(
        'members',
        members.map(({ instanceId, timeStamp, state, isAlive, httpEndPoint, ...rest }: Wire) => ({
          id: instanceId.string !== undefined || instanceId.structured !== undefined,
          state,
          isAlive,
          endpoint: Object.keys(httpEndPoint),
          port: httpEndPoint.port > 0,
          rest: Object.keys(rest),
          // Ticks of 100 ns since 1970; a lone node need not renew it.
          ticks: timeStamp.length === 17,
        })),
      )
      const again = await t.call('gossip.Gossip', 'Read')
      t.record('the id stays', JSON.stringify(members[0].instanceId) === JSON.stringify(again.members[0].instanceId))
    },
  },
  {
    name: 'headers of the client change nothing',
    section: '2',
    async run(t) {
      const stream = t.stream('orders')
      for (const metadata of [
        { 'requires-leader': 'true' },
        { 'requires-leader': 'false' },
        { 'connection-name': 'probe' },
        { 'x-unknown': 'value' },
      ])
        t.record(JSON.stringify(metadata), await t.append(stream, 'any', 1, { metadata }))
      t.record('read', t.brief(await t.read(stream, { metadata: { 'requires-leader': 'true' } })))
    },
  },
  {
    name: 'a request of nearly 4 MiB and one beyond it are taken',
    section: '2',
    async run(t) {
      for (const size of [3_900_000, 5_000_000, 15_000_000]) {
        const stream = t.stream('large')
        const result = await t.append(stream, 'any', [t.event({ data: 'x', metadata: 'm'.repeat(size) })])
        t.record(`${size} bytes of metadata`, result)
        t.record(`${size} bytes of metadata, read`, (await t.read(stream)).events[0]?.event.customMetadata.length)
      }
    },
  },
  {
    name: 'a message beyond 16 MiB is refused',
    section: '2',
    async run(t) {
      const stream = t.stream('large')
      const large = () => [t.event({ data: 'x', metadata: 'm'.repeat(17 * 1_048_576) })]
      t.record('append', await t.append(stream, 'any', large()))
      t.record('batch', await t.batch(stream, 'any', large()))
      t.record('read', t.brief(await t.read(stream)))
    },
  },
  {
    name: 'many pings on an idle connection are all answered',
    section: '2',
    needs: 'insecure',
    async run(t) {
      const session = connect(`http://${t.target}`)
      const closed: string[] = []
      for (const event of ['goaway', 'error', 'close']) session.on(event, () => closed.push(event))
      await new Promise((resolve) => session.once('connect', resolve))
      let answered = 0
      for (let n = 0; n < 40; n++) {
        await new Promise((resolve) => {
          session.ping((error) => resolve(error ?? answered++))
          setTimeout(resolve, 2_000)
        })
      }
      t.record('answered', answered)
      t.record('ended by', closed)
      session.destroy()
    },
  },
] satisfies Scenario[]
