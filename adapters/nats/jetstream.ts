import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DiscardPolicy,
  headers,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats'
import { type RelayMessage, type RelayPlace, RelayRefused, type RelayTarget } from '../../commands/processes/relay-ports.ts'
import { type Publisher, publisher } from './publisher.ts'

export interface JetStreamOptions {
  /** Addresses by commas; user and password, or a token, as in any URL: `nats://user:password@host:4222`. */
  readonly servers: string
  /** Content of a `.creds` file: JWT and seed of a user. */
  readonly credentials?: string | undefined
  /** First token of every subject; the stream is called the same in capitals. */
  readonly prefix: string
  readonly networkId: string
  readonly replicas: number
  /** How long messages are kept; 0: for ever. */
  readonly maxAgeDays: number
  /** How long an answer may take; 5 s unless given. */
  readonly requestMs?: number
  readonly log: { warn(fields: object, message: string): void; info(fields: object, message: string): void }
}

const patienceMs = 5_000
const reconnectMs = 500
const duplicateWindowMs = 120_000
const dayMs = 86_400_000
/** Codes of JetStream's API. */
const notFound = 404
const cloudEvents = 'application/cloudevents+json'

/** The stream of JetStream into which a network's events go. It connects by itself, and again, for as long as it is open. */
export function jetStreamTarget(options: JetStreamOptions): RelayTarget {
  const { prefix, log } = options
  const stream = prefix.toUpperCase()
  let opening: Promise<Opened> | undefined
  let opened: Opened | undefined
  let closed = false

  /** One connection, which NATS's client mends by itself once it has been there. */
  function open(): Promise<Opened> {
    if (closed) return Promise.reject(new Error('the connection to NATS is closed'))
    opening ??= connectTo(options)
      .then((now) => {
        opened = now
        log.info({ server: now.connection.getServer() }, 'connected to NATS')
        void now.connection.closed().then(() => {
          if (opened === now) opened = opening = undefined
        })
        return now
      })
      .catch((error) => {
        opening = undefined
        throw new Error(`NATS cannot be reached: ${reasonOf(error)}`, { cause: error })
      })
    return opening
  }

  return {
    async place(): Promise<RelayPlace> {
      const { manager } = await open()
      const { config, state } = (await infoOf(manager, stream)) ?? (await create(manager, stream, options))
      const fault = faultIn(config, options)
      if (fault) throw new RelayRefused(`the stream ${stream} of JetStream ${fault}`)
      const { last_seq: next } = state
      return { next, lastEventId: next > 0 ? await idAt(manager, stream, next) : undefined }
    },
    async publish({ index, eventId, subject, body, traceparent }: RelayMessage) {
      const { publisher } = opened ?? (await open())
      const head = headers()
      head.set('Content-Type', cloudEvents)
      head.set('Nats-Msg-Id', eventId)
      head.set('Nats-Expected-Last-Sequence', String(index))
      if (traceparent !== undefined) head.set('traceparent', traceparent)
      try {
        const sequence = await publisher.publish(`${prefix}.${subject}`, encoder.encode(body), head)
        // It was there already, where it belongs, or it was not.
        if (sequence === index + 1) return
        throw new Error(`JetStream stored event ${index} at ${sequence}`)
      } catch (error) {
        throw new Error(`JetStream did not take event ${index}: ${reasonOf(error)}`, { cause: error })
      }
    },
    connected: () => opened !== undefined && !opened.connection.isClosed(),
    async close() {
      closed = true
      await opening?.then(({ connection }) => connection.close()).catch(() => {})
    },
  }
}

const encoder = new TextEncoder()

interface Opened {
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly publisher: Publisher
}

async function connectTo({ servers, credentials, requestMs = patienceMs }: JetStreamOptions): Promise<Opened> {
  const connection = await connect({
    ...addressOf(servers),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(encoder.encode(credentials)) }),
    name: 'duxnet relay',
    timeout: requestMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    pingInterval: 10_000,
    maxPingOut: 2,
  })
  try {
    return {
      connection,
      manager: await connection.jetstreamManager({ timeout: requestMs, checkAPI: false }),
      publisher: publisher(connection, requestMs),
    }
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** The client takes user and password apart from the addresses. */
function addressOf(servers: string): ConnectionOptions {
  const urls = servers.split(',').map((server) => new URL(server.trim()))
  const [{ username, password, protocol }] = urls as [URL]
  const hosts = urls.map(({ host }) => host)
  const user = decodeURIComponent(username)
  return {
    servers: hosts,
    ...(password !== '' ? { user, pass: decodeURIComponent(password) } : username !== '' ? { token: user } : {}),
    ...(protocol === 'tls:' && { tls: {} }),
  }
}

async function infoOf(manager: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  return manager.streams.info(stream).catch((error) => {
    if (isNotFound(error)) return undefined
    throw error
  })
}

/** Everything that has to do with what is kept is said, so that no default of a server decides it. */
function create(manager: JetStreamManager, name: string, { prefix, replicas, maxAgeDays, networkId }: JetStreamOptions) {
  return manager.streams.add({
    name,
    description: descriptionOf(networkId),
    subjects: [`${prefix}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: nanos(maxAgeDays * dayMs),
    max_msgs: -1,
    max_bytes: -1,
    num_replicas: replicas,
    duplicate_window: nanos(duplicateWindowMs),
    no_ack: false,
  })
}

const descriptionOf = (networkId: string) => `events of DuxNet network ${networkId}`

/** Why a stream is not one to relay into. How long it keeps what is the operator's to change. */
function faultIn(
  { description, subjects, storage, no_ack, sources, mirror }: StreamConfig,
  { prefix, networkId }: JetStreamOptions,
) {
  if (description !== descriptionOf(networkId))
    return `is described as '${description ?? ''}', not as '${descriptionOf(networkId)}'`
  if (subjects.join() !== `${prefix}.>`) return `takes the subjects ${subjects.join()}, not ${prefix}.>`
  if (storage !== StorageType.File) return 'is kept in memory'
  if (no_ack) return 'acknowledges nothing'
  if (sources?.length || mirror) return 'is fed by other streams'
  return undefined
}

async function idAt(manager: JetStreamManager, stream: string, seq: number): Promise<string | undefined> {
  try {
    return (await manager.streams.getMessage(stream, { seq })).header?.get('Nats-Msg-Id')
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.code === notFound
}

function reasonOf(error: unknown): string {
  if (!(error instanceof NatsError)) return error instanceof Error ? error.message : String(error)
  return error.api_error?.description ?? error.message
}
