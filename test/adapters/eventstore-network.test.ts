// What only EventStoreDB's adapter has to withstand: networks that fail in every way, and servers that are not well.
import { randomUUID } from 'node:crypto'
import { binaryEvent, EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectEventStore, type EventStoreOptions } from '../../adapters/eventstore/event-store.ts'
import { AppendOutcomeUnknown, type EventStore, StoreUnavailable } from '../../commands/ports.ts'
import { decode, UnreadableEvent } from '../../domain/catalogue.ts'
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { all, assertRejects, event, eventsOf, eventually, fill, ids, sleep, until } from './event-store-contract.ts'
import { answerOf, caughtUp, confirmation, notLeader, scriptedEventStore } from './scripted-event-store.ts'
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts'

const network = suite('event store, over a bad network')
let server: EmbeddedEventStore
let namespace: string
let ending: (() => unknown)[] = []

network.before(async () => {
  server = await startEmbeddedEventStore({ directory: undefined, port: 0 })
})
network.before.each(() => {
  namespace = `t${randomUUID().slice(0, 8)}`
})
network.after.each(async () => {
  for (const end of ending.reverse()) await end()
  ending = []
})
network.after(() => server.close())

function connect(port: number, options: Partial<EventStoreOptions> = {}): EventStore {
  const store = connectEventStore({ connectionString: `esdb://127.0.0.1:${port}?tls=false`, namespace, ...options })
  ending.push(() => store.close())
  return store
}

async function proxied(): Promise<TcpProxy> {
  const proxy = await tcpProxy(server.port)
  ending.push(() => proxy.close())
  return proxy
}

const patient = { appendTimeoutMs: 20_000, readTimeoutMs: 20_000, connectTimeoutMs: 20_000 }

network('a connection that forwards nothing any more is given up and a subscription goes on over a new one', async () => {
  const proxy = await proxied()
  const reader = connect(proxy.port, { stallMs: 200, readTimeoutMs: 500, connectTimeoutMs: 500 })
  const writer = connect(server.port, patient)
  const written = await fill(writer, namespace, 3)
  let stalled = false
  const seen = await until(
    reader,
    undefined,
    (messages) => eventsOf(messages).length === 6,
    async ({ kind }) => {
      if (kind !== 'caughtUp' || stalled) return
      stalled = true
      proxy.stall()
      written.push(...(await fill(writer, namespace, 3)))
    },
  )
  assert.equal(ids(seen), written)
})

network('a subscription that keeps something back is opened again, one that has nothing to say is left alone', async () => {
  const [first, second] = [randomUUID(), randomUUID()]
  let subscriptions = 0
  let log = [answerOf(first, `${namespace}_node-1`, 10)]
  const scripted = await scriptedEventStore((call, isSubscription) => {
    if (!isSubscription) {
      for (const answer of log.slice(0, Number(call.request.getOptions()!.getCount()))) call.write(answer)
      call.end()
      return
    }
    subscriptions += 1
    call.write(confirmation())
    // The first one falls silent after what it has told; only the second tells what came since.
    if (subscriptions === 1) call.write(answerOf(first, `${namespace}_node-1`, 10))
    else call.write(answerOf(second, `${namespace}_node-2`, 20))
    call.write(caughtUp())
  })
  ending.push(() => scripted.close())
  const store = connect(scripted.port, { stallMs: 50, readTimeoutMs: 300, connectTimeoutMs: 20_000 })
  const seen = await until(
    store,
    undefined,
    (messages) => eventsOf(messages).length === 2,
    async ({ kind }) => {
      if (kind !== 'caughtUp' || log.length > 1) return
      setTimeout(() => {
        assert.is(subscriptions, 1, 'it was opened again although nothing was missing')
        log = [...log, answerOf(second, `${namespace}_node-2`, 20)]
      }, 600)
    },
  )
  assert.equal(ids(seen), [first, second])
  assert.is(subscriptions, 2)
})

network('aborting a subscription ends the call on the server at once, whoever is busy', async () => {
  const scripted = await scriptedEventStore((call, isSubscription) => {
    if (!isSubscription) {
      call.end()
      return
    }
    call.write(confirmation())
    call.write(caughtUp())
  })
  ending.push(() => scripted.close())
  const store = connect(scripted.port, patient)
  const controller = new AbortController()
  const reason = new Error('enough')
  let closedWhileBusy = false
  const ended = (async () => {
    for await (const _ of store.subscribe({ signal: controller.signal })) {
      assert.is(scripted.open(), 1)
      controller.abort(reason)
      await eventuallyTrue(() => scripted.open() === 0)
      closedWhileBusy = true
    }
  })()
  assert.is(await ended.catch((error) => error), reason)
  assert.ok(closedWhileBusy)
})

network('a read that is at its end before its call was made leaves none behind', async () => {
  const id = randomUUID()
  const scripted = await scriptedEventStore((call, isSubscription) => {
    if (isSubscription) return void call.write(confirmation())
    call.write(answerOf(id, `${namespace}_node-1`, 10))
    call.end()
  })
  ending.push(() => scripted.close())
  const store = connect(scripted.port, patient)
  assert.equal(await all(store.readAll({ after: { position: 10n, eventId: id } })), [])
  // grpc-js makes the call all the same. What is asked after it is answered after it has come.
  await store.head()
  await eventuallyTrue(() => scripted.open() === 0)
})

network('closing frees the connection', async () => {
  const proxy = await proxied()
  const store = connect(proxy.port, patient)
  await fill(store, namespace, 2)
  const waiting = until(store, undefined, () => false)
  waiting.catch(() => {})
  await sleep(50)
  assert.is(proxy.connections(), 1)
  await store.close()
  await assertRejects(waiting, StoreUnavailable)
  await eventuallyTrue(() => proxy.connections() === 0)
})

network('a server that takes connections and never answers is unavailable, by the default times', async () => {
  const proxy = await proxied()
  proxy.stallNew(true)
  const store = connect(proxy.port)
  const started = performance.now()
  await assertRejects(store.append(`${namespace}_node-1`, 'no_stream', [event()]), StoreUnavailable)
  await assertRejects(store.ping(), StoreUnavailable)
  assert.ok(performance.now() - started < 10_000)
  proxy.stallNew(false)
  proxy.cut()
  await eventually(() => store.append(`${namespace}_node-1`, 'no_stream', [event()]))
})

network(
  'on a connection that goes dead an append is unknown and the read that would settle it unavailable, by the default times',
  async () => {
    const proxy = await proxied()
    const store = connect(proxy.port)
    const stream = `${namespace}_node-1`
    await eventually(() => store.ping())
    const appended = await eventually(() => store.append(stream, 'no_stream', [event()]))
    assert.is(appended.revision, 0)
    proxy.stall()
    proxy.stallNew(true)
    const started = performance.now()
    await assertRejects(store.append(stream, 0, [event()]), AppendOutcomeUnknown)
    await assertRejects(all(store.readStream(stream)), StoreUnavailable)
    assert.ok(performance.now() - started < 10_000)
  },
)

network('appends that were waiting behind a full connection when it broke are all told, and none ends the process', async () => {
  const proxy = await proxied()
  const store = connect(proxy.port, patient)
  await store.ping()
  await store.append(`${namespace}_node-0`, 'no_stream', [event()])
  proxy.stall('toServer')
  const appends = Array.from({ length: 800 }, (_, n) =>
    store.append(`${namespace}_node-${n + 1}`, 'no_stream', [event('Big', { text: 'x'.repeat(10_000) })]),
  )
  const outcomes = Promise.allSettled(appends)
  await sleep(200)
  proxy.cut()
  for (const outcome of await outcomes) {
    assert.is(outcome.status, 'rejected')
    if (outcome.status === 'rejected') assert.instance(outcome.reason, AppendOutcomeUnknown)
  }
})

network('a connection that breaks fails no append of another store in the process', async () => {
  const [breaking, holding] = [await proxied(), await proxied()]
  const [one, other] = [connect(breaking.port, patient), connect(holding.port, patient)]
  await fill(one, namespace, 1)
  await fill(other, namespace, 1)
  holding.stall('toClient')
  const pending = other.append(`${namespace}_node-1`, 'no_stream', [event()])
  breaking.stall()
  const lost = one.append(`${namespace}_node-2`, 'no_stream', [event()])
  lost.catch(() => {})
  await sleep(50)
  breaking.cut()
  await assertRejects(lost, AppendOutcomeUnknown)
  holding.resume()
  assert.is((await pending).revision, 0)
})

network('an answer that comes too late disturbs nobody', async () => {
  const proxy = await proxied()
  const store = connect(proxy.port, { ...patient, appendTimeoutMs: 200 })
  const stream = `${namespace}_node-1`
  const late = event()
  await eventually(() => store.append(stream, 'no_stream', [event()]))
  proxy.stall('toClient')
  await assertRejects(store.append(stream, 0, [late]), AppendOutcomeUnknown)
  proxy.resume()
  assert.is((await eventually(() => store.append(stream, 0, [late]))).revision, 1)
  assert.is((await eventually(() => store.append(stream, 1, [event()]))).revision, 2)
})

network('what is not JSON is read as an event that nobody can decode', async () => {
  const store = connect(server.port, patient)
  const client = EventStoreDBClient.connectionString(server.connectionString)
  ending.push(() => client.dispose())
  const stream = `${namespace}_node-1`
  await client.appendToStream(
    stream,
    binaryEvent({ type: 'NodeRegistered', data: Buffer.from([0, 255]), metadata: Buffer.from([1]) }),
  )
  await client.appendToStream(stream, {
    ...jsonEvent({ type: 'NodeRegistered', data: {} }),
    contentType: 'application/octet-stream',
    data: Buffer.from('{"'),
  } as never)
  await client.appendToStream(stream, jsonEvent({ type: 'Unheard', data: { a: 1 } }))
  const read = await all(store.readStream(stream))
  assert.equal(await all(store.readAll()), read)
  assert.equal(
    read.map(({ data, metadata }) => ({ data, metadata })),
    [
      { data: 'AP8=', metadata: 'AQ==' },
      { data: 'eyI=', metadata: null },
      { data: { a: 1 }, metadata: null },
    ],
  )
  for (const recorded of read)
    assert.throws(
      () => decode(recorded),
      (error: unknown) => error instanceof UnreadableEvent,
    )
})

network('a stream deleted for good is an error of its own', async () => {
  const store = connect(server.port, patient)
  const client = EventStoreDBClient.connectionString(server.connectionString)
  ending.push(() => client.dispose())
  const stream = `${namespace}_node-1`
  await store.append(stream, 'no_stream', [event()])
  await client.tombstoneStream(stream)
  assert.match((await assertRejects(store.append(stream, 0, [event()]), Error)).message, /deleted for good/)
  assert.match((await assertRejects(all(store.readStream(stream)), Error)).message, /deleted for good/)
})

network('a follower sends us to its leader', async () => {
  const follower = await scriptedEventStore((call) => notLeader(call, server.port))
  ending.push(() => follower.close())
  const store = connect(follower.port, patient)
  const written = await fill(store, namespace, 3)
  assert.equal(
    (await all(store.readAll())).map(({ id }) => id),
    written,
  )
})

network('of several seeds one that is there is enough', async () => {
  const dead = await proxied()
  await dead.refuse()
  const store = connectEventStore({
    connectionString: `esdb://127.0.0.1:${dead.port},127.0.0.1:${server.port}?tls=false`,
    namespace,
    ...patient,
  })
  ending.push(() => store.close())
  assert.is((await fill(store, namespace, 3)).length, 3)
  assert.is((await all(store.readAll())).length, 3)
})

network('a hundred reads at once share the connection', async () => {
  const proxy = await proxied()
  const store = connect(proxy.port, patient)
  const warnings: Error[] = []
  const heard = (warning: Error) => warnings.push(warning)
  process.on('warning', heard)
  ending.push(() => process.off('warning', heard))
  const written = await fill(store, namespace, 20)
  const reads = await Promise.all(Array.from({ length: 100 }, () => all(store.readAll())))
  for (const read of reads) assert.is(read.length, written.length)
  await sleep(10)
  assert.equal(warnings, [])
  assert.is(proxy.connections(), 1)
})

network('a connection string that cannot be used is refused without being quoted', () => {
  const secret = 'pa55word'
  const printed: unknown[] = []
  const { warn, error } = console
  console.warn = console.error = (...text: unknown[]) => void printed.push(text)
  try {
    for (const [connectionString, message] of [
      [`http://admin:${secret}@localhost:2113`, /must look like esdb:/],
      [`esdb://admin:${secret}@localhost:port?tls=true`, /malformed/],
      [`esdb://admin:${secret}@localhost:2113?tls=maybe`, /malformed/],
      [`esdb://admin:${secret}@localhost:2113?tls=true&${secret}=1`, /option 2 /],
      [`esdb://admin:${secret}@localhost:2113?tlsVerifyCert=false`, /tlsCAFile/],
      [`esdb://admin:${secret}@localhost:2113?tlsCAFile=/nowhere/${secret}`, /certificate file/],
      [`esdb://admin@${secret}@localhost:2113`, /must look like esdb:/],
      [`esdb://admin:pa?${secret}@localhost:2113?tls`, /option 1 /],
    ] as const) {
      const thrown = errorOf(() => connectEventStore({ connectionString, namespace }))
      assert.match(thrown.message, message)
      assert.not.match(`${thrown.stack} ${JSON.stringify(thrown)} ${thrown.cause}`, secret)
    }
  } finally {
    Object.assign(console, { warn, error })
  }
  assert.equal(printed, [])
})

network('neither logs nor errors tell the password', async () => {
  const proxy = await proxied()
  await proxy.refuse()
  const lines: string[] = []
  const line = (details: object, message: string) => void lines.push(`${JSON.stringify(details, inFull)} ${message}`)
  const store = connectEventStore({
    connectionString: `esdb://admin:pa55word@127.0.0.1:${proxy.port}?tls=false`,
    namespace,
    log: { info: line, warn: line },
    ...patient,
  })
  ending.push(() => store.close())
  const failed = await assertRejects(store.ping(), StoreUnavailable)
  const controller = new AbortController()
  const subscribing = all(store.subscribe({ signal: controller.signal })).catch(() => {})
  await eventuallyTrue(() => lines.some((text) => text.includes('will be opened again')))
  await proxy.listen()
  await eventually(() => store.ping())
  controller.abort()
  await subscribing
  assert.ok(lines.some((text) => text.includes('no user and no password')))
  assert.not.match(`${lines.join('\n')} ${JSON.stringify(failed, inFull)} ${failed.stack}`, 'pa55word')
})

/** Lets JSON show what errors carry. */
function inFull(_: string, value: unknown): unknown {
  return value instanceof Error ? { ...value, message: value.message, stack: value.stack, cause: value.cause } : value
}

function errorOf(attempt: () => unknown): Error {
  try {
    attempt()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

/** Waits for a condition; at most half a minute. */
async function eventuallyTrue(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 30_000
  while (!condition()) {
    assert.ok(performance.now() < giveUp, `waited in vain for ${condition}`)
    await sleep(10)
  }
}

network.run()
