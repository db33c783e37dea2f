import { createServer } from 'node:http'
import type { Protocol } from '../port/port.ts'
import { answer, headersOf } from './answer.ts'
import type { Route } from './routes.ts'

export interface HttpLimits {
  /** How long a client may take over the head of a request, and over the whole of it. */
  readonly headMs: number
  readonly requestMs: number
}

const defaultLimits: HttpLimits = { headMs: 10_000, requestMs: 30_000 }
const maxHeadBytes = 16 * 1_024

/** Plain HTTP/1.1, for people and tools with a browser or curl. */
export function http(routes: readonly Route[], { headMs, requestMs }: HttpLimits = defaultLimits): Protocol {
  let isClosing = false
  const server = createServer(
    { headersTimeout: headMs, requestTimeout: requestMs, connectionsCheckingInterval: headMs / 10, maxHeaderSize: maxHeadBytes },
    async (request, response) => {
      const { method = 'GET', url: target = '/', headers, socket } = request
      const scheme = 'encrypted' in socket ? 'https' : 'http'
      const answered = await answer(routes, { method, target, scheme, authority: headers.host ?? '', headers }, request)
      if (isClosing || answered.status === 413) response.setHeader('connection', 'close')
      response.writeHead(answered.status, headersOf(answered)).end(method === 'HEAD' ? undefined : answered.body)
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
