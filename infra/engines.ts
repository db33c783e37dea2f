import { join } from 'node:path'
import type { Logger } from 'pino'
import { Failure } from './cli/command.ts'
import type { Config } from './config.ts'

/** An engine that the program reaches at an address: its own, or somebody else's. */
export interface Engine<Address> {
  readonly address: Address
  /** Resolves when an engine of our own has ended and will not come back. Never for one that is not ours. */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

export interface DatabaseUrls {
  readonly url: string
  readonly readerUrl: string
}

const notOurs = { failed: new Promise<Error>(() => {}), close: async () => {} }

/** The EventStoreDB of `ESDB_URL`, or the embedded one. Throws `Failure`. */
export async function openEventStore(config: Config): Promise<Engine<string>> {
  if (config.esdbUrl !== undefined) return { address: config.esdbUrl, ...notOurs }
  const { startEmbeddedEventStore } = await import('./embedded/eventstore/start.ts')
  const started = startEmbeddedEventStore({ directory: join(config.data, 'eventstore'), port: config.eventstorePort })
  const {
    connectionString: address,
    failed,
    close,
  } = await started.catch((error) => {
    throw new Failure(explainPort(error.message, 'DUXNET_EVENTSTORE_PORT'), { cause: error })
  })
  return { address, failed, close }
}

/** The Postgres of `DATABASE_URL`, or the embedded one; `DATABASE_READER_URL` alone serves those who only read. Throws `Failure`. */
export async function openPostgres(config: Config, log: Logger, progress: (what: string) => void): Promise<Engine<DatabaseUrls>> {
  const { databaseUrl = config.databaseReaderUrl, databaseReaderUrl = config.databaseUrl } = config
  if (databaseUrl !== undefined && databaseReaderUrl !== undefined)
    return { address: { url: databaseUrl, readerUrl: databaseReaderUrl }, ...notOurs }
  const { startEmbeddedPostgres } = await import('./embedded/postgres.ts')
  const directory = join(config.data, 'postgres')
  const server = startEmbeddedPostgres({ directory, log: (line) => log.debug({ engine: 'postgres' }, line), progress })
  const { url, readerUrl, failed, close } = await server.catch((error) => {
    throw new Failure(error.message, { cause: error })
  })
  return { address: { url, readerUrl }, failed, close }
}

/** Adds to a message about a port that cannot be had what can be done about it. */
export function explainPort(message: string, variable: string): string {
  return /EADDRINUSE|EACCES|\bport\b/.test(message) ? `${message}; ${variable} chooses another port, 0 a free one` : message
}
