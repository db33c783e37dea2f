import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import WebSocket from 'ws'
import type { Sink } from '../../api/feeds.ts'
import { categories, partsOfStream } from '../../domain/stream.ts'
import { property } from '../support/property.ts'
import { isLong } from '../support/random.ts'
import { type Api, newSigner, profile, type ReadSide, startWhole } from './harness.ts'
import { type Listener, listenSse, listenWebSocket, type Message } from './listening.ts'

const feeds = suite<{ api: Api; readSide: ReadSide }>('api/feeds')
const open: Listener[] = []
feeds.before(async (context) => {
  Object.assign(context, await startWhole({ feeds: { aliveMs: 200, patienceMs: 300, atOnce: 40 } }))
})
feeds.after.each(() => {
  for (const listener of open.splice(0)) listener.close()
})
feeds.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

async function sse(api: Api, query = '', lastEventId?: string): Promise<Listener> {
  const listener = await listenSse(`${api.url}/v1/events${query}`, lastEventId)
  open.push(listener)
  return listener
}

async function webSocket(api: Api, query = '') {
  const listener = await listenWebSocket(`${api.url}/v1/events${query}`)
  open.push(listener)
  return listener
}

async function send(api: Api, ...command: Parameters<Api['sign']>): Promise<string> {
  const reply = await api.post('/v1/commands', api.sign(...command))
  assert.is(reply.status, 201, reply.text)
  return reply.headers.get('duxnet-position')!
}

/** A new node that changes so many times. */
async function nodeWith(api: Api, changes = 0) {
  const node = newSigner()
  const position = await send(api, node, 'RegisterNode', node.nodeId, { profile })
  for (let n = 0; n < changes; n++) await send(api, node, 'UpdateNode', node.nodeId, { profile: { ...profile, cores: 100 + n } })
  return { ...node, position }
}

const positions = (messages: readonly Message[]) => messages.map(({ id }) => id)

/** All events of the log so far, as a feed tells them, and the position at its end. */
async function wholeLog(api: Api): Promise<readonly Message[]> {
  let count = 0
  for await (const _ of api.store.readAll()) count++
  return (await sse(api, '?from=start')).count(count)
}

feeds('a listener hears what happens, and nothing of before', async ({ api }) => {
  const { position } = await nodeWith(api)
  assert.is((await api.get(`/v1/network?after=${position}`)).status, 200)
  const listener = await sse(api)
  const node = await nodeWith(api, 1)
  const [registered, update] = await listener.count(2)
  assert.equal(registered!.id, node.position)
  assert.is(update!.event.type, 'duxnet.NodeUpdated')
  assert.is(update!.event.subject, `node:${node.nodeId}`)
  assert.is(update!.event.data.event.data.nodeId, node.nodeId)
})

feeds('a message is a CloudEvent of the event that the JSON pages have', async ({ api }) => {
  const listener = await sse(api)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const node = newSigner()
  const command = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  const { headers } = await api.post('/v1/commands', command, { traceparent })
  const [{ event, id }] = (await listener.count(1)) as [Message]
  const page = await api.get(`/v1/events?subject=node:${node.nodeId}&after=${headers.get('duxnet-position')}`)
  const [recorded] = page.body.events
  const { networkId } = api.network
  assert.is(id, recorded.position)
  assert.equal(event, {
    specversion: '1.0',
    id: recorded.event.id,
    source: `urn:uuid:${networkId}`,
    type: 'duxnet.NodeRegistered',
    subject: `node:${node.nodeId}`,
    traceparent,
    time: recorded.event.metadata.recordedAt,
    datacontenttype: 'application/json',
    dataschema: `${api.url}/schemas/NodeRegistered.v1`,
    sequence: String(recorded.index).padStart(16, '0'),
    position: recorded.position,
    data: recorded,
  })
})

feeds('the head says what it is, and HEAD and other media types get what they ask for', async ({ api }) => {
  const response = await fetch(`${api.url}/v1/events`, { method: 'HEAD', headers: { accept: 'text/event-stream' } })
  assert.is(response.status, 200)
  assert.is(response.headers.get('content-type'), 'text/event-stream')
  assert.is(response.headers.get('cache-control'), 'no-store')
  assert.is(response.headers.get('x-accel-buffering'), 'no')
  const subject = `network:${api.network.networkId}`
  for (const accept of ['application/json', '*/*', 'application/json, text/event-stream;q=0.5'])
    assert.match((await api.get(`/v1/events?subject=${subject}`, { accept })).headers.get('content-type')!, 'application/json')
})

feeds('from every place in the log a feed tells what comes after it, once and in order', async ({ api }) => {
  await nodeWith(api, 3)
  const all = positions(await wholeLog(api))
  for (const [at, position] of all.entries()) {
    const rest = all.slice(at + 1)
    const [byQuery, byHeader, byWebSocket] = await Promise.all([
      sse(api, `?from=${position}`),
      sse(api, '?from=start', position),
      webSocket(api, `?from=${position}`),
    ])
    for (const listener of [byQuery, byHeader, byWebSocket]) {
      assert.equal(positions(await listener.count(rest.length)), rest)
      listener.close()
    }
  }
})

feeds('a listener from the start goes over into the present without a gap, while events are written', async ({ api }) => {
  const changes = isLong ? 2000 : 60
  const writing = Promise.all(Array.from({ length: 4 }, () => nodeWith(api, changes / 4)))
  const listeners: Listener[] = []
  for (let n = 0; n < 6; n++) {
    listeners.push(n % 2 ? await webSocket(api, '?from=start') : await sse(api, '?from=start'))
    await sleep(20)
  }
  await writing
  const all = await wholeLog(api)
  for (const listener of listeners) assert.equal(positions(await listener.count(all.length)), positions(all))
})

feeds('any filter from any place tells what filtering the log would', async ({ api }) => {
  for (let n = 0; n < 3; n++) await nodeWith(api, 1)
  const all = await wholeLog(api)
  const some = <T>(values: readonly T[]) =>
    fc.option(fc.uniqueArray(fc.constantFrom(...new Set(values)), { minLength: 1 }), { nil: undefined })
  const streamOf = ({ event }: Message): string => event.data.event.stream
  const filters = fc.record({
    category: some(categories),
    type: some(all.map(({ event }) => event.type.slice('duxnet.'.length) as string)),
    stream: some(all.map(streamOf)),
    subject: some(all.map(({ event }) => event.subject as string)),
    from: fc.nat({ max: all.length - 1 }),
    face: fc.constantFrom(sse, webSocket),
  })
  const last = await nodeWith(api)
  await property(
    fc.asyncProperty(filters, async ({ from, face, ...filter }) => {
      const expected = all.slice(from + 1).filter(({ event }) => {
        const stream = event.data.event.stream
        return (
          (!filter.category || filter.category.includes(partsOfStream(stream)!.category)) &&
          (!filter.type || filter.type.includes(event.type.slice('duxnet.'.length))) &&
          (!filter.stream || filter.stream.includes(stream)) &&
          (!filter.subject || filter.subject.includes(event.subject))
        )
      })
      const given = Object.entries(filter).flatMap(([name, values]) => (values ? [`${name}=${values.join()}`] : []))
      const listener = await face(api, `?${[`from=${all[from]!.id}`, ...given].join('&')}`)
      const heard = await listener.count(expected.length)
      // What came after the log was read may follow.
      assert.equal(positions(heard).slice(0, expected.length), positions(expected))
      assert.ok(heard.slice(expected.length).every(({ id }) => BigInt(id) >= BigInt(last.position)))
      listener.close()
    }),
    15,
  )
})

feeds('a subject hears what others do to it', async ({ api }) => {
  const [one, other] = [newSigner(), newSigner()]
  const wallets = [randomUUID(), randomUUID()]
  await api.post('/v1/commands', api.sign(one, 'OpenWallet', wallets[0]!, {}, { commandId: wallets[0]! }))
  const opening = api.sign(other, 'OpenWallet', wallets[1]!, {}, { commandId: wallets[1]! })
  const { headers } = await api.post('/v1/commands', opening)
  const listener = await sse(api, `?subject=wallet:${wallets[1]}&from=${headers.get('duxnet-position')}`)
  await send(api, one, 'IssueTestDeposit', wallets[0]!, { amount: '1000' })
  await send(api, one, 'Transfer', wallets[0]!, { to: wallets[1]!, amount: '10' })
  const [sent] = await listener.count(1)
  assert.is(sent!.event.type, 'duxnet.TransferSent')
})

feeds('whoever hears nothing is told that the connection lives, and where to resume', async ({ api }) => {
  const listener = await sse(api, '?type=NetworkFounded')
  const { position } = await nodeWith(api)
  while (!listener.alive.some((id) => BigInt(id) >= BigInt(position))) await sleep(20)
  assert.is(listener.messages.length, 0)
})

feeds('many disconnects leave no gap and nothing twice', async ({ api }) => {
  const disconnects = isLong ? 100 : 12
  const writing = new AbortController()
  const written = (async () => {
    while (!writing.signal.aborted) await nodeWith(api, 2)
  })()
  const start = (await nodeWith(api)).position
  const heard: string[] = []
  let last = start
  for (let n = 0; n < disconnects; n++) {
    const listener = n % 3 === 2 ? await webSocket(api, `?from=${last}`) : await sse(api, '', last)
    await listener.count(1 + (n % 4))
    // It is cut wherever it is: what was heard counts, what was under way comes again.
    const now = positions(listener.messages)
    listener.close()
    heard.push(...now)
    last = heard.at(-1)!
  }
  writing.abort()
  await written
  const all = positions(await wholeLog(api))
  const from = all.indexOf(start) + 1
  assert.equal(heard, all.slice(from, from + heard.length))
})

feeds('a listener that takes nothing costs little, and others hear on', async ({ api }) => {
  const slow = connect(api.port, '127.0.0.1').pause()
  slow.write('GET /v1/events?from=start HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n')
  const listener = await sse(api)
  await nodeWith(api, 5)
  await listener.count(6)
  slow.destroy()
})

feeds('a connection without room is told nothing until it has some, and is cut off when that takes too long', async ({ api }) => {
  const { signal } = new AbortController()
  const told: number[] = []
  let wake = () => {}
  const sink: Sink<number> = {
    face: { name: 'websocket', encode: (events) => events.length },
    write: (count) => told.push(count) === 0,
    alive: () => told.push(0),
    onRoom(given) {
      wake = given
    },
  }
  const feed = await api.feeds.open({ from: 'end' }, undefined)
  const ended = feed.run(sink, signal).then(
    () => 'left',
    ({ name }) => name,
  )
  const before = performance.now()
  const other = await sse(api)
  await nodeWith(api)
  await other.count(1)
  await nodeWith(api)
  await other.count(2)
  assert.equal(told, [0, 1])
  wake()
  assert.equal(told, [0, 1, 1])
  assert.is(await ended, 'TooSlow')
  assert.ok(performance.now() - before >= 300)
  assert.ok(api.feedMetrics.includes('websocket cut off'))
  assert.equal(told, [0, 1, 1])
})

feeds('whoever leaves while the feed is being opened leaves nothing behind', async ({ api }) => {
  const balance = () => api.feedMetrics.reduce((sum, line) => sum + (Number(line.split(' ')[1]) || 0), 0)
  for (const upgrade of [
    '',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
  ])
    for (let n = 0; n < 20; n++) {
      const socket = connect(api.port, '127.0.0.1')
      socket.write(`GET /v1/events?from=start HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n${upgrade}\r\n`)
      await sleep(n / 4)
      socket.destroy()
    }
  await nodeWith(api)
  while (balance() !== 0) await sleep(20)
})

feeds('bad questions are refused by name, and nothing is opened', async ({ api }) => {
  const opened = () => api.feedMetrics.filter((line) => line.endsWith(' 1')).length
  const before = opened()
  const bad: [string, string][] = [
    ['?from=yesterday', 'from'],
    ['?category=walet', 'category'],
    ['?type=Nothing', 'type'],
    ['?stream=a,,b', 'stream'],
    ['?subject=here', 'subject'],
    ['?colour=red', 'colour'],
    [`?stream=${'a'.repeat(5000)}`, 'url'],
  ]
  for (const [query, field] of bad) {
    const reply = await api.get(`/v1/events${query}`, { accept: 'text/event-stream' })
    assert.ok([400, 414].includes(reply.status), `${query}: ${reply.status}`)
    if (reply.status === 400) assert.is(reply.body.parameter, field)
    const refused = await webSocket(api, query).catch(({ message }) => message)
    assert.match(refused, new RegExp(`^${reply.status} .*"code":"${reply.body.code}"`))
  }
  const id = await api.get('/v1/events', { accept: 'text/event-stream', 'last-event-id': 'x' })
  assert.is(id.body.parameter, 'Last-Event-ID')
  assert.match(await listenWebSocket(`${api.url}/v1/nodes`).catch(({ message }) => message), /^404 .*RouteUnknown/)
  assert.is(opened(), before)
})

feeds('a WebSocket takes no messages', async ({ api }) => {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/v1/events`)
  socket.on('open', () => socket.send('hello'))
  assert.is(await new Promise((resolve) => socket.on('close', resolve)), 1003)
})

feeds('more than so many at once are refused', async ({ api }) => {
  const listeners = await Promise.all(Array.from({ length: 40 }, () => sse(api)))
  const refused = await listenSse(`${api.url}/v1/events`).catch(({ message }) => message)
  assert.match(refused, /^503 .*"code":"Overloaded"/)
  for (const listener of listeners) listener.close()
  while (
    api.feedMetrics.filter((line) => line.endsWith(' 1')).length !== api.feedMetrics.filter((line) => line.endsWith(' -1')).length
  )
    await sleep(20)
  await sse(api)
})

feeds(
  'while Postgres is away no feed begins, those that have begun wait, and then nothing is missing',
  async ({ api, readSide }) => {
    const listener = await sse(api)
    await readSide.door.shut()
    const refused = await listenSse(`${api.url}/v1/events`).catch(({ message }) => message)
    assert.match(refused, /^503 .*"code":"ReadModelUnavailable"/)
    await readSide.door.open()
    const { position } = await nodeWith(api)
    const [message] = await listener.count(1)
    assert.is(message!.id, position)
  },
)

feeds('when the process stops the feeds end', async ({ api }) => {
  const [one, other] = [await sse(api), await webSocket(api)]
  api.stopping.abort()
  await one.ended
  assert.is(await other.closed, 1001)
})

feeds.run()
