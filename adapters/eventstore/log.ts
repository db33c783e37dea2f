import { type EventStore, LogDiverged, type LogMessage, type LogPlace, StoreUnavailable } from '../../commands/ports.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { type Connection, type Connector, type Log, unavailable } from './connection.ts'
import { end, holdsMore, newest, verify } from './pages.ts'
import type { Source } from './source.ts'
import { subscribeToAll } from './subscription.ts'
import { Late, pause } from './within.ts'

export interface LogOptions {
  readonly connector: Connector
  /** Of the streams that are ours. */
  readonly prefix: string
  /** How long a read may be silent. */
  readonly readMs: number
  /** How long a subscription may be silent before it is compared with the log. */
  readonly stallMs: number
  readonly log: Log
}

/** After how many events of others the server says how far it has got. */
const window = 256
/** Positions from here on are the server's way to say that it has none. */
const noPosition = 2n ** 63n

const backOffMs = { first: 50, max: 5_000 }

/** The part of the port that is about the whole log. It needs EventStoreDB 23.10, the first to say when it has caught up. */
export function wholeLog({
  connector,
  prefix,
  readMs,
  stallMs,
  log,
}: LogOptions): Pick<EventStore, 'readAll' | 'subscribe' | 'head'> {
  /** A subscription to what comes after `after`. Throws `LogDiverged`. */
  async function openAfter(connection: Connection, after: LogPlace | undefined, signal: AbortSignal | undefined) {
    if (after) await verify(connection, readMs, after)
    const signals = signal ? [connection.lost, signal] : [connection.lost]
    return subscribeToAll(connection, { after: after?.position, prefix, window, signals })
  }

  async function* readAll({ after, signal }: { after?: LogPlace; signal?: AbortSignal } = {}): AsyncGenerator<RecordedEvent> {
    signal?.throwIfAborted()
    let source: Awaited<ReturnType<typeof openAfter>> | undefined
    try {
      const connection = await connector.connection()
      const last = await end(connection, readMs)
      source = await openAfter(connection, after, signal)
      for (let told = after?.position ?? -1n; told < last; ) {
        const item = source.read()
        if (item === null) {
          const now = await source.more(readMs)
          if (now === 'silence') throw new Late(readMs)
          if (now === 'end') throw new StoreUnavailable('the event store ended a read in its middle')
        } else if (!('passed' in item)) {
          told = item.position
          if (told <= last) yield item
        } else if (item.passed === undefined) return
        else if (item.passed < noPosition) told = item.passed
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : failed(error)
    } finally {
      source?.close()
    }
  }

  async function* subscribe({ after, signal }: { after?: LogPlace; signal: AbortSignal }): AsyncGenerator<LogMessage> {
    let place = after
    let told = after?.position ?? -1n
    let delay = backOffMs.first
    for (;;) {
      signal.throwIfAborted()
      let source: Awaited<ReturnType<typeof openAfter>> | undefined
      try {
        const connection = await connector.connection()
        source = await openAfter(connection, place, signal)
        for (;;) {
          const item = source.read()
          if (item === null) {
            const now = await source.more(stallMs)
            if (now === 'end') throw new StoreUnavailable('the event store ended the subscription')
            if (now === 'silence' && (await hasStalled(connection, source, told)))
              throw new StoreUnavailable('the subscription has stalled')
            continue
          }
          delay = backOffMs.first
          if (!('passed' in item)) {
            // A repetition would be the server's fault; it must not become ours.
            if (item.position <= told) continue
            told = item.position
            place = { position: told, eventId: item.id }
            yield { kind: 'event', event: item }
          } else if (item.passed === undefined) yield { kind: 'caughtUp' }
          else if (item.passed > told && item.passed < noPosition) {
            told = item.passed
            yield { kind: 'passed', position: told }
          }
        }
      } catch (error) {
        if (signal.aborted) throw signal.reason
        const reason = failed(error)
        if (!(reason instanceof StoreUnavailable) || connector.closed()) throw reason
        log.warn({ err: reason, position: String(told) }, 'the subscription broke off and will be opened again')
      } finally {
        source?.close()
      }
      // Half of it by chance, so that all who lost one connection do not come back at once.
      await pause(delay * (0.5 + Math.random() / 2), signal)
      delay = Math.min(delay * 2, backOffMs.max)
    }
  }

  /** Whether a silent subscription keeps something back that the log holds, even when it is given a moment. */
  async function hasStalled(connection: Connection, source: Source<unknown>, told: bigint): Promise<boolean> {
    return (await holdsMore(connection, readMs, told, prefix, window)) && (await source.more(readMs)) !== 'items'
  }

  async function head(): Promise<LogPlace | undefined> {
    try {
      return await newest(await connector.connection(), readMs, prefix)
    } catch (error) {
      throw failed(error)
    }
  }

  function failed(error: unknown): Error {
    if (error instanceof LogDiverged) return error
    connector.suspect()
    return unavailable(error)
  }

  return { readAll, subscribe, head }
}
