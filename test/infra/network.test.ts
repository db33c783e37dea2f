// How an instance enters the network of a log: founds it, adds what it lacks, or refuses to be part of it.
import { rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { foundNetwork } from '../../commands/network.ts'
import { replayDecisions } from '../../commands/replay.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { loadConfig } from '../../infra/config.ts'
import { type KeyRing, keyRing, newKey, writeKey } from '../../infra/keys.ts'
import { enterNetwork } from '../../infra/network.ts'

const test = suite<{ data: string }>('network')

test.before.each((context) => {
  context.data = mkdtempSync(join(tmpdir(), 'duxnet-network-'))
})
test.after.each(({ data }) => rmSync(data, { recursive: true, force: true }))

const nobody = { members: [], threshold: 0 }

function enter(store: ReturnType<typeof memoryEventStore>, data: string, env: Record<string, string> = {}) {
  const { config } = loadConfig({}, { DUXNET_DATA: data, ...env }, data)
  return enterNetwork({ store, keys: keyRing(data), config, log: pino({ level: 'silent' }), signal: new AbortController().signal })
}

async function logOf(store: ReturnType<typeof memoryEventStore>): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const event of store.readAll()) events.push(event)
  return events
}

/** A network from before there was money, whose keys are in `keys`. */
function foundFormer(store: ReturnType<typeof memoryEventStore>, keys: KeyRing, kind: 'test' | 'main') {
  const [authority, health, log] = (['authority', 'health', 'log'] as const).map(keys.findOrMake)
  return foundNetwork({
    store,
    namespace: 'dux',
    kind,
    authority: authority!,
    serviceKeys: { health: health!.publicKey },
    logKey: log!.publicKey,
  })
}

test('a test network is founded with the keys of its services, and the authority decides alone', async ({ data }) => {
  const store = memoryEventStore()
  const network = await enter(store, data)
  const keys = keyRing(data)
  const publicKeyOf = (name: Parameters<KeyRing['find']>[0]) => keys.find(name)!.publicKey
  assert.equal(network.serviceKeys, {
    health: publicKeyOf('health'),
    settlement: publicKeyOf('settlement'),
    chain: publicKeyOf('chain'),
  })
  const alone = { members: [publicKeyOf('authority')], threshold: 1 }
  assert.equal([network.stewards, network.arbiters, network.governors], [alone, alone, nobody])
  assert.equal(await enter(store, data), network)
  assert.is((await logOf(store)).length, 1)
})

test('a main network has no stewards or arbiters but those it is given', async ({ data }) => {
  const member = signerFrom(generateSeed()).publicKey
  const network = await enter(memoryEventStore(), data, { DUXNET_NETWORK_KIND: 'main', DUXNET_ARBITERS: `1:${member}` })
  assert.equal([network.stewards, network.arbiters], [nobody, { members: [member], threshold: 1 }])
})

test('one from before there was money gets what it lacks, once, from whoever holds the authority', async ({ data }) => {
  const store = memoryEventStore()
  const keys = keyRing(data)
  const former = await foundFormer(store, keys, 'test')
  const network = await enter(store, data)
  assert.equal(Object.keys(network.serviceKeys).sort(), ['chain', 'health', 'settlement'])
  assert.is(network.serviceKeys.health, former.serviceKeys.health)
  assert.equal(network.stewards, { members: [former.authority], threshold: 1 })
  assert.equal(await enter(store, data), network)
  const log = await logOf(store)
  assert.equal(
    log.map(({ type }) => type),
    ['NetworkFounded', 'ServiceKeyChanged', 'ServiceKeyChanged', 'QuorumChanged', 'QuorumChanged'],
  )
  async function* again() {
    yield* log
  }
  assert.equal(await replayDecisions(again(), { namespace: 'dux', verify: verifySignature }), { events: 5, difference: undefined })
})

test('without the authority it stays as it is', async ({ data }) => {
  const store = memoryEventStore()
  const former = await foundFormer(store, keyRing(data), 'main')
  rmSync(keyRing(data).path('authority'))
  assert.equal(await enter(store, data), former)
  assert.is(keyRing(data).find('settlement'), undefined)
})

test('keys that are not the log’s, or that are missing where they are needed, keep it from starting', async ({ data }) => {
  const store = memoryEventStore()
  await enter(store, data)
  const settlement = keyRing(data).path('settlement')
  rmSync(settlement)
  await rejects(enter(store, data), /settlement process is not in .*settlement\.key/)
  await enter(store, data, { DUXNET_ROLES: 'commands,projector,queries' })
  writeKey(settlement, newKey())
  await rejects(enter(store, data), /serviceKeys\.settlement is .* in the log and .* here/)
})

test.run()
