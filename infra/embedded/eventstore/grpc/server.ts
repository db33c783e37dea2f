import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Protocol } from '../port/port.ts'
import { Call } from './call.ts'
import { type KeepAlive, keepAlive } from './keep-alive.ts'
import { code, Status, unimplemented } from './status.ts'

/** Starts serving a call: sets its callbacks and returns. A throw ends the call with that error. */
export type Handler = (call: Call) => void

/** Streams that a client may reset: at once, and each second for long. */
const resetBurst = 100_000
const resetsPerSecond = 20_000

/** What serves requests that are not gRPC. */
export type Others = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/**
 * gRPC over HTTP/2. Handlers are keyed by path, `/package.Service/Method`. Closing ends open calls with UNAVAILABLE, which makes clients reconnect.
 * Written against node:http2 because one write may carry many messages: a reader of the log is then bound by its client alone.
 */
export function grpc(handlers: ReadonlyMap<string, Handler>, others: Others, alive?: KeepAlive): Protocol {
  const sessions = new Set<ServerHttp2Session>()
  const calls = new Set<Call>()
  const server = createServer({
    settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 0xffff_ffff },
    // gRPC clients reset the stream of every call that they end first; by default 1,000 of these at once, or 33 a second, cost them
    // the connection, which would punish any busy reader. More than one client can read in a second is a flood all the same.
    streamResetBurst: resetBurst,
    streamResetRate: resetsPerSecond,
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(1 << 24)
    session.on('error', () => {}) // 'close' follows
    session.on('close', () => sessions.delete(session))
    keepAlive(session, alive)
  })
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    if (!headers['content-type']?.startsWith('application/grpc')) {
      others(stream, headers)
      return
    }
    const call = new Call(stream, headers)
    calls.add(call)
    stream.on('close', () => calls.delete(call))
    serve(call, handlers)
  })
  return {
    accept: (socket) => server.emit('connection', socket),
    close() {
      for (const call of calls) call.end(new Status(code.unavailable, 'Server Is Shutting Down'))
      for (const session of sessions) session.close()
    },
  }
}

function serve(call: Call, handlers: ReadonlyMap<string, Handler>): void {
  const path = String(call.headers[':path'])
  const handler = handlers.get(path)
  if (!handler) {
    call.end(unimplemented(path))
    return
  }
  try {
    handler(call)
  } catch (error) {
    call.fail(error)
  }
}
