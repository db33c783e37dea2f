// HTTP/1.1 by hand: node's own client costs more than the servers that are measured.
import { connect } from 'node:net'

export interface Answered {
  readonly status: number
  /** Status line and headers. */
  readonly head: string
  readonly body: Buffer
}

/** A keep-alive connection with one request in flight at most. */
export interface HttpConnection {
  /** Resolves when connected. */
  readonly open: Promise<void>
  send(request: Buffer, answered: (answer: Answered) => void): void
  /** The same as a promise; rejects when the connection breaks. */
  ask(request: Buffer): Promise<Answered>
  close(): void
}

/** `broken` is told once of a connection that could not be made or that ended before `close`. */
export function connectHttp(port: number, broken: (error: Error) => void): HttpConnection {
  const socket = connect(port, '127.0.0.1')
  const { promise: open, resolve: opened, reject: refused } = Promise.withResolvers<void>()
  open.catch(() => {}) // whoever waits is told, and so is `broken`
  let waiting: ((answer: Answered) => void) | undefined
  let failed: ((error: Error) => void) | undefined
  let isOver = false

  const end = (error: Error) => {
    if (isOver) return
    isOver = true
    refused(error)
    failed?.(error)
    broken(error)
  }
  socket.setNoDelay(true)
  socket.on('connect', opened)
  socket.on('error', end)
  socket.on('close', () => end(new Error('the server closed the connection')))
  socket.on(
    'data',
    responses((answer) => {
      const answered = waiting
      waiting = undefined
      answered?.(answer)
    }),
  )
  return {
    open,
    send(request, answered) {
      waiting = answered
      socket.write(request)
    },
    ask: (request) =>
      new Promise((resolve, reject) => {
        failed = reject
        waiting = resolve
        socket.write(request)
      }),
    close() {
      isOver = true
      socket.destroy()
    },
  }
}

/** One request on a connection of its own. */
export async function askOnce(port: number, request: Buffer): Promise<Answered> {
  const connection = connectHttp(port, () => {})
  try {
    await connection.open
    return await connection.ask(request)
  } finally {
    connection.close()
  }
}

export function get(port: number, path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
}

export function post(port: number, path: string, body: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(body))
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), json])
}

/** The position in an answer's header; `-1` where there is none. */
export function positionIn({ head }: Answered): bigint {
  return BigInt(/\r\nduxnet-position: *(-?\d+)/i.exec(head)?.[1] ?? -1)
}

/** Cuts a byte stream into responses; each must have a Content-Length. */
function responses(answered: (answer: Answered) => void): (chunk: Buffer) => void {
  let buffered: Buffer = Buffer.alloc(0)
  return (chunk) => {
    buffered = buffered.length ? Buffer.concat([buffered, chunk]) : chunk
    for (;;) {
      const headEnd = buffered.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const head = buffered.toString('latin1', 0, headEnd)
      const end = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (buffered.length < end) return
      const body = buffered.subarray(headEnd + 4, end)
      buffered = buffered.subarray(end)
      answered({ status: Number(head.slice(9, 12)), head, body })
    }
  }
}
