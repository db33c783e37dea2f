import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultLimits } from '../../api/deps.ts'
import type { CommandOutcome } from '../../commands/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { type Api, newSigner, startApi } from './harness.ts'

const http = suite<{ api: Api }>('api/http')
http.before(async (context) => {
  context.api = await startApi({ arriveMs: 300 })
})
http.after(({ api }) => api.close())

/** Sends bytes as they are; answers everything that comes until the server closes, or `enough` says so. */
async function raw(port: number, text: string, enough: (received: string) => boolean = () => false): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    received += chunk
    if (enough(received)) socket.destroy()
  })
  socket.write(text)
  await once(socket, 'close')
  return received
}

const isWhole = (received: string) => received.endsWith('}')

function problemIn(answer: string): { code: string; status: number } {
  const { status, ...body } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
  assert.match(answer.toLowerCase(), 'content-type: application/problem+json')
  return { code: body.code, status }
}

http('an unknown address is 404, and so is one that only looks like ours', async ({ api }) => {
  for (const path of ['/nope', '/v1', '/v1/nodes/', '/V1/nodes', '/v1/nodes/a/b', '/problems/', '//v1/nodes']) {
    const { status, body } = await api.get(path)
    assert.equal([path, status, body.code], [path, 404, 'RouteUnknown'])
  }
})

http('a method that an address does not take is 405, with those that it does', async ({ api }) => {
  const allowed: [method: string, path: string, allow: string][] = [
    ['PUT', '/v1/nodes', 'GET, HEAD, POST'],
    ['DELETE', '/v1/nodes/abc', 'GET, HEAD'],
    ['GET', '/v1/commands', 'POST'],
    ['HEAD', '/v1/heartbeats', 'POST'],
    ['PATCH', '/livez', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
  ]
  for (const [method, path, allow] of allowed) {
    const reply = await api.request(path, { method })
    assert.equal([path, reply.status, reply.headers.get('allow')], [path, 405, allow])
    const options = await api.request(path, { method: 'OPTIONS' })
    assert.equal([path, options.status, options.headers.get('allow')], [path, 204, allow])
  }
})

http('HEAD answers as GET, without the body', async ({ api }) => {
  for (const path of ['/livez', '/openapi.json', '/docs', '/v1/nodes/nobody']) {
    const [get, head] = [await api.get(path), await api.request(path, { method: 'HEAD' })]
    assert.is(head.status, get.status)
    assert.is(head.text, '')
    for (const name of ['content-type', 'content-length', 'etag', 'cache-control'])
      assert.is(head.headers.get(name), get.headers.get(name), `${path} ${name}`)
  }
})

http('only those who take JSON get JSON', async ({ api }) => {
  assert.is((await api.get('/livez', { accept: 'text/html' })).body.code, 'NotAcceptable')
  assert.is((await api.get('/livez', { accept: 'application/json;q=0' })).status, 406)
  for (const accept of ['application/json', '*/*', 'application/*', 'text/html, */*;q=0.1', 'application/json;q=0.5, text/html'])
    assert.is((await api.get('/livez', { accept })).status, 200, accept)
  assert.is((await api.get('/docs', { accept: 'text/html' })).status, 200)
})

http('parameters that are unknown, given twice or out of range are refused by name', async ({ api }) => {
  const refusals: [query: string, parameter: string][] = [
    ['colour=red', 'colour'],
    ['status=tired', 'status'],
    ['status=deregistered', 'status'],
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['min_reputation=high', 'min_reputation'],
    ['sort=mood', 'sort'],
    ['after=-1', 'after'],
    ['after=1.5', 'after'],
    ['after=99999999999999999999999', 'after'],
    ['cursor=', 'cursor'],
    ['cursor=abc.def', 'cursor'],
    ['__proto__=1', '__proto__'],
    ['region=%00', 'region'],
  ]
  for (const [query, parameter] of refusals) {
    const { status, body } = await api.get(`/v1/nodes?${query}`)
    assert.equal([query, status, body.parameter], [query, 400, parameter])
  }
  assert.is((await api.get('/livez?x=1')).body.parameter, 'x')
  assert.is((await api.get('/v1/nodes/NO')).body.parameter, 'id')
  assert.is((await api.get(`/v1/nodes/${'a'.repeat(65)}`)).body.parameter, 'id')
  assert.is((await api.get('/v1/commands/not-a-uuid')).body.parameter, 'id')
})

http('what is no HTTP is answered as a problem, too', async ({ api }) => {
  const { port } = api
  assert.equal(problemIn(await raw(port, 'HELO there\r\n\r\n')), { code: 'RequestMalformed', status: 400 })
  const headers = `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`
  assert.equal(problemIn(await raw(port, headers)), { code: 'HeadersTooLarge', status: 431 })
  const address = `GET /livez?${'x'.repeat(5_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
  assert.equal(problemIn(await raw(port, address)), { code: 'UrlTooLong', status: 414 })
  const encoding = 'GET /v1/nodes/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  assert.equal(problemIn(await raw(port, encoding)), { code: 'RequestMalformed', status: 400 })
  const expectation =
    'POST /v1/commands HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'
  assert.is((await raw(port, expectation)).split('\r\n')[0], 'HTTP/1.1 417 Expectation Failed')
})

http('a request that trickles in is given up', async ({ api }) => {
  assert.equal(problemIn(await raw(api.port, 'GET /livez HTTP/1.1\r\nHost: x\r\n')), { code: 'RequestTimeout', status: 408 })
  const body = 'POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"command":'
  assert.match(await raw(api.port, body), '408')
})

http('a body that is too large is refused while it is still coming, and the refusal arrives', async ({ api }) => {
  const head = 'POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  assert.is(problemIn(await raw(api.port, `${head}Content-Length: 99999999\r\n\r\n{`, isWhole)).status, 413)
  const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`
  assert.is(problemIn(await raw(api.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(4)}`, isWhole)).status, 413)
})

http('requests in a row on one connection are answered in their order', async ({ api }) => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const text = get('/livez') + get('/nope') + get('/metrics').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const statuses = [...(await raw(api.port, text)).matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)
  assert.equal(statuses, ['200', '404', '200'])
})

http('answers bear what protects browsers, and open nothing to other origins', async ({ api }) => {
  for (const path of ['/livez', '/nope', '/docs', '/', '/v1/nodes', '/metrics']) {
    const { headers } = await api.get(path, { origin: 'https://elsewhere.example' })
    assert.is(headers.get('x-content-type-options'), 'nosniff')
    assert.is(headers.get('referrer-policy'), 'no-referrer')
    assert.match(headers.get('content-security-policy')!, "default-src 'none'")
    assert.is(headers.get('access-control-allow-origin'), null)
    assert.is(headers.get('x-powered-by'), null)
  }
})

http('a client that goes away in the middle harms nobody', async ({ api }) => {
  const socket = connect(api.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"comm')
  await sleep(20)
  socket.destroy()
  await sleep(50)
  assert.is((await api.get('/livez')).status, 200)
  assert.equal(
    api.logged.filter(({ level }) => level === 'error'),
    [],
  )
})

http('every request is counted by its route, method and status', async ({ api }) => {
  api.requested.length = 0
  await api.get('/livez')
  await api.get('/v1/nodes/UPPER')
  await api.get('/nope')
  await api.request('/livez', { method: 'PUT' })
  assert.equal(api.requested, ['GET /livez 200', 'GET /v1/nodes/:id 400', 'GET none 404', 'PUT /livez 405'])
})

http('the process tells that it lives, whether it is ready, and its metrics', async ({ api }) => {
  assert.equal((await api.get('/livez')).body, { status: 'live', version: '0.1.0-test' })
  assert.equal((await api.get('/readyz')).body, { status: 'ready' })
  assert.equal((await api.get('/readyz?verbose')).body, {
    status: 'ready',
    checks: [{ name: 'event store', ready: true, detail: 'answers' }],
  })
  const metrics = await api.get('/metrics')
  assert.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4')
  assert.is(metrics.text, 'duxnet_test 1\n')
})

http('with Postgres away queries are 503, commands are asked on, and the pages open', async ({ api }) => {
  for (const path of [
    '/v1/nodes/abc',
    '/v1/nodes',
    '/v1/network',
    '/v1/stats',
    '/v1/nodes/abc/heartbeats',
    '/v1/nodes/abc?after=5',
  ]) {
    const { status, headers, body } = await api.get(path)
    assert.equal([path, status, body.code], [path, 503, 'ReadModelUnavailable'])
    assert.ok(Number(headers.get('retry-after')) > 0)
  }
  const node = newSigner()
  const reply = await api.post('/v1/commands', api.sign(node, 'DeregisterNode', node.nodeId, {}))
  assert.is(reply.body.code, 'NodeNotRegistered')
  const home = await api.get('/')
  assert.is(home.status, 200)
  assert.match(home.text, 'cannot be read just now')
})

const limits = suite('api/http, limits')

limits('more queries than are taken at once are answered 503, and whether the process lives is told all the same', async () => {
  const api = await startApi({ limits: { ...defaultLimits, queriesAtOnce: 0 } })
  for (const path of ['/v1/nodes', '/v1/nodes/abc', '/v1/network', '/']) {
    const { status, body, headers } = await api.get(path)
    assert.equal([path, status, body.code, headers.get('retry-after')], [path, 503, 'Overloaded', '1'])
  }
  for (const path of ['/livez', '/readyz', '/metrics', '/docs']) assert.is((await api.get(path)).status, 200, path)
  await api.close()
})

limits('bodies that arrive at once take no more than their share of memory', async () => {
  const api = await startApi({ limits: { ...defaultLimits, bodyBytesAtOnce: 50_000 } })
  const body = JSON.stringify({ filler: 'x'.repeat(40_000) })
  const head = `POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const slow = connect(api.port, '127.0.0.1')
  slow.write(head + body.slice(0, -1))
  let second = await api.post('/v1/commands', body)
  while (second.status !== 503) second = await api.post('/v1/commands', body)
  assert.is(second.body.code, 'Overloaded')
  slow.write(body.slice(-1))
  assert.match(String((await once(slow, 'data'))[0]), 'CommandMalformed')
  slow.destroy()
  assert.is((await api.post('/v1/commands', body)).body.code, 'CommandMalformed')
  await api.close()
})

const readiness = suite('api/http, readiness and shutdown')

readiness('readyz names what is away', async () => {
  const checks = [
    { name: 'event store', ready: true, detail: 'answers' },
    { name: 'postgres', ready: false, detail: 'does not answer' },
  ]
  const api = await startApi({ readiness: async () => checks })
  const { status, body } = await api.get('/readyz')
  assert.is(status, 503)
  assert.equal(body, { status: 'not ready', checks: [checks[1]] })
  assert.equal((await api.get('/readyz?verbose')).body.checks, checks)
  await api.close()
})

/** An API with one command that is answered when the test says so. */
async function withCommandInWork(graceMs?: number) {
  const release = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const submit = async (): Promise<CommandOutcome> => {
    begun.resolve()
    await release.promise
    throw new DomainError('NodeNotRegistered')
  }
  const api = await startApi({ submit, ...(graceMs !== undefined && { graceMs }) })
  const inWork = api.post('/v1/commands', {})
  await begun.promise
  return { api, inWork, release }
}

readiness('a process that stops says so first, then answers what it has taken, then closes', async () => {
  const { api, inWork, release } = await withCommandInWork()
  api.stopping.abort()
  const ready = await api.get('/readyz')
  assert.equal([ready.status, ready.body.status], [503, 'stopping'])
  assert.is(ready.headers.get('connection'), 'close')
  const idle = connect(api.port, '127.0.0.1')
  const request = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'
  idle.write(request)
  const [first] = await once(idle, 'data')
  assert.match(String(first), '200 OK')

  let closed = false
  const closing = api.listening.close().then(() => {
    closed = true
  })
  await sleep(100)
  assert.not.ok(closed)
  assert.is(
    await fetch(`${api.url}/livez`).then(
      ({ status }) => status,
      () => 'refused',
    ),
    'refused',
  )
  release.resolve()
  assert.is((await inWork).status, 404)
  await closing
  idle.destroy()
  await api.close().catch(() => {})
})

readiness('what does not end within the grace is ended', async () => {
  const { api, inWork, release } = await withCommandInWork(100)
  const outcome = inWork.then(
    () => 'answered',
    () => 'broken',
  )
  await api.listening.close()
  assert.is(await outcome, 'broken')
  release.resolve()
  await api.close().catch(() => {})
})

readiness('a port that is taken is said so', async () => {
  const api = await startApi()
  const { listen } = await import('../../api/server.ts')
  const { default: express } = await import('express')
  await listen(express(), { host: '127.0.0.1', port: api.port }).then(
    () => assert.unreachable('it listened'),
    (error) => assert.is(error.code, 'EADDRINUSE'),
  )
  await api.close()
})

http.run()
limits.run()
readiness.run()
