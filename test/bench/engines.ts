// The embedded engines as `npm start` runs them: everything acknowledged is on the disk. Each is closed with `open`.
import { join } from 'node:path'
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
  open.defer(() => server.close())
  return server
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
