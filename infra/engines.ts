import { join } from 'node:path'
import type { Logger } from 'pino'
import { connectEventStore } from '../adapters/eventstore/event-store.ts'
import { openReader, openWriter, type Postgres } from '../adapters/postgres/pool.ts'
import { openPrivateStore, type PrivateStore } from '../adapters/postgres/private/store.ts'
import type { EventStore } from '../commands/ports.ts'
import type { ReadModels } from '../projections/read.ts'
import { Failure } from './cli/command.ts'
import { type Config, does } from './config.ts'
import type { Lifetime } from './lifetime.ts'

/** The engines that the roles of an instance need, and connections to them. */
export interface Engines {
  readonly eventStore: { readonly address: string; readonly store: EventStore } | undefined
  readonly postgres: ReadSideEngine | undefined
  /** For the roles that may write, where they have a Postgres. */
  readonly private: PrivateEngine | undefined
}

/** The private store and, in the same Postgres, the read models. */
export interface PrivateEngine {
  readonly url: string
  readonly store: PrivateStore
  readonly reader: Postgres<ReadModels>
}

interface ReadSideEngine {
  readonly url: string
  readonly readerUrl: string
  readonly reader: Postgres<ReadModels>
  /** Where the role projector is. */
  readonly writer: Postgres<ReadModels> | undefined
}

export interface EngineOptions {
  readonly lifetime: Lifetime
  readonly log: Logger
  /** Told what a person may have to wait for. */
  readonly progress: (what: string) => void
}

/** Starts the embedded engines, unless addresses of others are given, both at once. Throws `Failure`. */
export async function openEngines(config: Config, options: EngineOptions): Promise<Engines> {
  const eventStore = does(config, 'commands', 'projector', 'processes', 'chain') ? openEventStore(config, options) : undefined
  const postgres = does(config, 'queries', 'projector', 'processes', 'chain', 'webhooks', 'relay')
    ? openPostgres(config, options)
    : undefined
  // One that is refused is told when the other is known, too, and can be ended.
  await Promise.allSettled([eventStore, postgres])
  return { eventStore: await eventStore, postgres: await postgres, private: openPrivate(config, options, await postgres) }
}

/** Beside the read models; an instance that has none, but an address for them, finds it there. */
function openPrivate(
  config: Config,
  { lifetime, log }: EngineOptions,
  postgres: ReadSideEngine | undefined,
): PrivateEngine | undefined {
  const url = config.databaseUrl ?? (config.databaseReaderUrl === undefined ? postgres?.url : undefined)
  if (url === undefined || !does(config, 'commands', 'processes', 'chain', 'webhooks')) return undefined
  const options = { url, log: (message: string, error: Error) => log.debug({ reason: error.message }, message) }
  const store = openPrivateStore(options)
  lifetime.atEnd(store.close)
  if (postgres) return { url, store, reader: postgres.reader }
  const reader = openReader<ReadModels>({ ...options, connections: 2 })
  lifetime.atEnd(reader.close)
  return { url, store, reader }
}

async function openEventStore(config: Config, { lifetime, log }: EngineOptions): Promise<Engines['eventStore']> {
  const { namespace } = config
  const address = config.esdbUrl ?? (await startEventStore(config, lifetime))
  const store = connectEventStore({ connectionString: address, namespace, log })
  lifetime.atEnd(() => store.close())
  return { address, store }
}

async function startEventStore({ data, eventstorePort: port }: Config, lifetime: Lifetime): Promise<string> {
  const { startEmbeddedEventStore } = await import('./embedded/eventstore/start.ts')
  const server = await startEmbeddedEventStore({ directory: join(data, 'eventstore'), port }).catch((error) => {
    throw new Failure(explainPort(error.message, 'DUXNET_EVENTSTORE_PORT'), { cause: error })
  })
  lifetime.atEnd(server.close)
  void server.failed.then(lifetime.fail)
  return server.connectionString
}

async function openPostgres(config: Config, options: EngineOptions): Promise<ReadSideEngine> {
  const { lifetime, log } = options
  // A reader's address alone serves those who only read.
  const { databaseUrl = config.databaseReaderUrl, databaseReaderUrl = config.databaseUrl } = config
  const { url, readerUrl } =
    databaseUrl !== undefined && databaseReaderUrl !== undefined
      ? { url: databaseUrl, readerUrl: databaseReaderUrl }
      : await startPostgres(config, options)
  // A pool is closed before its connections are, and the server ends these.
  let ending = false
  const onBroken = (message: string, error: Error) => ending || log.warn({ reason: error.message }, message)
  const reader = openReader<ReadModels>({ url: readerUrl, log: onBroken })
  lifetime.atEnd(() => reader.close())
  const writer = does(config, 'projector') ? openWriter<ReadModels>({ url, log: onBroken }) : undefined
  if (writer) lifetime.atEnd(() => writer.close())
  lifetime.atEnd(() => {
    ending = true
  })
  return { url, readerUrl, reader, writer }
}

async function startPostgres({ data }: Config, { lifetime, log, progress }: EngineOptions) {
  const { startEmbeddedPostgres } = await import('./embedded/postgres.ts')
  const directory = join(data, 'postgres')
  const onLine = (line: string) => log.debug({ engine: 'postgres' }, line)
  const server = await startEmbeddedPostgres({ directory, log: onLine, progress }).catch((error) => {
    throw new Failure(error.message, { cause: error })
  })
  lifetime.atEnd(server.close)
  void server.failed.then(lifetime.fail)
  return server
}

/** Adds to a message about a port that cannot be had what can be done about it. */
export function explainPort(message: string, variable: string): string {
  return /EADDRINUSE|EACCES|\bport\b/.test(message) ? `${message}; ${variable} chooses another port, 0 a free one` : message
}
