// A client that discovers its node is told an address that it can dial, however the server was bound and found.
import { request } from 'node:http'
import { hostname } from 'node:os'
import { EventStoreDBClient } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Advertise, Node } from '../../../infra/embedded/eventstore/node.ts'
import { openServer, type Server } from '../../../infra/embedded/eventstore/server.ts'
import { standalone, tick } from './support.ts'

const test = suite('discovery')

async function withServer(host: string, run: (server: Server) => Promise<void>, advertise?: Advertise): Promise<void> {
  const server = await openServer({ directory: undefined, host, port: 0, advertise })
  await run(server).finally(() => server.close())
}

async function appendThrough(connectionString: string): Promise<void> {
  const client = EventStoreDBClient.connectionString(connectionString)
  try {
    const { success } = await client.appendToStream('ticks', tick(1))
    assert.ok(success)
  } finally {
    await client.dispose()
  }
}

test('of a server bound to loopback, to every address, and by name', async () => {
  for (const [bound, dialled] of [
    ['127.0.0.1', ['127.0.0.1', 'localhost']],
    ['0.0.0.0', ['127.0.0.1', 'localhost', hostname()]],
    ['localhost', ['localhost']],
  ] as const) {
    await withServer(bound, async ({ port }) => {
      for (const host of dialled) await appendThrough(`esdb+discover://${host}:${port}?tls=false&maxDiscoverAttempts=2`)
      await appendThrough(`esdb://${dialled[0]}:${port},${dialled[0]}:${port}?tls=false`)
    })
  }
})

test('what is advertised is what clients are sent to', async () => {
  await withServer('127.0.0.1', async (behind) => {
    const advertise = { host: 'localhost', port: behind.port }
    await withServer('127.0.0.1', ({ port }) => appendThrough(`esdb+discover://127.0.0.1:${port}?tls=false`), advertise)
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${behind.port}?tls=false`)
    const events = []
    for await (const { event } of client.readStream('ticks')) events.push(event)
    assert.is(events.length, 1)
    await client.dispose()
  })
})

test('the command advertises what it is told', async () => {
  const store = await standalone(['--mem-db', '--node-host-advertise-as', 'node.example', '--node-port-advertise-as', '4711'])
  const response = await fetch(`http://${new URL(store.connectionString).host}/gossip`)
  const { members } = (await response.json()) as { members: { httpEndPointIp: string; httpEndPointPort: number }[] }
  assert.equal([members[0]!.httpEndPointIp, members[0]!.httpEndPointPort], ['node.example', 4711])
  assert.is(await store.kill('SIGTERM'), 0)
})

test('an authority is taken apart, or is none', () => {
  const of = (authority: string, advertise = {}, isSecure = false) =>
    new Node({ advertise, isSecure, hasAtomPub: false, settings: {} }).addressFor(authority)
  assert.equal(of('node.example:2113'), { host: 'node.example', port: 2113 })
  assert.equal(of('[::1]:2113'), { host: '::1', port: 2113 })
  assert.equal(of('node.example'), { host: 'node.example', port: 80 })
  assert.equal(of('node.example', {}, true), { host: 'node.example', port: 443 })
  assert.equal(of('node.example:1', { host: 'other' }), { host: 'other', port: 1 })
  assert.equal(of('node.example:1', { port: 2 }), { host: 'node.example', port: 2 })
  for (const none of ['', ':2113', 'a b', 'host:port']) assert.is(of(none), undefined)
})

test('over HTTP, a host that is none is refused', async () => {
  await withServer('127.0.0.1', async ({ port }) => {
    const status = (host: string) =>
      new Promise((resolve) =>
        request({ port, path: '/gossip', headers: { host }, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode)
        }).end(),
      )
    assert.is(await status('localhost:1'), 200)
    assert.is(await status('a b'), 400)
  })
})

test.run()
