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

/** One text message an event. Not compressed: that would be done for each listener anew. */
const face: Face<readonly Buffer[]> = { name: 'websocket', encode: (events) => events.map(({ text }) => Buffer.from(text)) }

const patienceMs = 30_000
/** Whoever has not answered one ping when the next is due is gone. */
const pingMs = 15_000
/** A listener may take this long to say goodbye. */
const farewellMs = 1000
const bufferedMax = 64 * 1024

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
      server.handleUpgrade(request, socket, head, (webSocket) => serve(webSocket, opened, deps))
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

function serve(webSocket: WebSocket, feed: Feed, { stopping, log }: Deps): void {
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
  feed.run(sinkOf(webSocket), AbortSignal.any([gone.signal, stopping])).then(
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

function sinkOf(webSocket: WebSocket): Sink<readonly Buffer[]> {
  return {
    face,
    write(messages) {
      const last = messages.length - 1
      for (const message of messages.slice(0, last)) webSocket.send(message, { binary: false })
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      // A connection that broke meanwhile tells by its 'close'.
      webSocket.send(messages[last]!, { binary: false }, () => resolve())
      if (webSocket.bufferedAmount <= bufferedMax) return undefined
      const timer = setTimeout(() => reject(new TooSlow()), patienceMs)
      return promise.finally(() => clearTimeout(timer))
    },
    // The pings say that the connection lives, and every message where to resume.
    alive() {},
  }
}
