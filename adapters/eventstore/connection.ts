import { BACKWARDS, END, EventStoreDBClient } from '@eventstore/db-client'
import type { Channel } from '@grpc/grpc-js'
import { StoreUnavailable } from '../../commands/ports.ts'
import { type AppendCall, appendCall, inner } from './append-call.ts'
import { checkConnectionString } from './connection-string.ts'
import { items, open } from './source.ts'
import { Late, within } from './within.ts'

/** What the adapter tells an operator; a pino logger is one. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** A connection that has answered. */
export interface Connection {
  readonly client: EventStoreDBClient
  /** The one that the client uses. */
  readonly channel: Channel
  readonly appends: AppendCall
  /** Aborted with a `StoreUnavailable` when the connection is given up: what was read through it has to be opened again. */
  readonly lost: AbortSignal
}

export interface Connector {
  /** The connection to use now. Throws `StoreUnavailable` within `waitMs`: nothing has been sent then. */
  connection(): Promise<Connection>
  /** Something went wrong on the connection: before anything else is sent it is asked whether it still answers. */
  suspect(): void
  /** Asks the store now. Throws `StoreUnavailable`. */
  ping(): Promise<void>
  close(): void
  closed(): boolean
}

interface Dialled {
  readonly client: EventStoreDBClient
  readonly lost: AbortController
  /** The one that the client uses now; it makes another when this one fails or is not the leader's. */
  channel?: Channel
  connection?: Connection
}

/**
 * A client that has to dial, find the leader and agree on TLS gets longer than one that answered before. It may go on dialling while nobody
 * waits: what hangs in a handshake cannot be taken back (grpc-js leaves that socket open until the other side closes it), so dials are few.
 */
const dialMs = 30_000
/** A refused connection is refused again at once: under load, dialling for every command would be all that is done. */
const refusalMs = 250

/** Keeps one client that answers. Throws an Error that names no part of `connectionString` when that cannot be used. */
export function connector(options: { connectionString: string; waitMs: number; log: Log }): Connector {
  const { waitMs, log } = options
  const { connectionString, warning } = checkConnectionString(options.connectionString)
  if (warning) log.warn({}, warning)

  let dialled: Dialled = dial(connectionString)
  /** Whether nothing has gone wrong since `dialled` answered. */
  let sure = false
  let attempt: Promise<Connection> | undefined
  let refusal: { readonly error: Error; readonly until: number } | undefined
  let closed = false

  async function connection(): Promise<Connection> {
    if (sure) return dialled.connection!
    if (closed) throw closedError()
    if (refusal && performance.now() < refusal.until) throw refusal.error
    if (!attempt) {
      attempt = connect().finally(() => {
        attempt = undefined
      })
      attempt.catch(() => {}) // those who waited have been told
    }
    return within(waitMs, attempt).catch((error) => {
      throw unavailable(error)
    })
  }

  async function connect(): Promise<Connection> {
    // A client that answered before may only have been slow, and other calls on it may be well: it is asked first, briefly.
    if (dialled.connection)
      try {
        return await established(waitMs)
      } catch {
        renew('the event store connection was lost')
      }
    try {
      return await established(dialMs)
    } catch (error) {
      renew('the event store cannot be reached')
      refusal = { error: unavailable(error), until: performance.now() + refusalMs }
      throw refusal.error
    }
  }

  async function established(ms: number): Promise<Connection> {
    const asked = dialled
    // A follower names the leader and the client goes there with its next call.
    await ask(asked, ms).catch((error) => (typeOf(error) === 'not-leader' ? ask(asked, ms) : Promise.reject(error)))
    if (closed) throw closedError()
    const channel = asked.channel!
    if (asked.connection?.channel !== channel) {
      asked.connection?.appends.end()
      const appends = appendCall(asked.client, channel, suspect)
      asked.connection = { client: asked.client, channel, appends, lost: asked.lost.signal }
      log.info({ target: channel.getTarget() }, 'connected to the event store')
    }
    sure = true
    refusal = undefined
    return asked.connection
  }

  function suspect(): void {
    sure = false
  }

  function renew(why: string): void {
    giveUp(dialled, why)
    if (!closed) dialled = dial(connectionString)
  }

  return {
    connection,
    suspect,
    async ping() {
      await connection()
      await ask(dialled, waitMs).catch((error) => {
        suspect()
        throw unavailable(error)
      })
    },
    close() {
      closed = true
      sure = false
      giveUp(dialled, closedError().message)
    },
    closed: () => closed,
  }
}

function dial(connectionString: string): Dialled {
  let client: EventStoreDBClient
  try {
    client = EventStoreDBClient.connectionString(connectionString)
  } catch (error) {
    // The client's own parse errors carry the whole string, password included.
    if (error instanceof Error && !('connectionString' in error)) throw error
    throw new Error('the EventStoreDB connection string is malformed')
  }
  const dialled: Dialled = { client, lost: new AbortController() }
  // The client does not close its channel when it is disposed of, and an open one dials for another half an hour.
  const { createChannel } = inner(client)
  inner(client).createChannel = async () => {
    const channel = await createChannel()
    if (dialled.lost.signal.aborted) channel.close()
    else dialled.channel = channel
    return channel
  }
  return dialled
}

function giveUp({ client, channel, connection, lost }: Dialled, why: string): void {
  lost.abort(new StoreUnavailable(why))
  connection?.appends.cancel()
  client.dispose().catch(() => {})
  channel?.close()
}

/** Reads the newest event: it takes a leader that is up, our right to read `$all`, and storage that can be read. */
async function ask({ client, lost }: Dialled, ms: number): Promise<void> {
  const read = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true })
  for await (const _ of items(
    open(read, () => read.cancel(), [lost.signal]),
    ms,
  ));
}

/** The client's name for a kind of failure, `not-leader` for one. */
export function typeOf(error: unknown): string | undefined {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : undefined
}

/** Any failure to reach the store, as the port calls it; a mistake of ours stays one. */
export function unavailable(error: unknown): Error {
  if (error instanceof StoreUnavailable || error instanceof TypeError) return error
  if (error instanceof Late) return new StoreUnavailable('the event store does not answer', { cause: error })
  if (typeOf(error) === 'access-denied') return new StoreUnavailable('the event store denies access', { cause: error })
  return new StoreUnavailable('the event store cannot be reached', { cause: error })
}

function closedError(): StoreUnavailable {
  return new StoreUnavailable('the event store connection is closed')
}
