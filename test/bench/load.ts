import { connect, type Socket } from 'node:net'
import { quantile } from './harness.ts'

export interface LoadResult {
  /** Requests answered a second in the steady state. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that were not 200, and connections that broke. */
  readonly errors: number
  /** From the first connect until every connection had been answered once. */
  readonly coldBurstMs: number
}

/**
 * Closed loop over HTTP/1.1 keep-alive: `connections` clients, one request in flight each. The clock of the steady state starts
 * when every connection has been answered once.
 */
export async function load(port: number, paths: readonly string[], connections: number, seconds: number): Promise<LoadResult> {
  const requests = paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`))
  const latencies: number[] = []
  const sockets: Socket[] = []
  let errors = 0
  let answeredOnce = 0
  let counted = 0
  let steadySince = 0
  let coldBurstMs = 0
  let ended = false
  const started = performance.now()

  await new Promise<void>((resolve) => {
    const steady = () => {
      coldBurstMs = performance.now() - started
      steadySince = performance.now()
      setTimeout(() => {
        ended = true
        resolve()
      }, seconds * 1000)
    }
    for (let client = 0; client < connections; client++) {
      let turn = client
      let sentAt = 0
      let first = true
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      const send = () => {
        sentAt = performance.now()
        socket.write(requests[turn++ % requests.length]!)
      }
      const answered = (status: number) => {
        if (status !== 200) errors++
        if (first) {
          first = false
          if (++answeredOnce === connections) steady()
        } else if (steadySince && sentAt >= steadySince && !ended) {
          latencies.push(performance.now() - sentAt)
          counted++
        }
        if (!ended) send()
      }
      socket.setNoDelay(true)
      socket.on('connect', send)
      socket.on('error', () => {
        if (!ended) errors++
      })
      socket.on('data', responses(answered))
    }
  })
  const elapsed = (performance.now() - steadySince) / 1000
  for (const socket of sockets) socket.destroy()
  return { rate: counted / elapsed, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), errors, coldBurstMs }
}

/** Cuts a byte stream into responses; each must have a Content-Length. */
function responses(answered: (status: number) => void): (chunk: Buffer) => void {
  let buffered: Buffer = Buffer.alloc(0)
  return (chunk) => {
    buffered = buffered.length ? Buffer.concat([buffered, chunk]) : chunk
    for (;;) {
      const headEnd = buffered.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const head = buffered.toString('latin1', 0, headEnd)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (buffered.length < end) return
      buffered = buffered.subarray(end)
      answered(Number(head.slice(9, 12)))
    }
  }
}
