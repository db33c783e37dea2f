import { Resolver, lookup as systemLookup } from 'node:dns/promises'
import { Agent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps, Agent as TlsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { SendOutcome, SendWebhook } from '../../commands/processes/webhook-ports.ts'
import { isPublicAddress, refusalOfUrl } from './addresses.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a name; none, or an error, when it has none. */
export type ResolveName = (name: string) => Promise<readonly ResolvedAddress[]>

export interface SenderOptions {
  /** Whether http and private addresses are good enough, as in a network of one's own. */
  readonly allowPrivate: boolean
  /** From looking up the name until the answer's head has arrived. */
  readonly timeoutMs: number
  readonly userAgent: string
  readonly resolve?: ResolveName
  /** Certificates to trust, in PEM, in place of the system's. */
  readonly ca?: string
}

/** No answer needs to be longer; what is, costs its connection. */
const answerBytesMax = 64 * 1024
const retryAfterMsMax = 24 * 3_600_000

class AddressRefused extends Error {
  constructor(host: string) {
    super(`${host} is a private address`)
    this.name = 'AddressRefused'
  }
}

/**
 * Posts messages. A name is looked up once, and the connection goes to one of the addresses that were looked at then: a name that
 * changes its mind in between gains nothing. Redirects are not followed.
 */
export function createSender(options: SenderOptions): { readonly send: SendWebhook; close(): void } {
  const { allowPrivate, timeoutMs, userAgent, resolve = allowPrivate ? resolveAsSystem : resolveByDns, ca } = options
  // `timeout` ends connections that rest; those in use have their request's.
  const kept = { keepAlive: true, timeout: 10_000, maxFreeSockets: 64 }
  const agents = { http: new Agent(kept), https: new TlsAgent({ ...kept, ...(ca !== undefined && { ca }) }) }
  const lookup = lookupBy(resolve, (address) => allowPrivate || isPublicAddress(address))

  function post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:'
    const request: RequestOptions = { method: 'POST', agent: secure ? agents.https : agents.http, lookup, headers, signal }
    return new Promise((resolve, reject) => {
      const sent = (secure ? requestHttps : requestHttp)(url, request, resolve)
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The other side had just ended a resting connection: that says nothing about the message.
        if (sent.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted)
          post(url, body, headers, signal).then(resolve, reject)
        else reject(error)
      })
      sent.end(body)
    })
  }

  async function send(...[text, { id, timestamp, body }, signatures, stopping]: Parameters<SendWebhook>): Promise<SendOutcome> {
    // What was allowed when the webhook was set up may not be any more.
    const refusal = refusalOfUrl(text, allowPrivate)
    if (refusal !== undefined) return { status: null, error: `the address ${refusal}` }
    const late = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await post(
        new URL(text),
        body,
        {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'user-agent': userAgent,
          'webhook-id': id,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signatures,
        },
        AbortSignal.any([stopping, late]),
      )
      ignoreBody(answer)
      return { status: answer.statusCode!, retryAfterMs: retryAfterOf(answer.headers['retry-after']) }
    } catch (error) {
      return { status: null, error: late.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error) }
    }
  }

  return {
    send,
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

/** Read to its end, so that the connection can be used again, unless that is far. */
function ignoreBody(answer: IncomingMessage): void {
  let left = answerBytesMax
  answer.on('error', () => {})
  answer.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) answer.destroy()
  })
}

function lookupBy(resolve: ResolveName, isAllowed: (address: string) => boolean): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name).then(
      (found) => {
        const allowed = found.filter(({ address }) => isAllowed(address))
        if (!allowed.length) callback(found.length ? new AddressRefused(name) : new Error(`${name} has no address`), '')
        else if (all) callback(null, [...allowed])
        else callback(null, allowed[0]!.address, allowed[0]!.family)
      },
      (error) => callback(error, ''),
    )
  }
}

/** By /etc/hosts, too. It keeps a thread of the few that also check signatures, for as long as the name's server likes. */
const resolveAsSystem: ResolveName = async (name) => (await systemLookup(name, { all: true })) as ResolvedAddress[]

const dns = new Resolver({ timeout: 2000, tries: 2 })

/** Without a thread: whoever sets up a webhook may have a name server that never answers. */
const resolveByDns: ResolveName = async (name) => {
  const answers = await Promise.allSettled([dns.resolve4(name), dns.resolve6(name)])
  const found = answers.flatMap((answer, index) =>
    answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family: index === 0 ? 4 : 6 }) as const) : [],
  )
  if (!found.length && answers[0].status === 'rejected') throw answers[0].reason
  return found
}

/** Milliseconds; undefined where the header is absent or cannot be read. */
function retryAfterOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), retryAfterMsMax)
}

/** For the webhook's owner: what went wrong on the way to an address that is public anyway. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length) return reasonOf(error.errors[0])
  if (error instanceof AddressRefused) return error.message
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
