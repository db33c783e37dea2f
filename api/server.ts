import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Express } from 'express'
import { ApiProblem, type ProblemCode, problemOf } from './problem.ts'
import { problemType } from './route.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Takes requests for another protocol; without it they are refused. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** How long `close` lets requests in work finish; 10 s unless given. */
  readonly graceMs?: number
  /** How long a request may take to arrive, from its first byte to its last; 30 s unless given. */
  readonly arriveMs?: number
}

export interface Listening {
  readonly host: string
  readonly port: number
  /** `http://127.0.0.1:8080` */
  readonly url: string
  /** Takes no new connection, lets requests in work finish, then ends what is left. */
  close(): Promise<void>
}

const headerBytesMax = 16 * 1024

/** Serves `app`. Throws what the system says when the address cannot be had (`EADDRINUSE`). */
export async function listen(
  app: Express,
  { host, port, upgrade, graceMs = 10_000, arriveMs = 30_000 }: ListenOptions,
): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      // Whoever trickles headers or body holds a connection no longer than this.
      headersTimeout: Math.min(10_000, arriveMs),
      requestTimeout: arriveMs,
      connectionsCheckingInterval: 1_000,
      // Longer than the proxies in front commonly keep theirs, so that it is they who close.
      keepAliveTimeout: 65_000,
      noDelay: true,
      // Other protocols than this one (h2c) are offered, not demanded: those requests are served as they are.
      shouldUpgradeCallback: ({ headers }) => upgrade !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
    },
    app,
  )
  server.maxConnections = 20_000
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.on('clientError', refuseMalformed)
  if (upgrade) server.on('upgrade', upgrade)
  server.on('checkExpectation', (_request, response) => {
    const { status, headers, body } = problemOf(new ApiProblem('ExpectationFailed'), traceId())
    response.writeHead(status, { ...headers, 'content-type': problemType }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The system cuts the backlog to what it allows; Node's own 511 turns a burst of a thousand connections into retries.
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { host: address.address, port: address.port, url: `http://${name}:${address.port}`, close }

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Browsers open some in advance, and Node does not call idle what has never asked anything.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
    // A connection becomes idle when its answer is out; `server.close` has ended only those that were idle then.
    const sweep = setInterval(() => server.closeIdleConnections(), 50)
    const grace = setTimeout(() => server.closeAllConnections(), graceMs)
    await closed
    clearInterval(sweep)
    clearTimeout(grace)
  }
}

const codeOf: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'HeadersTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
}

/** What is no HTTP never reaches the app: the answer is written by hand. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { status, body } = problemOf(new ApiProblem(codeOf[error.code ?? ''] ?? 'RequestMalformed'), traceId())
  endWith(socket, status, { 'content-type': problemType }, JSON.stringify(body))
}

/** An answer written by hand, with which the connection ends. */
export function endWith(socket: Duplex, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  // Whoever does not close its side holds nothing of ours.
  socket.once('finish', () => socket.destroy())
  const lines = Object.entries({ connection: 'close', ...headers, 'content-length': String(Buffer.byteLength(body)) })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}

const traceId = () => randomBytes(16).toString('hex')
