// The page for a person: what it shows, that hostile names stay text, and that it stays small.
import { request } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { startEmbeddedEventStore } from '../../../infra/embedded/eventstore/start.ts'
import { listStreams } from '../../../infra/embedded/eventstore/status/streams.ts'
import { count, duration, size, visible } from '../../../infra/embedded/eventstore/status/text.ts'
import { openStore, type Store } from '../../../infra/embedded/eventstore/store.ts'
import { type Credentials, connect } from '../../conformance/lib/connection.ts'
import { loadSchema } from '../../conformance/lib/schema.ts'
import { testCertificate } from '../../support/certificates.ts'
import { tick, withStore } from './support.ts'

const test = suite('status page')

interface Page {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

function get(port: number, path: string, method = 'GET', headers = {}): Promise<Page> {
  return new Promise((resolve, reject) =>
    request({ port, path, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
    })
      .on('error', reject)
      .end(),
  )
}

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onfocus='alert(1)' autofocus='",
  '</style></table><h1>mine</h1>',
  '&lt;b&gt;',
  'turn\u202eed\u2066 \u0000\u0007\n around\ud800',
  '{{7*7}}',
  'x'.repeat(5_000),
]

test('names are text, whatever is in them', async () => {
  await withStore(async (client, { port }) => {
    for (const name of hostile) await client.appendToStream(name.toWellFormed(), tick(1, name.toWellFormed().slice(0, 100)))
    const { status, headers, body } = await get(port, '/')
    assert.is(status, 200)
    assert.is(headers['content-type'], 'text/html; charset=utf-8')
    const searched = await get(port, `/web?prefix=${encodeURIComponent(hostile[1]!)}`)
    for (const markup of [body, searched.body]) {
      for (const [, tag] of markup.matchAll(/<([a-z0-9]+)/g)) assert.ok(tags.has(tag!), tag)
      assert.not.match(markup.replaceAll(/"[^"]*"/g, '""'), /<[^>]*\son[a-z]+=/i)
      assert.not.match(markup, /[\u0000\u0007\u202e\u2066]/)
    }
    assert.match(body, '&lt;script&gt;alert(1)&lt;/script&gt;')
    assert.match(body, '&amp;lt;b&amp;gt;')
    assert.match(body, 'turn\\u{202e}ed\\u{2066} \\u{0}\\u{7}\\u{a} around')
    assert.match(searched.body, 'value="&quot;&gt;&lt;img')
    assert.match(searched.body, '&lt;img src=x onerror=alert(1)&gt;</bdi>')
    assert.not.match(searched.body, 'mine')
  })
})

const tags = new Set(
  'html meta title style header h1 p main dl div dt dd small section h2 form label input button table thead tr th tbody td bdi code'.split(
    ' ',
  ),
)

test('it says that it needs nothing, and gets nothing', async () => {
  await withStore(async (_, { port }) => {
    const { headers, body } = await get(port, '/')
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    )
    assert.is(headers['x-content-type-options'], 'nosniff')
    assert.not.match(body, /\b(src|href)="(?!\/web)/)
    assert.not.match(body, 'style=')
    assert.is((await get(port, '/', 'HEAD')).body, '')
    assert.is((await get(port, '/', 'POST')).status, 405)
    for (const before of ['x', '-1', '1e3', '9'.repeat(16)]) assert.is((await get(port, `/web?before=${before}`)).status, 400)
    assert.is((await get(port, '/web?before=0')).status, 200)
    assert.is((await get(port, `/web?prefix=${'%00'.repeat(600)}`)).status, 200)
    const elsewhere = { origin: 'http://evil.example', 'content-length': 0 }
    assert.is((await get(port, '/subscriptions/restart', 'POST', elsewhere)).status, 403)
  })
})

async function write(store: Store, ...names: string[]): Promise<void> {
  for (const stream of names) {
    const event = {
      id: crypto.randomUUID(),
      type: Buffer.from('Ticked'),
      isJson: false,
      metadata: Buffer.alloc(0),
      data: Buffer.alloc(0),
    }
    await new Promise((resolve) => store.writer.append(stream, any, [event], resolve))
  }
}

test('streams are listed newest first, page by page, by prefix, and a look is bounded', async () => {
  const store = await openStore(undefined)
  const names = Array.from({ length: 120 }, (_, n) => `${n % 2 ? 'odd' : 'even'}-${n}`)
  await write(store, ...names)
  const pages = (prefix: string) => {
    const found: string[][] = []
    for (let before: number | undefined = store.log.nextStream; before !== undefined; ) {
      const list = listStreams(store, prefix, before)
      found.push(list.streams.map(({ name }) => name))
      before = list.before
    }
    return found
  }
  const all = pages('')
  assert.equal(all.flat(), names.toReversed())
  assert.ok(all.every((page) => page.length <= 50))
  assert.equal(pages('odd-').flat(), names.filter((name) => name.startsWith('odd')).toReversed())
  assert.equal(pages('$$$').flat().sort(), ['$$$settings', '$$$stats', '$$$users'])
  assert.equal(pages('none').flat(), [])

  await new Promise((resolve) => store.writer.softDelete('even-118', any, resolve))
  await new Promise((resolve) => store.writer.tombstone('never-written', any, resolve))
  const [tombstoned, , deleted] = listStreams(store, '').streams
  assert.equal([tombstoned!.name, tombstoned!.state, tombstoned!.lastRevision], ['never-written', 'tombstoned', undefined])
  assert.equal([deleted!.name, deleted!.state, deleted!.lastRevision], ['even-118', 'deleted', 0])
  await store.close()
})

test('with users it is for administrators and operators', async () => {
  const certificate = testCertificate()
  const store = await startEmbeddedEventStore({ directory: undefined, port: 0, certificate })
  const connection = connect(`localhost:${store.port}`, loadSchema(), { ca: Buffer.from(certificate.ca) })
  const status = async (path: string, as: Credentials | null) => (await connection.http('GET', path, { as })).status
  for (const path of ['/', '/web', '/web?prefix=$']) {
    assert.is(await status(path, null), 401)
    assert.is(await status(path, { user: 'ops', password: 'wrong' }), 401)
    for (const user of ['admin', 'ops']) assert.is(await status(path, { user, password: 'changeit' }), 200)
  }
  const { headers } = await connection.http('GET', '/')
  assert.match(headers['www-authenticate']!, 'Basic')
  connection.close()
  await store.close()
})

test('numbers and names as people read them', () => {
  assert.equal([0, 999, 1_000, 1_234_567].map(count), ['0', '999', '1\u202f000', '1\u202f234\u202f567'])
  assert.equal([0, 1, 1_023, 1_024, 1_536, 2 ** 50].map(size), [
    '0\u00a0bytes',
    '1\u00a0bytes',
    '1023\u00a0bytes',
    '1.0\u00a0KiB',
    '1.5\u00a0KiB',
    '1024.0\u00a0TiB',
  ])
  assert.equal([0, 61_000, 3_700_000, 3e8].map(duration), ['0\u00a0s', '1\u00a0min', '1\u00a0h 1\u00a0min', '3\u00a0days'])
  assert.is(visible('a\u200bb'), 'a\\u{200b}b')
})

test.run()
