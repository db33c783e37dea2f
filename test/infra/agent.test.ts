import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { type MemoryEventStore, memoryEventStore } from '../../adapters/memory/event-store.ts'
import { createApp } from '../../api/app.ts'
import { type Deps, defaultLimits } from '../../api/deps.ts'
import { rateLimits } from '../../api/rates.ts'
import { type Listening, listen } from '../../api/server.ts'
import { foundNetwork } from '../../commands/network.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { createSubmit } from '../../commands/submit.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { runAgent } from '../../infra/agent/agent.ts'
import { createMetrics } from '../../infra/metrics.ts'
import { noChain, noRequests } from '../../infra/not-served.ts'

const test = suite('agent')
const key = () => signerFrom(generateSeed())

/** The API and the command side over a log in memory; `skewMs` is how far its clock is ahead. */
async function duxnet({ burst = 60, intervalSeconds = 1, skewMs = 0 } = {}) {
  const store = memoryEventStore()
  const server = { skewMs }
  const clock = () => new Date(Date.now() + server.skewMs)
  const policy = { ...initialPolicy, heartbeat: { intervalSeconds, burst, missedIntervals: 3 } }
  const authority = key()
  const keys = { authority, serviceKeys: { health: key().publicKey }, logKey: key().publicKey }
  const network = await foundNetwork({ store, namespace: 'dux', kind: 'test', ...keys, policy, clock })
  const { networkId } = network
  const metrics = createMetrics()
  const submit = createSubmit({ store, namespace: 'dux', networkId, clock, verify: verifySignature })
  const app = createApp({
    networkId,
    publicUrl: () => 'http://127.0.0.1',
    version: '0.0.0',
    submit,
    requests: noRequests,
    depositAddress: noChain,
    // An agent asks one thing of the read side.
    reads: {
      network: async () => ({ value: { ...network, changedPosition: 0n }, position: 0n, generation: 1 }),
    } as unknown as Deps['reads'],
    feeds: {} as Deps['feeds'],
    progress: { reached: async () => 0n },
    isUnavailable: () => false,
    clock,
    log: pino({ level: 'silent' }),
    metrics: metrics.http,
    limits: defaultLimits,
    rates: rateLimits({ openingsPerMinute: 0, commandsPerMinute: 0 }, () => new Date()),
    readiness: async () => [],
    stopping: new AbortController().signal,
  })
  return {
    store,
    server,
    networkId,
    submit,
    clock,
    listen: (port = 0): Promise<Listening> => listen(app, { host: '127.0.0.1', port, graceMs: 0 }),
  }
}

async function facts(store: MemoryEventStore): Promise<Fact[]> {
  const found: Fact[] = []
  for await (const event of store.readAll()) found.push(decode(event))
  return found
}

const heartbeats = async (store: MemoryEventStore) => (await facts(store)).filter(({ type }) => type === 'HeartbeatRecorded')

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await holds()); await sleep(20))
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
}

/** An agent that runs until `stop`; `alarms` are what it logged as warnings or worse. */
function agent(url: string, signer: Signer, region = 'local') {
  const alarms: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void alarms.push(line) })
  const controller = new AbortController()
  const running = runAgent({ url, signer, region, log, signal: controller.signal })
  running.catch(() => {})
  const stop = async () => {
    controller.abort()
    await running.catch(() => {})
  }
  return { alarms, running, stop }
}

test('it registers this machine with its real figures and keeps sending heartbeats', async () => {
  const { store, listen } = await duxnet()
  const api = await listen()
  const { alarms, stop } = agent(api.url, key())
  await until('three heartbeats are in the log', async () => (await heartbeats(store)).length >= 3)
  await stop()
  await api.close()
  const [, registered, first] = await facts(store)
  assert.is(registered?.type === 'NodeRegistered' && registered.data.profile.cores, os.cpus().length)
  assert.is(registered?.type === 'NodeRegistered' && registered.data.profile.memoryBytes, os.totalmem())
  assert.ok(first?.type === 'HeartbeatRecorded')
  const { vitals } = first.data
  assert.ok(vitals.memoryUsedBytes > 0 && vitals.memoryUsedBytes < vitals.memoryTotalBytes)
  assert.ok(Math.abs(vitals.uptimeSeconds - os.uptime()) < 60)
  assert.equal(alarms, [])
})

test('registering again is already so, and another machine behind the key is an update', async () => {
  const { store, listen } = await duxnet()
  const api = await listen()
  const signer = key()
  for (const [region, count] of [
    ['here', 1],
    ['here', 2],
    ['there', 3],
  ] as const) {
    const { alarms, stop } = agent(api.url, signer, region)
    await until('it has sent a heartbeat', async () => (await heartbeats(store)).length >= count)
    await stop()
    assert.equal(alarms, [])
  }
  await api.close()
  const types = (await facts(store)).map(({ type }) => type).filter((type) => type.startsWith('Node'))
  assert.equal(types, ['NodeRegistered', 'NodeUpdated'])
})

test("it follows the server's clock without alarm, also when that is set anew", async () => {
  const { store, server, listen } = await duxnet({ skewMs: 3_600_000 })
  const api = await listen()
  const { alarms, stop } = agent(api.url, key())
  await until('a heartbeat is accepted an hour ahead', async () => (await heartbeats(store)).length >= 1)
  server.skewMs = 7_200_000
  const before = (await heartbeats(store)).length
  await until('heartbeats are accepted two hours ahead', async () => (await heartbeats(store)).length > before + 1)
  await stop()
  await api.close()
  assert.equal(alarms, [])
})

test('it waits as long as it is asked to, without alarm', async () => {
  const { store, listen } = await duxnet({ burst: 1, intervalSeconds: 2 })
  const api = await listen()
  const signer = key()
  const first = agent(api.url, signer)
  await until('the first heartbeat is in the log', async () => (await heartbeats(store)).length === 1)
  await first.stop()
  // Started again at once, it comes too early.
  const second = agent(api.url, signer)
  await until('the second heartbeat is in the log', async () => (await heartbeats(store)).length === 2)
  await second.stop()
  await api.close()
  const [a, b] = await heartbeats(store)
  assert.ok(Date.parse(b!.metadata.recordedAt) - Date.parse(a!.metadata.recordedAt) >= 2000)
  assert.equal(second.alarms, [])
})

test('a server that is away is tried again until it comes back', async () => {
  const { store, listen } = await duxnet()
  const first = await listen()
  const { alarms, stop } = agent(first.url, key())
  await until('a heartbeat is in the log', async () => (await heartbeats(store)).length >= 1)
  await first.close()
  await until('it has noticed', () => alarms.length > 0)
  const before = (await heartbeats(store)).length
  const second = await listen(first.port)
  await until('heartbeats go on', async () => (await heartbeats(store)).length > before)
  await stop()
  await second.close()
  assert.match(alarms[0]!, 'does not answer')
})

test('an event store that is away is waited for as well', async () => {
  const { store, listen } = await duxnet()
  const api = await listen()
  store.goAway()
  const { alarms, stop } = agent(api.url, key())
  await until('it has noticed', () => alarms.length > 0)
  store.comeBack()
  await until('a heartbeat is in the log', async () => (await heartbeats(store)).length >= 1)
  await stop()
  await api.close()
  assert.match(alarms[0]!, '503')
})

test('a node that was deregistered gives up', async () => {
  const { networkId, submit, store, clock, listen } = await duxnet()
  const api = await listen()
  const signer = key()
  const { running } = agent(api.url, signer)
  await until('a heartbeat is in the log', async () => (await heartbeats(store)).length >= 1)
  const command = { commandId: randomUUID(), issuedAt: clock().toISOString(), audience: networkId }
  await submit(signCommand(signer, { type: 'DeregisterNode', subject: nodeIdOf(signer.publicKey), data: {}, ...command }))
  const error = await running.catch((reason) => reason)
  assert.is(error.name, 'AgentRefused')
  assert.match(error.message, 'NodeDeregistered')
  await api.close()
})

test.run()
