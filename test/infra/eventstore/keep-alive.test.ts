import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { grpc } from '../../../infra/embedded/eventstore/grpc/server.ts'
import { httpOverHttp2 } from '../../../infra/embedded/eventstore/http/over-http2.ts'
import { openPort } from '../../../infra/embedded/eventstore/port/port.ts'
import { eventually } from './support.ts'

const test = suite('eventstore keep-alive')

const nobody = { accept: () => {}, close: () => {} }

/** A port that has little patience with clients. */
async function withPort(run: (port: number) => Promise<void>): Promise<void> {
  const port = await openPort({
    host: '127.0.0.1',
    port: 0,
    http2: grpc(new Map(), httpOverHttp2([]), { intervalMs: 20, unanswered: 5 }),
    http1: nobody,
  })
  try {
    await run(port.port)
  } finally {
    await port.close()
  }
}

test('a client that answers nothing any more is let go', async () => {
  await withPort(async (port) => {
    const socket = connect(port, '127.0.0.1')
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]))
    let isOver = false
    socket.on('data', () => {})
    socket.on('error', () => {})
    socket.on('close', () => (isOver = true))
    await eventually(() => isOver, 'the connection is closed')
  })
})

test('a client that only answers pings stays', async () => {
  await withPort(async (port) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    let pings = 0
    session.on('ping', () => pings++)
    await eventually(() => pings > 20, 'it was asked often')
    assert.is(session.destroyed, false)
    await new Promise<void>((resolve) => session.close(() => resolve()))
  })
})

test.run()
