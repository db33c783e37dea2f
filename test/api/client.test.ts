import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Client, createClient, type Heard, NetworkChanged, Refused, Unavailable } from '../../api/client.ts'
import { eventStreamReader } from '../../api/event-stream.ts'
import { type TcpProxy, tcpProxy } from '../adapters/tcp-proxy.ts'
import { property } from '../support/property.ts'
import { isLong } from '../support/random.ts'
import { type Api, countEvents, newSigner, profile, type ReadSide, startWhole } from './harness.ts'

const client = suite<{ api: Api; readSide: ReadSide; proxy: TcpProxy }>('api/client')
client.before(async (context) => {
  Object.assign(context, await startWhole({ feeds: { aliveMs: 200 } }))
  context.proxy = await tcpProxy(context.api.port)
})
client.after(async ({ api, readSide, proxy }) => {
  await proxy.close()
  await api.close()
  await readSide.close()
})

/** A node of its own and a client that sends for it. */
function nodeAt(url: string, options: Partial<Parameters<typeof createClient>[0]> = {}) {
  const node = newSigner()
  return { ...node, client: createClient({ url, signer: node, ...options }), subject: node.nodeId }
}

async function registered(url: string) {
  const node = nodeAt(url)
  const { position } = await node.client.send('RegisterNode', { profile }, { subject: node.subject })
  return { ...node, position: position! }
}

async function take<Type extends Heard['event']['type']>(
  events: AsyncGenerator<Heard<Type>>,
  count: number,
): Promise<Heard<Type>[]> {
  const heard: Heard<Type>[] = []
  for await (const event of events) if (heard.push(event) === count) break
  return heard
}

client('a command is signed, sent and answered with what it made', async ({ api }) => {
  const node = nodeAt(api.url)
  const outcome = await node.client.send('RegisterNode', { profile }, { subject: node.subject })
  assert.is(outcome.outcome, 'accepted')
  assert.is(outcome.events[0]!.type, 'NodeRegistered')
  const again = await node.client
    .send('RegisterNode', { profile }, { subject: node.subject, commandId: outcome.commandId })
    .catch((e) => e)
  assert.ok(again instanceof Refused || again.outcome === 'repeated')
})

client('a refusal has its code, its status and the whole problem', async ({ api }) => {
  const node = nodeAt(api.url)
  const refusal = await node.client.send('DeregisterNode', {}, { subject: node.subject }).catch((error) => error)
  assert.ok(refusal instanceof Refused)
  assert.is(refusal.code, 'NodeNotRegistered')
  assert.is(refusal.status, 404)
  assert.is(refusal.problem.code, 'NodeNotRegistered')
})

client('what is not there is undefined, and what is asked wrongly is refused', async ({ api }) => {
  const reader = createClient({ url: api.url })
  assert.is(await reader.get(`/v1/nodes/${newSigner().nodeId}`), undefined)
  const refusal = (await reader.get('/v1/nodes?status=none').catch((error) => error)) as Refused
  assert.is(refusal.code, 'ParameterInvalid')
  assert.is((await reader.network()).networkId, api.network.networkId)
})

client('where nobody answers it says so, after trying for as long as it may', async () => {
  const node = nodeAt('http://127.0.0.1:1')
  const error = await node.client.send('DeregisterNode', {}, { subject: node.subject, retryMs: 0 }).catch((error) => error)
  assert.ok(error instanceof Unavailable)
})

client('a reply that is lost is asked for again, and the command happens once', async ({ api, proxy }) => {
  const before = await countEvents(api.store)
  let lost = 0
  const losing: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init)
    if (init?.method === 'POST' && lost++ < 2) throw new TypeError('fetch failed')
    return answer
  }
  const node = nodeAt(`http://127.0.0.1:${proxy.port}`, { fetch: losing })
  const outcome = await node.client.send('RegisterNode', { profile }, { subject: node.subject })
  assert.is(outcome.outcome, 'repeated')
  assert.is(lost, 3)
  assert.is(await countEvents(api.store), before + 1)
})

client("commands are dated by the server's clock", async ({ api }) => {
  const { now } = api.clock
  api.clock.advance(7200)
  try {
    let ahead = 0
    const node = nodeAt(api.url, { onClock: (ms) => (ahead = ms) })
    await node.client.send('RegisterNode', { profile }, { subject: node.subject })
    assert.ok(Math.abs(ahead - 7_200_000) < 60_000)
  } finally {
    api.clock.now = now
  }
})

client('a subscription hears typed events from where it is told, and ends when it is left', async ({ api }) => {
  const node = await registered(api.url)
  for (let n = 0; n < 3; n++)
    await node.client.send('UpdateNode', { profile: { ...profile, cores: 50 + n } }, { subject: node.subject })
  const subjects = [`node:${node.nodeId}`]
  const updates = await take(node.client.subscribe({ from: 'start', types: ['NodeUpdated'], subjects }), 3)
  assert.equal(
    updates.map(({ event }) => event.data.profile.cores),
    [50, 51, 52],
  )
  const rest = await take(node.client.subscribe({ from: updates[0]!.position, subjects }), 2)
  assert.equal(
    rest.map(({ event }) => event.type),
    ['NodeUpdated', 'NodeUpdated'],
  )
})

client('abort ends a subscription, also while it waits', async ({ api }) => {
  const controller = new AbortController()
  const events = createClient({ url: api.url }).subscribe({ signal: controller.signal })
  const next = events.next()
  setTimeout(() => controller.abort(), 50)
  assert.is((await next).done, true)
})

client('what is asked wrongly is thrown, not tried for ever', async ({ api }) => {
  const error = await createClient({ url: api.url })
    .subscribe({ subjects: ['nonsense'] })
    .next()
    .catch((error) => error)
  assert.is(error.code, 'ParameterInvalid')
})

client('connections that break leave no gap and nothing twice', async ({ api, proxy }) => {
  const cuts = isLong ? 100 : 8
  const states: string[] = []
  const url = `http://127.0.0.1:${proxy.port}`
  const listener = createClient({ url })
  const start = (await registered(api.url)).position
  const events = listener.subscribe({ from: start, onState: (state) => states.push(state) })
  const written: string[] = []
  const heard: string[] = []
  let cut = 0
  const listening = (async () => {
    for await (const { position } of events) {
      heard.push(position)
      if (written.length && heard.length >= written.length && cut >= cuts && position === written.at(-1)) break
    }
  })()
  while (cut < cuts) {
    for (let n = 0; n < 3; n++) written.push((await registered(api.url)).position)
    while (states.at(-1) !== 'live') await sleep(10)
    proxy.cut()
    cut += 1
    while (states.filter((state) => state === 'reconnecting').length < cut) await sleep(10)
  }
  written.push((await registered(api.url)).position)
  await listening
  assert.equal(heard, written)
})

client('another network behind the address ends it', async ({ api }) => {
  const events = ['urn:uuid:one', 'urn:uuid:two'].map(
    (source, n) => `id: ${n}\ndata: ${JSON.stringify({ source, data: { position: String(n) } })}\n\n`,
  )
  const fake = (async () => new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } })) as typeof fetch
  const listener: Client = createClient({ url: api.url, fetch: fake })
  const error = await take(listener.subscribe(), 2).catch((error) => error)
  assert.ok(error instanceof NetworkChanged)
})

client('a stream reads the same in whatever pieces it comes', async () => {
  const read = (chunks: readonly string[]) => {
    const found: string[] = []
    const take = eventStreamReader(
      ({ id, data }) => found.push(`${id} ${data}`),
      (id) => found.push(`id ${id}`),
    )
    for (const chunk of chunks) take(chunk)
    return found
  }
  const line = fc.oneof(
    fc.constantFrom(
      '',
      'data',
      'data:',
      'data: x',
      'data:y',
      'id: 7',
      'id',
      'id: a\0b',
      ': comment',
      'retry: 10',
      'event: e',
      'unknown: 1',
      '\uFEFFdata: z',
    ),
    fc.string({ maxLength: 8 }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`),
  )
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  const stream = fc.array(fc.tuple(line, ends), { maxLength: 30 }).map((lines) => lines.map(([text, end]) => text + end).join(''))
  await property(
    fc.property(stream, fc.array(fc.nat({ max: 400 }), { maxLength: 10 }), (text, cutsAt) => {
      const cuts = [...new Set(cutsAt.map((at) => at % (text.length + 1)))].sort((a, b) => a - b)
      const chunks = [0, ...cuts].map((from, n) => text.slice(from, [...cuts, text.length][n]))
      assert.equal(read(chunks), read([text]))
    }),
  )
  assert.equal(read(['\uFEFFid: 1\r\ndata: a\r\ndata: b\r\n\r\n']), ['id 1', '1 a\nb'])
})

client('pages can load it: the sources without their types, and all that they import', async ({ api }) => {
  const loaded = new Map<string, string>()
  const paths = ['/modules/api/client.ts']
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    if (loaded.has(path)) continue
    const { status, headers, text } = await api.get(path)
    assert.is(status, 200, path)
    assert.match(headers.get('content-type')!, 'text/javascript')
    assert.not.match(text, /^import type/m)
    loaded.set(path, text)
    for (const [, imported] of text.matchAll(/from '(\.[^']+)'/g)) paths.push(new URL(imported!, `http://x${path}`).pathname)
  }
  assert.ok(loaded.size >= 3)
  assert.is((await api.get('/modules/api/server.ts')).status, 404)
})

client.run()
