import type { ServerHttp2Session } from 'node:http2'

export interface KeepAlive {
  readonly intervalMs: number
  /** How many pings may go unanswered. Counted, not timed: a server that was held up itself asks again before it gives up. */
  readonly unanswered: number
}

const usual: KeepAlive = { intervalMs: 10_000, unanswered: 3 }

/**
 * Ends the session of a client of whom nothing is heard any more, a stopped process or a network that is gone: what it holds
 * of subscription groups is then for others. Clients answer pings by themselves, however long they take over messages.
 */
export function keepAlive(session: ServerHttp2Session, { intervalMs, unanswered }: KeepAlive = usual): void {
  let heard = -1
  let pings = 0
  const timer = setInterval(() => {
    if (session.destroyed || !session.socket) return
    const { bytesRead } = session.socket
    if (bytesRead !== heard) pings = 0
    heard = bytesRead
    if (pings++ >= unanswered) session.destroy()
    else session.ping(() => {})
  }, intervalMs)
  timer.unref()
  session.once('close', () => clearInterval(timer))
}
