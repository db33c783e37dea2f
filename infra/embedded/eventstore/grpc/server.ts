import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Call } from './call.ts'
import { code, Status, unimplemented } from './status.ts'

/** Starts serving a call: sets its callbacks and returns. A throw ends the call with that error. */
export type Handler = (call: Call) => void

export interface GrpcServer {
  readonly host: string
  readonly port: number
  /** Ends open calls with UNAVAILABLE, which makes clients reconnect, and closes the port. */
  close(): Promise<void>
}

const resetsAllowed = 1_000_000_000

/** How long a closing server waits for clients to take their last answers. */
const lastAnswersMs = 1_000

/**
 * Serves gRPC over plaintext HTTP/2. Handlers are keyed by path, `/package.Service/Method`.
 * Written against node:http2 because one write may carry many messages: a reader of the log is then bound by its client alone.
 * Throws an Error that names the address when the port is taken.
 */
export async function serveGrpc(host: string, port: number, handlers: ReadonlyMap<string, Handler>): Promise<GrpcServer> {
  const sessions = new Set<ServerHttp2Session>()
  const calls = new Set<Call>()
  const server = createServer({
    settings: { initialWindowSize: 1 << 20, maxConcurrentStreams: 0xffff_ffff },
    // gRPC clients reset the stream of every call that they end first; by default 1,000 of these at once, or 33 a second, cost them
    // the connection, which protects a server on the open net from floods and would punish any busy reader here.
    streamResetBurst: resetsAllowed,
    streamResetRate: resetsAllowed,
  })
  server.on('connection', (socket: Socket) => socket.setNoDelay(true))
  server.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(1 << 24)
    session.on('error', () => {}) // 'close' follows
    session.on('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const call = new Call(stream, headers)
    calls.add(call)
    stream.on('close', () => calls.delete(call))
    serve(call, handlers)
  })
  await listen(server, host, port)
  const address = server.address() as AddressInfo

  return {
    host,
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const call of calls) call.end(new Status(code.unavailable, 'Server Is Shutting Down'))
      for (const session of sessions) session.close()
      const impatience = setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, lastAnswersMs)
      await closed
      clearTimeout(impatience)
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

async function listen(server: Http2Server, host: string, port: number): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'the port is in use by another program' : (error as Error).message
    throw new Error(`the event store cannot listen on ${host}:${port}: ${reason}`, { cause: error })
  }
}
