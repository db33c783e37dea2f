import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { type EventStore, StoreUnavailable } from '../../commands/ports.ts'
import { decode, UnreadableEvent } from '../../domain/catalogue.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import type { NetworkFounded } from '../../domain/network/events.ts'
import { type Config, loadConfig, type Sources } from '../config.ts'
import { findRunning, type RunningInstance } from '../data-directory.ts'
import { Failure, UsageError, type Values } from './command.ts'
import { each, readExportedLog } from './export-format.ts'

/** A founded log that a CLI command reads. */
export interface Log {
  readonly networkId: string
  readonly network: NetworkFounded['data']
  readonly store: EventStore
  /** Where it belongs to the instance of the data directory. */
  readonly running: RunningInstance | undefined
  events(): AsyncIterable<RecordedEvent>
  close(): Promise<void>
}

/** The log of `ESDB_URL` where that is given, else of the running instance. Throws `NotRunning`, `Failure`. */
export async function openLog({ config, sources }: { config: Config; sources: Sources }): Promise<Log> {
  const running = config.esdbUrl === undefined ? await findRunning(config.data) : undefined
  const connectionString = config.esdbUrl ?? running?.eventStore
  if (connectionString === undefined) throw new Failure(`the DuxNet on ${config.data} runs without an event store`)
  const namespace = sources.namespace === undefined && running ? running.namespace : config.namespace
  const store = connectEventStore({ connectionString, namespace })
  try {
    const network = await genesis(store)
    return { networkId: network.networkId, network, store, running, events: () => store.readAll(), close: () => store.close() }
  } catch (error) {
    await store.close()
    if (error instanceof UnreadableEvent) throw new Failure(`this log is no DuxNet's: ${error.message}`, { cause: error })
    if (error instanceof StoreUnavailable) throw new Failure(error.message, { cause: error })
    throw error
  }
}

/** The network as it was founded. Throws `Failure` when the log does not begin with that. */
async function genesis(store: EventStore): Promise<NetworkFounded['data']> {
  for await (const recorded of store.readAll()) {
    const event = decode(recorded)
    if (event.type === 'NetworkFounded') return event.data
    throw new Failure(`the log begins with ${event.type}, not with the founding of a network`)
  }
  throw new Failure('the log is empty: no network was founded in it')
}

/**
 * What a command makes of the log in an export, or with --live of the running one. Throws `UsageError` unless it is one of both, `Failure` for an
 * event that nobody can read, and as `openLog` and `readExportedLog`.
 */
export async function withEvents(
  values: Values,
  path: string | undefined,
  work: (events: AsyncIterable<RecordedEvent>) => Promise<number>,
): Promise<number> {
  if (Boolean(values.live) === (path !== undefined)) throw new UsageError('give either an EXPORT or --live')
  const log = path === undefined ? await openLog(loadConfig(values)) : undefined
  try {
    return await work(log ? log.events() : each(readExportedLog(path!)))
  } catch (error) {
    throw error instanceof UnreadableEvent ? new Failure(error.message, { cause: error }) : error
  } finally {
    await log?.close()
  }
}
