import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Deps } from './deps.ts'
import { eventRoutes } from './events.ts'
import { openFeed } from './exchange.ts'
import { type Face, type Feed, type Sink, TooSlow } from './feeds.ts'
import { ApiProblem, problemOf } from './problem.ts'
import { problemType } from './route.ts'
import { endWith } from './server.ts'

/** One text message an event, not compressed: the same bytes for all who listen. */
const face: Face<Buffer> = {
  name: 'websocket',
  encode: (events) => Buffer.concat(events.map(({ text }) => frameOf(Buffer.from(text)))),
}

/** Whoever has not answered one ping when the next is due is gone. */
const pingMs = 15_000
/** A listener may take this long to say goodbye. */
const farewellMs = 1000

/** Close codes of RFC 6455, 7.4.1. */
const closing = { goingAway: 1001, unsupported: 1003, failed: 1011 } as const

/**
 * Serves the feeds of routes as WebSockets (RFC 6455), for `listen`. The log is public and there are no cookies, so that any page may
 * listen. What is refused is answered as a problem, before the protocol changes.
 */
export function webSockets(deps: Deps): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: 1024, perMessageDeflate: false })
  const feedAt = new Map(eventRoutes.flatMap(({ path, feed }) => (feed ? [[path, feed] as const] : [])))

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = request.url!.split('?', 1)[0]!
    try {
      const feed = feedAt.get(path)
      if (!feed) throw new ApiProblem('RouteUnknown')
      if (deps.stopping.aborted) throw new ApiProblem('Overloaded')
      const opened = await openFeed(request.url!, feed.query, undefined, deps)
      server.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, socket, opened, deps))
      deps.metrics.requested(path, 'GET', 101, 0)
    } catch (error) {
      const { status, headers, body } = problemOf(error, randomBytes(16).toString('hex'))
      if (status === 500) deps.log.error({ err: error, traceId: body.traceId }, 'a feed could not begin')
      endWith(socket, status, { ...headers, 'content-type': problemType }, JSON.stringify(body))
      deps.metrics.requested(feedAt.has(path) ? path : 'none', 'GET', status, 0)
    }
  }

  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    void upgrade(request, socket, head)
  }
}

function serve(webSocket: WebSocket, socket: Duplex, feed: Feed, { stopping, log }: Deps): void {
  const gone = new AbortController()
  let isThere = true
  const pings = setInterval(() => {
    if (!isThere) return webSocket.terminate()
    isThere = false
    webSocket.ping()
  }, pingMs)
  webSocket.on('pong', () => {
    isThere = true
  })
  webSocket.on('message', () => part(webSocket, closing.unsupported, 'a feed takes no messages'))
  // What a connection broke of makes no difference: 'close' follows.
  webSocket.on('error', () => {})
  webSocket.on('close', () => {
    clearInterval(pings)
    gone.abort()
  })
  feed.run(sinkOf(webSocket, socket), AbortSignal.any([gone.signal, stopping])).then(
    () => part(webSocket, closing.goingAway, 'the server stops'),
    (error) => {
      if (error instanceof TooSlow) return webSocket.terminate()
      log.warn({ err: error }, 'a feed ended')
      part(webSocket, closing.failed, 'the feed cannot go on; open it again')
    },
  )
}

function part(webSocket: WebSocket, code: number, reason: string): void {
  webSocket.close(code, reason)
  setTimeout(() => webSocket.terminate(), farewellMs).unref()
}

/** Frames are written whole, by us as by the library, so that they can follow each other on the socket. */
function sinkOf(webSocket: WebSocket, socket: Duplex): Sink<Buffer> {
  return {
    face,
    write: (frames) => webSocket.readyState !== webSocket.OPEN || socket.write(frames),
    // The pings say that the connection lives, and every message where to resume.
    alive() {},
    onRoom: (wake) => void socket.on('drain', wake),
  }
}

/** A text message in one frame, as a server sends it: final and not masked (RFC 6455, 5.2). */
function frameOf(payload: Buffer): Buffer {
  const { length } = payload
  const [first, marker] = [0x81, length < 126 ? length : length < 0x1_0000 ? 126 : 127]
  const head = Buffer.alloc(marker === 126 ? 4 : marker === 127 ? 10 : 2)
  head[0] = first
  head[1] = marker
  if (marker === 126) head.writeUInt16BE(length, 2)
  if (marker === 127) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}
