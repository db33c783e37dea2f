// The embedded engines as `npm start` runs them: everything acknowledged is on the disk. Each is closed with `open`.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import type { EventStore } from '../../commands/ports.ts'
import { startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'

/** An event store in a thread of this process, and our port to it. */
export async function openEventStore(
  open: AsyncDisposableStack,
  data: string,
): Promise<{ readonly store: EventStore; readonly connectionString: string }> {
  const server = await startEmbeddedEventStore({ directory: join(data, 'eventstore'), port: 0 })
  open.defer(() => server.close())
  const store = connectEventStore({ connectionString: server.connectionString, namespace: 'dux' })
  open.defer(() => store.close())
  return { store, connectionString: server.connectionString }
}

export async function openPostgres(open: AsyncDisposableStack, data: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory: join(data, 'postgres') })
  open.defer(async () => {
    await untilAlone(server.url)
    await server.close()
  })
  return server
}

const patienceMs = 5_000

/** A peer says that it has closed while its connections are still ending, and would fall over the server that ends them. */
async function untilAlone(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const others = `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
  for (const since = performance.now(); performance.now() - since < patienceMs; await sleep(10))
    if ((await client.query(others)).rows.length === 0) break
  await client.end()
}

/** One connection. */
export async function openClient(open: AsyncDisposableStack, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  open.defer(() => client.end())
  return client
}

/** The first column of the only row. */
export async function scalar(client: pg.Client, query: string, values: readonly unknown[] = []): Promise<string> {
  const { rows } = await client.query<unknown[]>({ text: query, values: [...values], rowMode: 'array' })
  return String(rows[0]![0])
}
