import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsMsg } from 'nats'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { jetStreamTarget } from '../../adapters/nats/jetstream.ts'
import { createRelay, type Relay, type RelayStanding } from '../../commands/processes/relay.ts'
import type { RelayMessage } from '../../commands/processes/relay-ports.ts'
import { connected, hasNats, type NatsServer, natsCluster, natsServer } from '../support/nats.ts'
import { isLong, randomFrom, seed } from '../support/random.ts'

const test = suite(`relay to JetStream (seed ${seed})`)
let ending: (() => unknown)[] = []
test.after.each(async () => {
  for (const end of ending.reverse()) await end()
  ending = []
})

/** A log that grows by itself: `wanted` events of a few streams. */
function growingLog(wanted: number, perMs = Number.POSITIVE_INFINITY) {
  const events: RelayMessage[] = []
  const startedAt = performance.now()
  const known = () =>
    perMs === Number.POSITIVE_INFINITY ? wanted : Math.min(wanted, Math.floor((performance.now() - startedAt) * perMs))
  const grow = () => {
    for (let index = events.length; index < known(); index++) events.push(message(index))
  }
  const log = {
    events,
    grow(more: number) {
      wanted += more
      grow()
    },
    source: {
      async nextIndex() {
        grow()
        return events.length
      },
      async after(from: number, limit: number) {
        grow()
        return events.slice(from, from + limit)
      },
    },
  }
  grow()
  return log
}

function message(index: number): RelayMessage {
  const eventId = randomUUID()
  const body = JSON.stringify({ id: eventId, sequence: String(index), text: 'x'.repeat(index % 700) })
  return { index, eventId, subject: `node.NodeUpdated.n${index % 7}`, body, traceparent: undefined }
}

const random = randomFrom(seed)
const networkId = randomUUID()

/** A relay that runs until the test ends, or `stop`. */
function relaying(servers: string, log: ReturnType<typeof growingLog>, options: { replicas?: number; networkId?: string } = {}) {
  const quiet = { warn() {}, info() {} }
  const target = jetStreamTarget({
    servers,
    prefix: 'duxnet',
    networkId,
    replicas: 1,
    maxAgeDays: 0,
    requestMs: 1000,
    log: quiet,
    ...options,
  })
  const standings: RelayStanding[] = []
  const errors: string[] = []
  const relay: Relay = createRelay({
    source: log.source,
    target,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    onPublished() {},
    onStanding: (standing) => standings.push(standing),
    onError: ({ message }) => errors.push(message),
  })
  const controller = new AbortController()
  const running = relay.run(controller.signal)
  const stop = async () => {
    controller.abort()
    await target.close()
    await running
  }
  ending.push(stop)
  return { relay, standings, errors, stop }
}

async function single(): Promise<NatsServer> {
  const server = await natsServer()
  ending.push(server.remove)
  await server.start()
  return server
}

/** What JetStream holds, when it holds as much as the log. */
async function stored(servers: string | readonly string[], events: readonly RelayMessage[]): Promise<readonly JsMsg[]> {
  const connection = await connected(servers)
  ending.push(() => connection.close())
  const manager = await connection.jetstreamManager({ checkAPI: false, timeout: 5000 })
  for (;;) {
    const info = await manager.streams.info('DUXNET').catch(() => undefined)
    if (info && info.state.last_seq >= events.length) break
    await sleep(50)
  }
  const found: JsMsg[] = []
  const consumer = await connection.jetstream({ timeout: 5000 }).consumers.get('DUXNET')
  const messages = await consumer.consume()
  for await (const message of messages) if (found.push(message) >= events.length) break
  return found
}

/** JetStream holds the log: each event once, in its order, at its index + 1. */
async function holdsAll(servers: string | readonly string[], events: readonly RelayMessage[]): Promise<void> {
  const found = await stored(servers, events)
  assert.equal(
    found.map(({ seq, headers }) => `${seq} ${headers!.get('Nats-Msg-Id')}`),
    events.map(({ index, eventId }) => `${index + 1} ${eventId}`),
  )
}

if (!hasNats) {
  console.log('skipped: the relay to NATS, for want of nats-server')
  test.skip('everything')
} else {
  test('the stream holds the log: bodies, subjects and ids, at their index + 1', async () => {
    const server = await single()
    const log = growingLog(1200)
    relaying(server.url, log)
    const found = await stored(server.url, log.events)
    for (const [at, { seq, subject, headers, data }] of found.entries()) {
      const event = log.events[at]!
      assert.is(seq, event.index + 1)
      assert.is(subject, `duxnet.${event.subject}`)
      assert.is(headers!.get('Nats-Msg-Id'), event.eventId)
      assert.is(headers!.get('Content-Type'), 'application/cloudevents+json')
      assert.is(new TextDecoder().decode(data), event.body)
    }
  })

  test('two relays at once double nothing', async () => {
    const server = await single()
    const log = growingLog(1500, 3)
    relaying(server.url, log)
    relaying(server.url, log)
    await sleep(500)
    await log.source.nextIndex()
    log.grow(0)
    await holdsAll(server.url, log.events)
  })

  test('a stream that was lost whole is filled again', async () => {
    const server = await single()
    const log = growingLog(300)
    relaying(server.url, log)
    await holdsAll(server.url, log.events)
    const connection = await connected(server.url)
    ending.push(() => connection.close())
    await (await connection.jetstreamManager()).streams.delete('DUXNET')
    log.grow(10)
    await holdsAll(server.url, log.events)
  })

  test('a stream that lost the end of what it had acknowledged gets it again', async () => {
    const server = await single()
    const log = growingLog(200)
    const { relay } = relaying(server.url, log)
    await holdsAll(server.url, log.events)
    await server.kill()
    const restore = server.copyStore()
    await server.start()
    log.grow(300)
    relay.moved()
    await holdsAll(server.url, log.events)
    await server.kill()
    restore()
    await server.start()
    log.grow(20)
    await holdsAll(server.url, log.events)
  })

  test("another network's stream is not written to, and neither is one that is ahead; when it is gone the relay goes on", async () => {
    const server = await single()
    const other = growingLog(50)
    const first = relaying(server.url, other, { networkId: randomUUID() })
    await stored(server.url, other.events)
    await first.stop()
    const log = growingLog(20)
    const { errors, standings } = relaying(server.url, log)
    while (!errors.length) await sleep(20)
    assert.match(errors[0]!, 'is described as')
    assert.is(standings.at(-1)!.state, 'refused')
    const connection = await connected(server.url)
    ending.push(() => connection.close())
    const manager = await connection.jetstreamManager()
    assert.is((await manager.streams.info('DUXNET')).state.messages, 50)
    await manager.streams.delete('DUXNET')
    await holdsAll(server.url, log.events)
    const shorter = growingLog(10)
    const behind = relaying(server.url, shorter)
    while (!behind.errors.length) await sleep(20)
    assert.match(behind.errors[0]!, 'only 10')
    const changed = growingLog(30)
    const diverged = relaying(server.url, changed)
    while (!diverged.errors.length) await sleep(20)
    assert.match(diverged.errors[0]!, "is another log's")
  })

  test('a server that is not there yet, or stands still for a while, is waited for', async () => {
    const server = await natsServer()
    ending.push(server.remove)
    const log = growingLog(100)
    const { errors, relay } = relaying(server.url, log)
    while (!errors.length) await sleep(20)
    await server.start()
    await holdsAll(server.url, log.events)
    server.signal('SIGSTOP')
    log.grow(100)
    relay.moved()
    const told = errors.length
    while (errors.length === told) await sleep(50)
    server.signal('SIGCONT')
    await holdsAll(server.url, log.events)
  })

  /** Kills one of `servers` or the relay again and again, until all of the log is there. */
  async function killing(servers: readonly NatsServer[], replicas: number, count: number, everyMs: number): Promise<number> {
    const urls = servers.map(({ url }) => url)
    const log = growingLog(count, count / (isLong ? 120_000 : 3000))
    let relay = relaying(urls.join(), log, { replicas })
    let kills = 0
    let done = false
    const chaos = (async () => {
      while (!done) {
        await sleep(everyMs * (0.5 + random()))
        if (done) return
        kills += 1
        if (random() < 0.3) {
          await relay.stop()
          relay = relaying(urls.join(), log, { replicas })
        } else {
          const server = servers[Math.floor(random() * servers.length)]!
          await server.kill()
          await sleep(everyMs * random())
          await server.start()
        }
      }
    })()
    while ((await log.source.nextIndex()) < count) await sleep(100)
    done = true
    await chaos
    await holdsAll(urls, log.events)
    return kills
  }

  test('kill -9 of the server and of the relay loses and doubles nothing', async () => {
    const kills = await killing([await single()], 1, isLong ? 50_000 : 1500, 300)
    assert.ok(kills > 2)
  })

  test('kill -9 of servers of a cluster and of the relay loses and doubles nothing', async () => {
    const servers = await natsCluster()
    for (const server of servers) ending.push(server.remove)
    const kills = await killing(servers, 3, isLong ? 50_000 : 1500, isLong ? 2500 : 800)
    assert.ok(kills > 0)
  })
}

test.run()
