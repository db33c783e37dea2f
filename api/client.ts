import type { CommandData, CommandType } from '../commands/catalogue.ts'
import { canonicalJson, type Json } from '../domain/canonical.ts'
import type { DomainEvent } from '../domain/catalogue.ts'
import type { Metadata } from '../domain/event.ts'
import { bytesToSign } from '../domain/signed-bytes.ts'
import type { Category } from '../domain/stream.ts'
import { eventStreamReader } from './event-stream.ts'

// The way into a DuxNet for programs and pages alike: nothing here but what browsers, Node and other runtimes have in common.

/** Signs with a key that stays where it is: Node's crypto, WebCrypto, a device. */
export interface CommandSigner {
  /** Ed25519, base64url. */
  readonly publicKey: string
  /** The signature, base64url. */
  sign(bytes: Uint8Array<ArrayBuffer>): string | Promise<string>
}

export interface ClientOptions {
  /** Base address of a DuxNet's API. */
  readonly url: string | URL
  /** Who sends commands, unless a command names another. */
  readonly signer?: CommandSigner
  readonly fetch?: typeof fetch
  /** How long an answer may take; 10 s unless given. */
  readonly timeoutMs?: number
  /** Ends every call of this client, with its reason. */
  readonly signal?: AbortSignal
  /** Told when commands are dated by the server's clock, which is so far ahead of ours. */
  readonly onClock?: (aheadMs: number) => void
}

/** The server understood and said no. */
export class Refused extends Error {
  readonly status: number
  /** Stable for ever: `EscrowNotInStatus`. */
  readonly code: string
  /** The whole problem (RFC 9457), where there was one. */
  readonly problem: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds: number | undefined
  /** Where the server found our clock wrong. */
  readonly serverTime: Date | undefined

  constructor(status: number, problem: Readonly<Record<string, unknown>>, retryAfterSeconds: number | undefined) {
    const { code, detail, title, serverTime } = problem
    super(String(detail ?? title ?? `status ${status}`))
    this.name = 'Refused'
    this.status = status
    this.code = typeof code === 'string' ? code : 'unknown'
    this.problem = problem
    this.retryAfterSeconds = retryAfterSeconds
    this.serverTime = typeof serverTime === 'string' ? new Date(serverTime) : undefined
  }
}

/** Nobody answered, or the server cannot just now; later it may. */
export class Unavailable extends Error {
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, retryAfterSeconds?: number, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Unavailable'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Behind the address there is another network than before: what was heard of the first has nothing to do with it. */
export class NetworkChanged extends Error {
  constructor(from: string, to: string) {
    super(`the network ${from} is now ${to}`)
    this.name = 'NetworkChanged'
  }
}

/** As much of `GET /v1/network` as a client needs. */
export interface Network {
  readonly networkId: string
  readonly kind: 'test' | 'main'
  readonly serverTime: string
  readonly policy: { readonly heartbeat: { readonly intervalSeconds: number } }
}

/** What became of a command. */
export interface Outcome {
  readonly commandId: string
  /** `repeated`: it had happened before; `unchanged`: it is already so. */
  readonly outcome: 'accepted' | 'repeated' | 'unchanged'
  readonly stream: string
  readonly events: readonly { readonly id: string; readonly revision: number; readonly type: string; readonly data: unknown }[]
  /** Of the last of `events`, to be waited for with `?after=`; absent when unchanged. */
  readonly position?: string
}

export interface SendOptions {
  /** The id of what it is about; unless given, that of the command, which opens something. */
  readonly subject?: string
  /** A command that is sent again under its id happens once. A new one unless given. */
  readonly commandId?: string
  readonly signer?: CommandSigner
  /** For how long one that got no answer, or was put off, is sent again under the same id; 10 s unless given. */
  readonly retryMs?: number
}

/** An event as it was heard. `data` is that of its type. */
export type Heard<Type extends DomainEvent['type'] = DomainEvent['type']> = {
  /** Where to go on after it. */
  readonly position: string
  /** Dense, in the order of the log. */
  readonly index: number
  /** Its Merkle leaf, in hex. */
  readonly leaf: string
  readonly event: Extract<DomainEvent, { readonly type: Type }> & {
    readonly id: string
    readonly stream: string
    readonly revision: number
    readonly metadata: Metadata
  }
}

export interface SubscribeOptions<Type extends DomainEvent['type']> {
  /** What is new (`end`, unless given), everything, or what comes after a position. */
  readonly from?: 'start' | 'end' | (string & {}) | bigint
  readonly categories?: readonly Category[]
  readonly types?: readonly Type[]
  readonly streams?: readonly string[]
  /** `node:<id>`, `wallet:<id>`, …: also what others do to it. */
  readonly subjects?: readonly string[]
  readonly signal?: AbortSignal
  /** Told when it listens, and when it has to begin again, with the reason. */
  readonly onState?: (state: 'live' | 'reconnecting', reason?: string) => void
}

export interface Client {
  /** Throws `Unavailable`, `Refused`. */
  network(): Promise<Network>
  /** What stands at `path`, read by `read`; undefined where there is nothing (yet). Throws `Unavailable`, `Refused`, and what `read` throws. */
  get<Body>(path: string, read?: (body: unknown) => Body): Promise<Body | undefined>
  /** Signs a command and sends it. Throws `Refused`, and `Unavailable` when nothing is known: sent again under its id it happens once. */
  send<Type extends CommandType>(type: Type, data: CommandData<Type>, options?: SendOptions): Promise<Outcome>
  /**
   * Events as they happen, each once and in the order of the log, across broken connections and servers that start again. Ends when its `signal` is
   * aborted. Throws `Refused` for what was wrongly asked, and `NetworkChanged`.
   */
  subscribe<Type extends DomainEvent['type'] = DomainEvent['type']>(
    options?: SubscribeOptions<Type>,
  ): AsyncGenerator<Heard<Type>, void, undefined>
}

const patienceMs = 10_000
/** The server says every 15 s that it lives. */
const silenceMs = 45_000
const backOffMs = { first: 250, most: 15_000 }

export function createClient(options: ClientOptions): Client {
  const { url, timeoutMs = patienceMs, signal, onClock } = options
  const request = options.fetch ?? globalThis.fetch.bind(globalThis)
  /** Server's clock less ours, in milliseconds. */
  let clockAhead = 0
  let known: Network | undefined

  function setClock(server: Date, ours: number): boolean {
    const ahead = server.getTime() - ours
    // Less than this is the way the answer took.
    if (Math.abs(ahead - clockAhead) <= 1000) return false
    clockAhead = ahead
    onClock?.(Math.round(ahead))
    return true
  }

  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const limits = [AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]
    const answer = await request(new URL(path, url), { ...init, signal: AbortSignal.any(limits) }).catch((error) => {
      signal?.throwIfAborted()
      throw new Unavailable(`${url} does not answer: ${reasonOf(error)}`, undefined, { cause: error })
    })
    if (answer.status < 500) return answer
    const { detail } = await problemIn(answer)
    throw new Unavailable(`${url} answers ${answer.status}${typeof detail === 'string' ? `: ${detail}` : ''}`, retryAfter(answer))
  }

  async function bodyOf(answer: Response): Promise<unknown> {
    if (!answer.ok) throw new Refused(answer.status, await problemIn(answer), retryAfter(answer))
    return answer.json().catch((error) => {
      throw new Unavailable(`${url} answers ${answer.status}, and not as a DuxNet does`, undefined, { cause: error })
    })
  }

  async function network(): Promise<Network> {
    const before = Date.now()
    const body = (await bodyOf(await call('/v1/network', { cache: 'no-store' }))) as Network
    if (typeof body.networkId !== 'string' || !Number.isFinite(Date.parse(body.serverTime)))
      throw new Unavailable(`${url} answers, and not as a DuxNet does`)
    setClock(new Date(body.serverTime), (before + Date.now()) / 2)
    known = body
    return body
  }

  /** One attempt. */
  async function post(body: string): Promise<Outcome> {
    const headers = { 'content-type': 'application/json' }
    return (await bodyOf(await call('/v1/commands', { method: 'POST', headers, body }))) as Outcome
  }

  async function envelope(type: string, data: Json, signer: CommandSigner, subject: string, commandId: string): Promise<string> {
    const { networkId } = known ?? (await network())
    const issuedAt = new Date(Date.now() + clockAhead).toISOString()
    const command = { type, subject, data, commandId, issuedAt, audience: networkId }
    const signature = await signer.sign(bytesToSign(canonicalJson(command)))
    return canonicalJson({ command, publicKey: signer.publicKey, signature })
  }

  async function send(type: string, data: Json, sending: SendOptions = {}): Promise<Outcome> {
    const { commandId = crypto.randomUUID(), subject = commandId, signer = options.signer, retryMs = patienceMs } = sending
    if (!signer) throw new TypeError(`${type} needs a signer`)
    const deadline = Date.now() + retryMs
    let signed = await envelope(type, data, signer, subject, commandId)
    for (let attempt = 0; ; attempt++) {
      try {
        return await post(signed)
      } catch (error) {
        // Dated by a clock that was wrong: once more by the server's.
        if (error instanceof Refused && error.serverTime && setClock(error.serverTime, Date.now())) {
          signed = await envelope(type, data, signer, subject, commandId)
          continue
        }
        if (error instanceof Refused && error.code === 'AudienceMismatch') known = undefined
        const waitMs = pause(attempt, error instanceof Unavailable ? error.retryAfterSeconds : undefined)
        if (!(error instanceof Unavailable) || Date.now() + waitMs > deadline) throw error
        await sleep(waitMs, signal)
      }
    }
  }

  async function* subscribe<Type extends DomainEvent['type']>(
    listening: SubscribeOptions<Type> = {},
  ): AsyncGenerator<Heard<Type>, void, undefined> {
    const { onState } = listening
    const stop = AbortSignal.any([listening.signal, signal].filter((one) => one !== undefined))
    const place: Place = { id: undefined, source: undefined }
    for (let attempt = 0; !stop.aborted; attempt++) {
      try {
        for await (const heard of connection(listening, place, stop)) {
          if (heard === 'open') onState?.('live')
          else {
            attempt = 0
            yield heard as unknown as Heard<Type>
          }
        }
        if (!stop.aborted) onState?.('reconnecting', 'the server ended the feed')
      } catch (error) {
        if (stop.aborted) return
        if (!(error instanceof Unavailable)) throw error
        onState?.('reconnecting', error.message)
      }
      await sleep(pause(attempt, undefined), stop).catch(() => {})
    }
  }

  /** One connection, from where the last one was. Throws `Unavailable` when it breaks. */
  async function* connection<Type extends DomainEvent['type']>(
    { from = 'end', categories, types, streams, subjects }: SubscribeOptions<Type>,
    place: Place,
    stop: AbortSignal,
  ): AsyncGenerator<Heard | 'open', void, undefined> {
    const target = new URL('/v1/events', url)
    const lists = { category: categories, type: types, stream: streams, subject: subjects }
    for (const [name, values] of Object.entries(lists)) if (values) target.searchParams.set(name, values.join())
    target.searchParams.set('from', place.id ?? String(from))
    const ended = new AbortController()
    const end = () => ended.abort()
    stop.addEventListener('abort', end)
    let watchdog = setTimeout(end, timeoutMs)
    try {
      const init = { headers: { accept: 'text/event-stream' }, cache: 'no-store', signal: ended.signal } as const
      const answer = await request(target, init).catch(broken)
      if (answer.status >= 500) throw new Unavailable(`${url} answers ${answer.status}`)
      if (!answer.ok) throw new Refused(answer.status, await problemIn(answer), retryAfter(answer))
      yield 'open'
      const messages: Heard[] = []
      const read = eventStreamReader(
        ({ data }) => messages.push(heardIn(data, place)),
        (id) => {
          if (id !== '') place.id = id
        },
      )
      const chunks = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        clearTimeout(watchdog)
        watchdog = setTimeout(end, silenceMs)
        const { value, done } = await chunks.read().catch(broken)
        if (done) return
        read(value)
        // What is still to be handed out is not there yet: were it lost here, it would have to come again.
        const last = place.id
        for (const heard of messages.splice(0)) {
          place.id = heard.position
          yield heard
        }
        place.id = last
      }
    } finally {
      clearTimeout(watchdog)
      stop.removeEventListener('abort', end)
      ended.abort()
    }
  }

  function broken(error: unknown): never {
    throw new Unavailable(`${url}: the feed broke off: ${reasonOf(error)}`, undefined, { cause: error })
  }

  return {
    network,
    async get<Body>(path: string, read = (body: unknown) => body as Body) {
      const answer = await call(path, { cache: 'no-cache' })
      if (answer.status !== 404) return read(await bodyOf(answer))
      await answer.body?.cancel()
      return undefined
    },
    send: (type, data, sending) => send(type, data as Json, sending),
    subscribe,
  }
}

/** How far a subscription is. */
interface Place {
  /** The position heard last. */
  id: string | undefined
  /** The network it is of. */
  source: string | undefined
}

function heardIn(text: string, place: Place): Heard {
  const { source, data } = JSON.parse(text) as { source: string; data: Heard }
  if (place.source !== undefined && source !== place.source) throw new NetworkChanged(place.source, source)
  place.source = source
  return data
}

/** Doubles from attempt to attempt; half of it by chance, so that all who lost one server do not come back at once. */
function pause(attempt: number, atLeastSeconds = 0): number {
  const ms = Math.min(backOffMs.most, backOffMs.first * 2 ** Math.min(attempt, 20))
  return Math.max(atLeastSeconds * 1000, ms * (0.5 + Math.random() / 2))
}

/** Throws the reason of `signal`. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}

async function problemIn(answer: Response): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await answer.json().catch(() => undefined)
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
}

function retryAfter(answer: Response): number | undefined {
  const text = answer.headers.get('retry-after')
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { message?: string; code?: string } }
  return cause?.message || cause?.code || message
}
