// What a user would write without us: run as `node http-servers.ts hello|pg PORT [DATABASE_URL]`.
import express from 'express'
import pg from 'pg'

const [kind, port, url] = process.argv.slice(2)
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
app.listen(Number(port), '127.0.0.1', () => process.send?.('ready'))
