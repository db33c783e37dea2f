import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ChainUnavailable } from '../../commands/ports.ts'
import { wholeNumber } from './amount.ts'
import { parseExactly } from './json.ts'

/** Calls of a node's JSON-RPC. Numbers in answers are `NumberText`. Credentials are never in a message. */
export interface Rpc {
  /** A call that changes nothing, or the same however often it is made: tried again while the node is away. Throws `ChainUnavailable`, `NodeRefused`. */
  read(method: string, params?: readonly unknown[]): Promise<unknown>
  /** Several of these in one request; each gives its answer or its refusal. Throws `ChainUnavailable`. */
  readMany(calls: readonly Call[]): Promise<readonly (unknown | NodeRefused)[]>
  /** A call that takes effect: made once. Throws `ChainUnavailable` (without effect), `NodeRefused`, `CallOutcomeUnknown`. */
  send(method: string, params?: readonly unknown[]): Promise<unknown>
}

export type Call = readonly [method: string, ...params: unknown[]]

/** The node answered that it will not; `code` is the RPC's. */
export class NodeRefused extends Error {
  readonly code: number

  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message} (${code})`)
    this.name = 'NodeRefused'
    this.code = code
  }
}

/** A call was sent and no answer came: it may have taken effect. */
export class CallOutcomeUnknown extends Error {
  constructor(method: string, options?: ErrorOptions) {
    super(`${method}: the node may or may not have done it`, options)
    this.name = 'CallOutcomeUnknown'
  }
}

export interface RpcOptions {
  /** `http://host:port/`, with `user:password@` or without. */
  readonly url: string
  /** The node's `.cookie`, read again when the node refuses the last one: it has another after each start. */
  readonly cookieFile?: string | undefined
  /** For an answer to be complete, in milliseconds. */
  readonly timeoutMs?: number
  /** Attempts at a read, and the pause before the second of them in milliseconds; it doubles. */
  readonly attempts?: number
  readonly pauseMs?: number
  /** Longest answer that is taken in, in bytes. */
  readonly answerBytesMax?: number
}

const errorSchema = z.object({ code: wholeNumber, message: z.string() })
const answerSchema = z.object({ result: z.unknown(), error: errorSchema.nullish(), id: z.unknown() })
/** RPC_IN_WARMUP: the node is starting. */
const inWarmup = -28
/** Calls of one request: a node works them off one after the other within its time limit. */
const batchMax = 200

/** A client of Core's JSON-RPC 1.0 over HTTP, as the Dogecoin family's 1.14 speaks it. */
export function createRpc(options: RpcOptions): Rpc {
  const { timeoutMs = 30_000, attempts = 4, pauseMs = 200, answerBytesMax = 64 * 1024 * 1024 } = options
  const { url, authorization } = door(options)
  let ids = 0

  const request = (method: string, params: readonly unknown[]) => ({ jsonrpc: '1.0', id: ids++, method, params })

  /** The answer to `body`, whatever its status: Core says 500 and 404 with a refusal. Throws `ChainUnavailable` only when nothing was done. */
  async function exchange(method: string, body: unknown): Promise<unknown> {
    const response = await post(method, body)
    if (response.status === 401 || response.status === 403)
      throw new ChainUnavailable(`the node at ${url} does not accept the credentials (${response.status})`)
    if (response.status === 503) throw new ChainUnavailable(`the node at ${url} has too many requests in hand`)
    const text = await bounded(response, method)
    try {
      return parseExactly(text)
    } catch (error) {
      throw new CallOutcomeUnknown(method, { cause: error })
    }
  }

  async function post(method: string, body: unknown): Promise<Response> {
    const init = () => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization() },
      body: JSON.stringify(body),
      redirect: 'error' as const,
      signal: AbortSignal.timeout(timeoutMs),
    })
    try {
      const first = await fetch(url, init())
      if (first.status !== 401 || options.cookieFile === undefined) return first
      await first.body?.cancel()
      return await fetch(url, init())
    } catch (error) {
      if (error instanceof ChainUnavailable) throw error
      throw neverConnected(error)
        ? new ChainUnavailable(`the node at ${url} cannot be reached`, { cause: error })
        : new CallOutcomeUnknown(method, { cause: error })
    }
  }

  async function bounded(response: Response, method: string): Promise<string> {
    const chunks: Uint8Array[] = []
    let length = 0
    try {
      for await (const chunk of response.body ?? []) {
        length += chunk.length
        if (length > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`)
        chunks.push(chunk)
      }
    } catch (error) {
      throw new CallOutcomeUnknown(method, { cause: error })
    }
    return Buffer.concat(chunks).toString()
  }

  function resultOf(method: string, answer: unknown): unknown {
    const { data, error } = answerSchema.safeParse(answer)
    if (!data) throw new CallOutcomeUnknown(method, { cause: error })
    if (!data.error) return data.result
    if (data.error.code === inWarmup) throw new ChainUnavailable(`the node at ${url} is starting: ${data.error.message}`)
    throw new NodeRefused(method, data.error.code, data.error.message)
  }

  /** Repeats what may be repeated; to whoever reads, a lost answer is a node that is away. */
  async function repeated<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        const isAway = error instanceof ChainUnavailable || error instanceof CallOutcomeUnknown
        if (!isAway || attempt >= attempts)
          throw error instanceof CallOutcomeUnknown ? new ChainUnavailable(error.message, { cause: error }) : error
        await sleep(pauseMs * 2 ** (attempt - 1))
      }
    }
  }

  async function many(calls: readonly Call[]): Promise<readonly unknown[]> {
    const requests = calls.map(([method, ...params]) => request(method, params))
    const answers = await exchange('batch', requests)
    if (!Array.isArray(answers)) throw new CallOutcomeUnknown('batch', { cause: answers })
    // The order of answers is not promised, and an id comes back as it was sent.
    const byId = new Map(answers.map((answer) => [String(answer?.id?.rawJSON), answer]))
    return requests.map(({ id, method }) => refusalOr(() => resultOf(method, byId.get(String(id)))))
  }

  return {
    read: (method, params = []) => repeated(async () => resultOf(method, await exchange(method, request(method, params)))),
    send: async (method, params = []) => resultOf(method, await exchange(method, request(method, params))),
    async readMany(calls) {
      const results: unknown[] = []
      for (let from = 0; from < calls.length; from += batchMax)
        results.push(...(await repeated(() => many(calls.slice(from, from + batchMax)))))
      return results
    },
  }
}

/** Address without credentials, and the header made of them anew for each request. */
function door({ url, cookieFile }: RpcOptions): { url: string; authorization: () => Record<string, string> } {
  const { origin, pathname, username, password } = new URL(url)
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
  return {
    url: origin + pathname,
    authorization() {
      if (username) return basic(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)
      return cookieFile === undefined ? {} : basic(cookie(cookieFile))
    },
  }
}

function cookie(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ChainUnavailable(`the node's cookie ${file} cannot be read: is it running?`, { cause: error })
  }
}

const notConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** Whether no byte of the request can have reached the node. */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.length) return error.errors.every(neverConnected)
  if ('code' in error && notConnected.has(String(error.code))) return true
  return neverConnected(error.cause)
}

function refusalOr(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    if (error instanceof NodeRefused) return error
    throw error
  }
}
