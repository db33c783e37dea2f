// One port, two protocols: what a connection speaks is found out, whatever its bytes and however slowly they come.
import { once } from 'node:events'
import { request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { EventStoreDBClient } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { grpc } from '../../../infra/embedded/eventstore/grpc/server.ts'
import { httpOverHttp2 } from '../../../infra/embedded/eventstore/http/over-http2.ts'
import type { Route } from '../../../infra/embedded/eventstore/http/routes.ts'
import { http } from '../../../infra/embedded/eventstore/http/server.ts'
import { openPort, type Port } from '../../../infra/embedded/eventstore/port/port.ts'
import { openServer } from '../../../infra/embedded/eventstore/server.ts'
import { getSupportedMethods } from '../../../infra/embedded/eventstore/services/discovery.ts'
import { testCertificate } from '../../support/certificates.ts'
import { isLong, randomFrom, seed, tick, withStore } from './support.ts'

const test = suite(`one port, both protocols (seed ${seed})`)
const random = randomFrom(seed)

const features = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods'
const routes: readonly Route[] = [{ method: 'GET', path: '/ping', audience: 'anyone', answer: () => ({ status: 200 }) }]
const handlers = new Map([[features, getSupportedMethods()]])

/** Runs something with a port. */
async function withPort(run: (port: Port) => Promise<void>, patienceMs = 10_000): Promise<void> {
  const http1 = http(routes, { headMs: patienceMs, requestMs: patienceMs })
  const port = await openPort({ host: '127.0.0.1', port: 0, http2: grpc(handlers, httpOverHttp2(routes)), http1, patienceMs })
  await run(port).finally(() => port.close())
}

async function ping(port: number): Promise<number> {
  const sent = request({ port, path: '/ping', agent: false }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}

/** A raw connection, and everything that came back until it was closed. */
async function raw(port: number, talk: (socket: Socket) => Promise<void> | void): Promise<Buffer> {
  const socket = connect({ port, noDelay: true })
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await talk(socket)
  await closed
  return Buffer.concat(received)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function byteByByte(socket: Socket, text: string, ms = 1): Promise<void> {
  for (const byte of Buffer.from(text, 'latin1')) {
    if (socket.destroyed) return
    socket.write(Buffer.of(byte))
    await pause(ms)
  }
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const emptySettings = '\0\0\0\x04\0\0\0\0\0'
const goAway = '\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0'

test('gRPC and HTTP/1.1 at once, many connections of each', async () => {
  await withStore(async (client, { port }) => {
    const appends = Array.from({ length: 200 }, (_, n) => client.appendToStream(`s-${n % 8}`, tick(n)))
    const pings = Array.from({ length: 50 }, () => ping(port))
    assert.equal(new Set(await Promise.all(pings)), new Set([200]))
    for (const { success } of await Promise.all(appends)) assert.ok(success)
  })
})

test('a preface that comes byte by byte, and one with all that follows in one write', async () => {
  await withPort(async ({ port }) => {
    const slow = await raw(port, (socket) => byteByByte(socket, preface + emptySettings + goAway))
    const fast = await raw(port, (socket) => void socket.write(preface + emptySettings + goAway, 'latin1'))
    for (const answer of [slow, fast]) assert.is(answer[3], 4, 'the server answers with its settings')
  })
})

test('a request that begins like the preface, byte by byte', async () => {
  await withPort(async ({ port }) => {
    const rest = ' /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
    for (const [method, status] of [
      ['GET', '200 OK'],
      ['POST', '405 Method Not Allowed'],
      ['PRI', '400 Bad Request'],
    ] as const) {
      const answer = await raw(port, (socket) => byteByByte(socket, method + rest))
      assert.match(answer.toString().split('\r\n')[0]!, status)
    }
  })
})

test('a first write that fills every buffer reaches the other protocol whole', async () => {
  await withPort(async ({ port }) => {
    const body = 'x'.repeat(60_000)
    const head = `POST /ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
    const answer = await raw(port, (socket) => void socket.write(head + body))
    assert.match(answer.toString(), 'HTTP/1.1 405')
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const call = session.request({ ':method': 'POST', ':path': features, 'content-type': 'application/grpc' })
    const messages = Buffer.alloc(5 * 40_000) // that many messages of no bytes
    call.end(messages)
    call.resume()
    const [trailers] = await once(call, 'trailers')
    assert.is(trailers['grpc-status'], '0')
    session.close()
  })
})

test('what is neither is told so, and the port goes on', async () => {
  await withPort(async ({ port }) => {
    for (const garbage of [
      '\0\0\0\0\0\0\0\0',
      '\x16\x03\x01\x02\0\x01\0\x01\xfc',
      'hello\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
    ]) {
      const answer = await raw(port, (socket) => void socket.write(garbage, 'latin1'))
      assert.match(answer.toString(), 'HTTP/1.1 400')
    }
    const nonsense = await raw(port, (socket) => void socket.write(`${preface}${'nonsense'.repeat(1_000)}`))
    assert.not.match(nonsense.toString('latin1'), 'HTTP/1.1')
    assert.is(await ping(port), 200)
  })
})

test('who says nothing, or too little too slowly, is cut off', async () => {
  await withPort(async ({ port }) => {
    assert.is((await raw(port, () => {})).length, 0)
    assert.is((await raw(port, (socket) => void socket.write('PRI * HT'))).length, 0)
    const head = `GET /ping HTTP/1.1\r\nx: ${'y'.repeat(2_000)}`
    const answer = (await raw(port, (socket) => byteByByte(socket, head, 5))).toString()
    if (answer !== '') assert.match(answer, '408 Request Timeout') // which can be lost when the connection is reset
  }, 300)
})

test('heads and bodies have a largest size', async () => {
  await withPort(async ({ port }) => {
    const long = await raw(port, (socket) => void socket.write(`GET /ping HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`))
    assert.match(long.toString(), '431')
    const post = 'POST /ping HTTP/1.1\r\nhost: x\r\n'
    const announced = await raw(port, (socket) => void socket.write(`${post}content-length: 1000000\r\n\r\n`))
    assert.match(announced.toString(), '413')
    // The answer can be lost when the connection is reset under what is still on its way.
    await raw(port, (socket) => {
      socket.write(`${post}transfer-encoding: chunked\r\n\r\n`)
      for (let n = 0; n < 10; n++) socket.write(`2710\r\n${'x'.repeat(10_000)}\r\n`)
    })
    assert.is(await ping(port), 200)
  })
})

interface Answered {
  readonly status: number | undefined
  readonly body: string
}

async function overHttp2(session: ClientHttp2Session, headers: Record<string, string>, body?: Buffer): Promise<Answered> {
  const stream = session.request(headers, { endStream: body === undefined })
  stream.on('error', () => {}) // the answer may come before the whole request was taken
  stream.setEncoding('utf8')
  let text = ''
  stream.on('data', (chunk) => (text += chunk))
  if (body) stream.end(body)
  const [answered] = await once(stream, 'response')
  await new Promise((resolve) => stream.once('close', resolve))
  return { status: answered[':status'], body: text }
}

test('what is not gRPC is answered over HTTP/2 as over HTTP/1.1: browsers speak it when the port has a certificate', async () => {
  const certificate = testCertificate()
  for (const security of [undefined, certificate]) {
    const server = await openServer({ directory: undefined, host: '127.0.0.1', port: 0, certificate: security })
    const session = connectHttp2(`${security ? 'https' : 'http'}://localhost:${server.port}`, { ca: certificate.ca })
    const authorization = `Basic ${Buffer.from('admin:changeit').toString('base64')}`
    assert.equal(JSON.parse((await overHttp2(session, { ':path': '/ping' })).body), { text: 'Ping request successfully handled' })
    assert.equal(await overHttp2(session, { ':path': '/ping', ':method': 'HEAD' }), { status: 200, body: '' })
    assert.is((await overHttp2(session, { ':path': '/', ':method': 'DELETE' })).status, 405)
    assert.is((await overHttp2(session, { ':path': '/' })).status, security ? 401 : 200)
    assert.match((await overHttp2(session, { ':path': '/', authorization })).body, '<h1>DuxNet event store')
    assert.is(JSON.parse((await overHttp2(session, { ':path': '/gossip' })).body).serverPort, server.port)
    const large = Buffer.alloc(200_000)
    assert.is((await overHttp2(session, { ':path': '/ping', ':method': 'POST' }, large)).status, 413)
    session.close()
    await server.close()
  }
})

test('random bytes in random pieces harm nobody', async () => {
  await withPort(async ({ port }) => {
    for (let round = 0; round < (isLong ? 2_000 : 100); round++) {
      const good = round % 2 ? preface + emptySettings : 'GET /ping HTTP/1.1\r\nhost: x\r\n\r\n'
      const bytes = Buffer.from(good.slice(0, Math.floor(random() * good.length)), 'latin1')
      const garbage = Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256)))
      await raw(port, async (socket) => {
        for (let rest = Buffer.concat([bytes, garbage]); rest.length > 0 && !socket.destroyed; ) {
          const length = 1 + Math.floor(random() * rest.length)
          socket.write(rest.subarray(0, length))
          rest = rest.subarray(length)
          await new Promise(setImmediate)
        }
        socket.end()
      })
    }
    assert.is(await ping(port), 200)
  }, 1_000)
})

test('closing ends both kinds of connections, the idle and the undecided too', async () => {
  const port = await openPort({ host: '127.0.0.1', port: 0, http2: grpc(handlers, httpOverHttp2(routes)), http1: http(routes) })
  const ended: Promise<unknown>[] = []
  const session = connectHttp2(`http://127.0.0.1:${port.port}`)
  ended.push(once(session, 'close'))
  await once(session, 'remoteSettings')
  ended.push(raw(port.port, (socket) => void socket.write('GET /ping HTTP/1.1\r\nhost: x\r\n\r\n')))
  ended.push(raw(port.port, (socket) => void socket.write('PRI')))
  assert.is(await ping(port.port), 200)
  await port.close()
  await Promise.all(ended)
})

test('over TLS the handshake decides', async () => {
  const certificate = testCertificate()
  const server = await openServer({ directory: undefined, host: '127.0.0.1', port: 0, certificate })
  const client = new EventStoreDBClient(
    { endpoint: { address: 'localhost', port: server.port } },
    { rootCertificate: Buffer.from(certificate.ca) },
    { username: 'admin', password: 'changeit' },
  )
  for (let n = 0; n < 10; n++) await client.appendToStream('ticks', tick(n))
  const events = []
  for await (const { event } of client.readStream('ticks')) events.push(event)
  assert.is(events.length, 10)
  const sent = secureRequest({ host: 'localhost', port: server.port, path: '/ping', ca: certificate.ca, agent: false }).end()
  const [response] = await once(sent, 'response')
  assert.is(response.statusCode, 200)
  response.resume()
  assert.is(
    (await raw(server.port, (socket) => void socket.write('GET /ping HTTP/1.1\r\n\r\n'))).toString('latin1').indexOf('HTTP'),
    -1,
  )
  await client.dispose()
  await server.close()
})

test.run()
