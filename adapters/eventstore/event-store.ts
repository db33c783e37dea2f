import { BACKWARDS, END, FORWARDS, type ResolvedEvent, START } from '@eventstore/db-client'
import type { EventStore, ExpectedRevision, NewEvent, ReadStreamOptions } from '../../commands/ports.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { streamPrefix } from '../../domain/stream.ts'
import { connector, type Log, typeOf, unavailable } from './connection.ts'
import { wholeLog } from './log.ts'
import { recorded } from './recorded.ts'
import { items, open } from './source.ts'

export interface EventStoreOptions {
  /** `esdb://host:2113?tls=false`, `esdb+discover://…`; see the documentation of `@eventstore/db-client`. */
  readonly connectionString: string
  readonly namespace: string
  /** How long an append waits for its answer; then its outcome is unknown. Default 2,000: as long as the server itself tries. */
  readonly appendTimeoutMs?: number
  /** How long a read waits for the next event. Default 2,000. */
  readonly readTimeoutMs?: number
  /** How long a call waits for a connection, when there is none or it has failed. Default 800. */
  readonly connectTimeoutMs?: number
  /** How long a subscription may be silent before it is compared with the log. Default 5,000. */
  readonly stallMs?: number
  readonly log?: Log
}

const silentLog: Log = { info() {}, warn() {} }

/**
 * The port over EventStoreDB 23.10 or newer. Nothing is dialled before the first call. With the default times a store that is away is
 * noticed within three seconds: by a call without a connection, by a read, by an append and the read that would settle it.
 * Throws an Error that quotes nothing of the connection string when that is malformed.
 */
export function connectEventStore(options: EventStoreOptions): EventStore {
  const { connectionString, namespace, appendTimeoutMs = 2_000, readTimeoutMs = 2_000, stallMs = 5_000, log = silentLog } = options
  const prefix = streamPrefix(namespace)
  const connections = connector({ connectionString, waitMs: options.connectTimeoutMs ?? 800, log })

  function own(stream: string): void {
    if (!stream.startsWith(prefix)) throw new RangeError(`${stream} is not a stream of the namespace ${namespace}`)
  }

  async function append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]) {
    own(stream)
    if (!events.length) throw new RangeError('there is nothing to append')
    const { appends } = await connections.connection()
    return appends.append(stream, expected, events, appendTimeoutMs)
  }

  async function* readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    own(stream)
    const { direction = 'forwards', from, limit = Number.MAX_SAFE_INTEGER } = options
    if (limit === 0) return
    const start = direction === 'forwards' ? START : END
    try {
      const { client, lost } = await connections.connection()
      const read = client.readStream(stream, {
        direction: direction === 'forwards' ? FORWARDS : BACKWARDS,
        fromRevision: from === undefined ? start : BigInt(from),
        maxCount: limit,
        requiresLeader: true,
      })
      for await (const { event } of items(
        open<ResolvedEvent>(read, () => read.cancel(), [lost]),
        readTimeoutMs,
      ))
        if (event) yield recorded(event)
    } catch (error) {
      const type = typeOf(error)
      if (type === 'stream-not-found') return
      if (type === 'stream-deleted') throw new Error(`${stream} was deleted for good`, { cause: error })
      connections.suspect()
      throw unavailable(error)
    }
  }

  return {
    append,
    readStream,
    ...wholeLog({ connector: connections, prefix, readMs: readTimeoutMs, stallMs, log }),
    ping: connections.ping,
    async close() {
      connections.close()
    },
  }
}
