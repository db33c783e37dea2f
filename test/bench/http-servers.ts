// What a user would write without us: forked with `hello`, or with `pg DATABASE_URL`; tells its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import pg from 'pg'

const [kind, url] = process.argv.slice(2)
const app = express()
app.set('etag', false)
app.disable('x-powered-by')

if (kind === 'hello') {
  app.get('/v1/nodes/:id', (request, response) => void response.json({ id: request.params.id, hello: 'world' }))
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
