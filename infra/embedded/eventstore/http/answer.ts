import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { type Answer, matchRoute, type Route } from './routes.ts'

/** A request as both versions of HTTP bring it. */
export interface Received {
  readonly method: string
  readonly target: string
  readonly scheme: 'http' | 'https'
  /** Host and port as the client dialled them. */
  readonly authority: string
  readonly headers: IncomingHttpHeaders
}

/** No route here reads what comes with a request. */
const maxBodyBytes = 64 * 1_024

/** The answer, once the body of the request has passed. */
export async function answer(routes: readonly Route[], received: Received, body: Readable): Promise<Answer> {
  return (await passes(body, received.headers)) ? answerTo(routes, received) : { status: 413 }
}

/** False: the body is too long to wait for. */
function passes(body: Readable, headers: IncomingHttpHeaders): Promise<boolean> {
  let length = 0
  return new Promise((resolve) => {
    if (Number(headers['content-length'] ?? 0) > maxBodyBytes) resolve(false)
    body.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBodyBytes) resolve(false)
    })
    body.on('end', () => resolve(true))
    body.on('error', () => resolve(true)) // the client is gone, and nobody reads the answer
  })
}

async function answerTo(routes: readonly Route[], { method, target, scheme, authority, headers }: Received): Promise<Answer> {
  const origin = `${scheme}://${authority}`
  // A page of somebody else's must not make the browser of who is looking at it change anything here.
  if (method === 'POST' && headers.origin !== undefined && headers.origin !== origin) return { status: 403 }
  const [path, query] = splitTarget(target)
  const match = matchRoute(routes, method, path)
  if (!('route' in match)) return match
  try {
    return await match.route.answer({ origin, authority, headers, params: match.params, query: new URLSearchParams(query) })
  } catch (error) {
    return { status: 500, type: 'text/plain; charset=utf-8', body: (error as Error).message }
  }
}

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

export const headersOf = ({ status, type, body = '', headers }: Answer) => ({
  ...headers,
  ...(type !== undefined && { 'content-type': type }),
  ...(status !== 204 && { 'content-length': Buffer.byteLength(body) }),
})
