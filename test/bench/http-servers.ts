// What a user would write without us: forked with `hello`, `sse`, `pg DATABASE_URL` or `heartbeats ESDB_URL`; tells its port.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import canonicalize from 'canonicalize'
import express from 'express'
import pg from 'pg'
import type { Envelope } from '../../domain/envelope.ts'

const [kind, url] = process.argv.slice(2)
const app = express()
app.set('etag', false)
app.disable('x-powered-by')

if (kind === 'hello') {
  app.get('/v1/nodes/:id', (request, response) => void response.json({ id: request.params.id, hello: 'world' }))
} else if (kind === 'sse') {
  // What is posted goes to all who listen, 40 times a second: written at once, each to each, it would be too much for one processor.
  const listeners = new Set<express.Response>()
  let unsent: string[] = []
  app.get('/', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 1000\n\n')
    listeners.add(response)
    response.on('close', () => listeners.delete(response))
  })
  app.post('/', express.json(), (request, response) => {
    const { index, data } = request.body
    const sequence = String(index).padStart(16, '0')
    const message = { time: new Date().toISOString(), sequence, position: String(index), data }
    unsent.push(`id: ${index}\ndata: ${JSON.stringify(message)}\n\n`)
    response.end()
  })
  setInterval(() => {
    if (!unsent.length) return
    const bytes = Buffer.from(unsent.join(''))
    unsent = []
    for (const listener of listeners) listener.write(bytes)
  }, 25)
} else if (kind === 'heartbeats') {
  // A signature is checked and the heartbeat appended: who may send it, how often, and whether it is a repetition is not asked.
  const client = EventStoreDBClient.connectionString(url!)
  const keys = new Map<string, KeyObject>()
  const verifyOnPool = promisify<null, Buffer, KeyObject, Buffer, boolean>(verify)
  const take = async ({ command, publicKey, signature }: Envelope) => {
    let key = keys.get(publicKey)
    if (!key) keys.set(publicKey, (key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })))
    const signed = Buffer.from(`duxnet-command-v1\n${canonicalize(command)}`)
    if (!(await verifyOnPool(null, signed, key, Buffer.from(signature, 'base64url')))) return { status: 403 }
    const { data, ...rest } = command
    const metadata = { command: rest, publicKey, signature } as object
    await client.appendToStream(`bare_heartbeat-${command.subject}`, jsonEvent({ type: 'HeartbeatRecorded', data, metadata }))
    return { status: 201 }
  }
  app.post('/v1/heartbeats', express.json({ limit: '4mb' }), async (request, response) => {
    response.json({ answers: await Promise.all((request.body.heartbeats as Envelope[]).map(take)) })
  })
} else {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  app.get('/v1/nodes/:id', async (request, response) => {
    const { rows } = await pool.query({
      name: 'by-id',
      text: 'select body from bench_nodes where id = $1',
      values: [request.params.id],
    })
    if (rows[0]) response.json(rows[0].body)
    else response.sendStatus(404)
  })
}
// The backlog of a burst, as ours has it; Node's own is 511.
const server = createServer(app)
process.on('disconnect', () => process.exit())
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send!((server.address() as AddressInfo).port))
