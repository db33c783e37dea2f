import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { type MemoryEventStore, memoryEventStore } from '../../adapters/memory/event-store.ts'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openReader, openWriter } from '../../adapters/postgres/pool.ts'
import { openPrivateStore } from '../../adapters/postgres/private/store.ts'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import { createApp } from '../../api/app.ts'
import { type Deps, defaultLimits } from '../../api/deps.ts'
import { createFeeds, type Feeds, type FeedsOptions } from '../../api/feeds.ts'
import { rateLimits } from '../../api/rates.ts'
import { type Listening, listen } from '../../api/server.ts'
import { webSockets } from '../../api/websocket.ts'
import { foundNetwork } from '../../commands/network.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { createSubmit } from '../../commands/submit.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import { NotServed, noChain, noRequests } from '../../infra/not-served.ts'
import { openRequests } from '../../infra/private-side.ts'
import { progress } from '../../projections/progress.ts'
import { createProjector, type Projector } from '../../projections/projector.ts'
import { type Queries, queries } from '../../projections/queries.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { testPostgres } from '../support/engines.ts'
import { isDocumented } from './documented.ts'
import { type Door, doorTo } from './door.ts'

/** What was answered; `body` is the JSON, or the text of what is none. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  readonly body: any
  readonly text: string
}

export interface Logged {
  readonly level: 'warn' | 'error'
  readonly fields: { readonly [field: string]: unknown }
  readonly message: string
}

/** The whole API on a port of its own, in front of the real commands on an event store in memory. */
export interface Api {
  readonly url: string
  readonly port: number
  readonly store: MemoryEventStore
  readonly network: NetworkState
  /** Also the only steward and arbiter. */
  readonly authority: Signer
  /** The keys of the network's own processes. */
  readonly services: { readonly health: Signer; readonly settlement: Signer; readonly chain: Signer }
  readonly logged: Logged[]
  readonly requested: string[]
  /** What the feeds counted: `sse 1`, `websocket -1`, `sse cut off`. */
  readonly feedMetrics: string[]
  readonly feeds: Feeds
  readonly reads: Queries
  /** The server's clock, which only the test moves. */
  readonly clock: { now: Date; advance(seconds: number): void }
  /** Whether the process is about to stop. */
  readonly stopping: AbortController
  readonly listening: Listening
  get(path: string, headers?: Record<string, string>): Promise<Reply>
  /** `body` as JSON, or as it is where it is text. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>
  request(path: string, init: RequestInit): Promise<Reply>
  /** A signed command of now about `subject`. */
  sign(signer: Signer, type: string, subject: string, data: object, change?: Partial<Envelope['command']>): Envelope
  close(): Promise<void>
}

export const profile = {
  cores: 8,
  memoryBytes: 34_359_738_368,
  platform: 'linux',
  arch: 'x64',
  version: '0.1.0',
  region: 'eu-central',
  capabilities: ['container', 'cpu'],
}

export const vitals = {
  uptimeSeconds: 86_400,
  loadPermille: 1250,
  cores: 8,
  memoryUsedBytes: 12_884_901_888,
  memoryTotalBytes: 34_359_738_368,
  cpuPermille: 156,
  tasksSucceeded: 12,
  tasksFailed: 1,
}

/** By node:crypto: tweetnacl takes milliseconds for a signature, and a batch needs a thousand. */
export function newSigner(): Signer & { readonly nodeId: string } {
  const { privateKey, publicKey: key } = generateKeyPairSync('ed25519')
  const publicKey = key.export({ format: 'jwk' }).x!
  return { publicKey, sign: (message) => sign(null, message, privateKey).toString('base64url'), nodeId: nodeIdOf(publicKey) }
}

/** Without a `url` of Postgres its queries find nobody there. */
export async function startApi(
  options: Omit<Partial<Deps>, 'feeds'> & {
    readonly postgresUrl?: string
    /** Of a user who may write; without it nothing private is served. */
    readonly privateUrl?: string
    /** Whether webhooks may be sent to private addresses. */
    readonly allowPrivate?: boolean
    readonly graceMs?: number
    readonly arriveMs?: number
    readonly store?: MemoryEventStore
    /** Of a log that `store` holds already; a new one is founded unless given. */
    readonly network?: NetworkState
    readonly feeds?: Partial<FeedsOptions>
  } = {},
): Promise<Api> {
  const {
    postgresUrl = 'postgres://nobody@127.0.0.1:1/nothing',
    privateUrl,
    allowPrivate = false,
    graceMs,
    arriveMs,
    store = memoryEventStore(),
    feeds,
    network: founded,
    ...overrides
  } = options
  const start = new Date()
  const clock = {
    now: start,
    advance(seconds: number) {
      this.now = new Date(this.now.getTime() + seconds * 1000)
    },
  }
  const authority = newSigner()
  const services = { health: newSigner(), settlement: newSigner(), chain: newSigner() }
  const alone = { members: [authority.publicKey], threshold: 1 }
  const genesis = {
    store,
    namespace: 'dux',
    kind: 'test',
    authority,
    serviceKeys: Object.fromEntries(Object.entries(services).map(([role, { publicKey }]) => [role, publicKey])),
    stewards: alone,
    arbiters: alone,
    logKey: newSigner().publicKey,
    clock: () => clock.now,
  } as const
  const network = founded ?? (await foundNetwork(genesis))
  const { networkId } = network
  const reader = openReader<ReadModels>({ url: postgresUrl })
  const privateStore = privateUrl === undefined ? undefined : openPrivateStore({ url: privateUrl })
  const logged: Logged[] = []
  const requested: string[] = []
  const stopping = new AbortController()
  const reads = queries(reader.db)
  const reached = progress(reader.db)
  const feedMetrics: string[] = []
  const deps: Deps = {
    networkId,
    publicUrl: () => listening.url,
    version: '0.1.0-test',
    submit: createSubmit({ store, namespace: 'dux', networkId, clock: () => clock.now, verify: verifySignature }),
    depositAddress: noChain,
    requests: privateStore
      ? openRequests({ engine: { url: privateUrl!, store: privateStore, reader }, networkId, clock: () => clock.now, allowPrivate })
      : noRequests,
    reads,
    progress: reached,
    feeds: createFeeds({
      reads,
      progress: reached,
      source: () => ({ networkId, publicUrl: listening.url }),
      metrics: {
        opened: (face, change) => feedMetrics.push(`${face} ${change}`),
        sent() {},
        cutOff: (face) => feedMetrics.push(`${face} cut off`),
      },
      onError: (error) => logged.push({ level: 'warn', fields: { err: error }, message: 'the feeds wait' }),
      ...feeds,
    }),
    isUnavailable: (error) => error instanceof NotServed || isUnavailable(error),
    clock: () => clock.now,
    log: {
      warn: (fields, message) => logged.push({ level: 'warn', fields: { ...fields }, message }),
      error: (fields, message) => logged.push({ level: 'error', fields: { ...fields }, message }),
    },
    metrics: {
      requested: (route, method, status) => requested.push(`${method} ${route} ${status}`),
      text: async () => ({ type: 'text/plain; version=0.0.4', body: 'duxnet_test 1\n' }),
    },
    limits: defaultLimits,
    rates: rateLimits({ openingsPerMinute: 0, commandsPerMinute: 0 }, () => clock.now),
    readiness: async () => [{ name: 'event store', ready: true, detail: 'answers' }],
    stopping: stopping.signal,
    ...overrides,
  }
  const listening = await listen(createApp(deps), {
    host: '127.0.0.1',
    port: 0,
    upgrade: webSockets(deps),
    ...(graceMs !== undefined && { graceMs }),
    ...(arriveMs !== undefined && { arriveMs }),
  })

  async function request(path: string, init: RequestInit): Promise<Reply> {
    const response = await fetch(listening.url + path, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.match(/[/+]json/) && text !== ''
    const reply = { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text }
    isDocumented(init.method ?? 'GET', path, reply)
    return reply
  }

  return {
    url: listening.url,
    port: listening.port,
    store,
    network,
    authority,
    services,
    logged,
    requested,
    feedMetrics,
    feeds: deps.feeds,
    reads,
    clock,
    stopping,
    listening,
    request,
    get: (path, headers = {}) => request(path, { headers }),
    post: (path, body, headers = {}) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    sign: (signer, type, subject, data, change = {}) =>
      signCommand(signer, {
        type,
        subject,
        data: data as Envelope['command']['data'],
        commandId: randomUUID(),
        issuedAt: clock.now.toISOString(),
        audience: networkId,
        ...change,
      }),
    async close() {
      await listening.close()
      await privateStore?.close()
      await reader.close()
      await store.close()
    },
  }
}

/** How many events the log holds. */
export async function countEvents(store: MemoryEventStore): Promise<number> {
  let count = 0
  for await (const _ of store.readAll()) count++
  return count
}

/** The read side of an API: a projector of the same log on a Postgres of its own. */
export interface ReadSide {
  /** Between the queries and their Postgres. */
  readonly door: Door
  readonly projector: Projector
  /** Of the user who may write. */
  readonly url: string
  close(): Promise<void>
}

/** `startApi` with real read models behind it. Resolves when every one of them serves. */
export async function startWhole(
  options: Omit<Partial<Deps>, 'feeds'> & {
    readonly allowPrivate?: boolean
    readonly feeds?: Partial<FeedsOptions>
    readonly store?: MemoryEventStore
    readonly network?: NetworkState
  } = {},
): Promise<{ api: Api; readSide: ReadSide }> {
  const { store = memoryEventStore() } = options
  const postgres = await testPostgres()
  const writer = openWriter<ReadModels>({ url: postgres.url })
  const door = await doorTo(postgres.readerUrl)
  const api = await startApi({ ...options, store, postgresUrl: door.url, privateUrl: postgres.url })
  const projector = createProjector({
    projections: readModels,
    source: store,
    db: writer.db,
    copyTransaction: (work) => copyTransaction(writer.pool, work),
    clock: () => new Date(),
  })
  const running = new AbortController()
  const run = projector.run(running.signal)
  while ((await projector.status()).some(({ state }) => state !== 'live')) await sleep(20)
  return {
    api,
    readSide: {
      door,
      projector,
      url: postgres.url,
      async close() {
        running.abort()
        await run
        await door.shut()
        await writer.close()
        await postgres.close()
      },
    },
  }
}
