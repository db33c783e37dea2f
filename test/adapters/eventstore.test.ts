import { EventStoreDBClient, type JSONEventType, jsonEvent } from '@eventstore/db-client'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { type Engine, eventStoreContract } from './event-store-contract.ts'
import { tcpProxy } from './tcp-proxy.ts'

const patient = { appendTimeoutMs: 20_000, readTimeoutMs: 20_000, connectTimeoutMs: 20_000 }
const impatient = { appendTimeoutMs: 300, readTimeoutMs: 20_000, connectTimeoutMs: 20_000 }

/** The embedded server behind a proxy that can be broken; restoring starts another server with a copy. */
async function embedded(): Promise<Engine> {
  const servers = [await startEmbeddedEventStore({ directory: undefined, port: 0 })]
  const proxy = await tcpProxy(servers[0]!.port)
  const connectionString = `esdb://127.0.0.1:${proxy.port}?tls=false`
  const connect = (namespace: string) => connectEventStore({ connectionString, namespace, ...patient })

  return {
    connect,
    connectImpatiently: (namespace) => connectEventStore({ connectionString, namespace, ...impatient }),
    faults: {
      goAway: () => proxy.refuse(),
      comeBack: () => proxy.listen(),
      cut: () => proxy.cut(),
      loseReply: (append) => {
        proxy.stall('toClient')
        return append().finally(() => proxy.cut())
      },
      loseRequest: (append) => {
        proxy.stall('toServer')
        return append().finally(() => proxy.cut())
      },
      async restore(namespace, count) {
        const from = servers.at(-1)!
        const to = await startEmbeddedEventStore({ directory: undefined, port: 0 })
        servers.push(to)
        await copy(from.connectionString, to.connectionString, namespace, count)
        proxy.redirect(to.port)
        proxy.cut()
      },
    },
    async close() {
      await proxy.close()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

/** Copies a namespace's first `count` events to the same positions of an empty store. */
async function copy(from: string, to: string, namespace: string, count: number): Promise<void> {
  const [source, target] = [from, to].map((text) => EventStoreDBClient.connectionString(text)) as [
    EventStoreDBClient,
    EventStoreDBClient,
  ]
  let copied = 0
  for await (const { event } of source.readAll()) {
    if (copied === count) break
    if (!event || event.streamId.startsWith('$')) continue
    const own = event.streamId.startsWith(`${namespace}_`)
    if (own) copied += 1
    const { id, type, data, metadata } = event as JSONEventType & { id: string }
    // What belongs to others only takes its place, so that positions stay the same.
    if (own) await target.appendToStream(event.streamId, jsonEvent({ id, type, data, metadata: metadata ?? {} }))
    else await target.appendToStream('filler', jsonEvent({ type: 'Filler', data: {} }))
  }
  await Promise.all([source.dispose(), target.dispose()])
}

/** A server that is not ours: namespaces of their own keep the tests out of its data. */
async function given(connectionString: string): Promise<Engine> {
  return {
    connect: (namespace) => connectEventStore({ connectionString, namespace, ...patient }),
    connectImpatiently: (namespace) => connectEventStore({ connectionString, namespace, ...impatient }),
    faults: undefined,
    close: async () => {},
  }
}

eventStoreContract('event store, embedded', 'breakable', embedded).run()

const url = process.env.ESDB_URL
if (url) eventStoreContract('event store at ESDB_URL', 'not breakable', () => given(url)).run()
