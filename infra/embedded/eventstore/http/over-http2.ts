import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { answer, headersOf } from './answer.ts'
import type { Route } from './routes.ts'

const requestMs = 30_000

/** The same routes for a client that speaks HTTP/2 and no gRPC: a browser does so whenever the port has a certificate. */
export function httpOverHttp2(
  routes: readonly Route[],
): (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => Promise<void> {
  return async (stream, headers) => {
    stream.on('error', () => {}) // 'close' follows
    stream.setTimeout(requestMs, () => stream.close())
    const method = headers[':method'] ?? 'GET'
    const received = {
      method,
      target: headers[':path'] ?? '/',
      scheme: headers[':scheme'] === 'https' ? 'https' : 'http',
      authority: headers[':authority'] ?? headers.host ?? '',
      headers,
    } as const
    const answered = await answer(routes, received, stream)
    if (stream.destroyed || stream.closed) return
    stream.respond({ ':status': answered.status, ...headersOf(answered) })
    stream.end(method === 'HEAD' ? undefined : answered.body)
  }
}
