import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Protocol } from '../port/port.ts'
import { type Answer, matchRoute, type Route } from './routes.ts'

export interface HttpLimits {
  /** How long a client may take over the head of a request, and over the whole of it. */
  readonly headMs: number
  readonly requestMs: number
}

const defaultLimits: HttpLimits = { headMs: 10_000, requestMs: 30_000 }
const maxHeadBytes = 16 * 1_024
/** No route here reads what comes with a request. */
const maxBodyBytes = 64 * 1_024

/** Plain HTTP/1.1, for people and tools with a browser or curl. */
export function http(routes: readonly Route[], { headMs, requestMs }: HttpLimits = defaultLimits): Protocol {
  let isClosing = false
  const server = createServer(
    { headersTimeout: headMs, requestTimeout: requestMs, connectionsCheckingInterval: headMs / 10, maxHeaderSize: maxHeadBytes },
    async (request, response) => {
      const answer = (await withoutBody(request)) ? await answerTo(routes, request) : { status: 413 }
      if (isClosing || answer.status === 413) response.setHeader('connection', 'close')
      send(response, request.method === 'HEAD', answer)
    },
  )
  // It keeps its time limits from when it listens, and here something else listens for it.
  server.emit('listening')
  return {
    accept(socket) {
      server.emit('connection', socket)
      socket.resume()
    },
    close() {
      isClosing = true
      server.close(() => {})
    },
  }
}

/** Lets the body of a request pass. False: it is too long to wait for. */
function withoutBody(request: IncomingMessage): Promise<boolean> {
  let length = 0
  return new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) resolve(false)
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBodyBytes) resolve(false)
    })
    request.on('end', () => resolve(true))
    request.on('error', () => resolve(true)) // the client is gone, and nobody reads the answer
  })
}

async function answerTo(routes: readonly Route[], request: IncomingMessage): Promise<Answer> {
  const [path, query] = splitTarget(request.url ?? '/')
  const { headers } = request
  const origin = `${'encrypted' in request.socket ? 'https' : 'http'}://${headers.host ?? ''}`
  // A page of somebody else's must not make the browser of who is looking at it change anything here.
  if (request.method === 'POST' && headers.origin !== undefined && headers.origin !== origin) return { status: 403 }
  const match = matchRoute(routes, request.method ?? 'GET', path)
  if (!('route' in match)) return match
  try {
    return await match.route.answer({ origin, headers, params: match.params, query: new URLSearchParams(query) })
  } catch (error) {
    return { status: 500, type: 'text/plain; charset=utf-8', body: (error as Error).message }
  }
}

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?')
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
}

function send(response: ServerResponse, withoutBody: boolean, { status, type, body = '', headers }: Answer): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
  if (type !== undefined) response.setHeader('content-type', type)
  if (status !== 204) response.setHeader('content-length', Buffer.byteLength(body))
  response.end(withoutBody ? undefined : body)
}
