import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { ForeignNetwork, foundNetwork, type Genesis, loadNetwork, requireOwnNetwork } from '../../commands/network.ts'
import { UnreadableEvent } from '../../domain/catalogue.ts'
import type { DomainError } from '../../domain/errors.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { streamName } from '../../domain/stream.ts'

const network = suite('network')

const namespace = 'dux'
const someone = () => signerFrom(generateSeed())

function genesis(over: Partial<Genesis> = {}): Genesis {
  const store = memoryEventStore({ namespace })
  const serviceKeys = { health: someone().publicKey }
  return { store, namespace, kind: 'test', authority: someone(), serviceKeys, logKey: someone().publicKey, ...over }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('it did not fail'),
    (error) => error,
  )
}

network('is founded on an empty log and loaded from it', async () => {
  const charter = genesis({ clock: () => new Date('2026-01-01T00:00:00.000Z') })
  assert.is(await loadNetwork(charter.store, namespace), undefined)
  const founded = await foundNetwork(charter)
  assert.equal(await loadNetwork(charter.store, namespace), founded)
  const nobody = { members: [], threshold: 0 }
  assert.equal(founded, {
    networkId: founded.networkId,
    kind: 'test',
    foundedAt: '2026-01-01T00:00:00.000Z',
    authority: charter.authority.publicKey,
    serviceKeys: charter.serviceKeys,
    logKey: charter.logKey,
    stewards: nobody,
    arbiters: nobody,
    governors: nobody,
    policy: initialPolicy,
  })
})

network('is founded with the roles, the policy and the id that it is given', async () => {
  const networkId = '11111111-1111-4111-8111-111111111111'
  const stewards = { members: [someone().publicKey, someone().publicKey], threshold: 2 }
  const policy = { ...initialPolicy, heartbeat: { ...initialPolicy.heartbeat, intervalSeconds: 5 } }
  const founded = await foundNetwork(genesis({ kind: 'main', networkId, stewards, policy }))
  assert.equal([founded.kind, founded.networkId, founded.stewards, founded.policy], ['main', networkId, stewards, policy])
})

network('is founded once', async () => {
  const charter = genesis()
  const { networkId } = await foundNetwork(charter)
  const refusal = (await failureOf(foundNetwork(charter))) as DomainError
  assert.equal([refusal.code, refusal.details.networkId], ['NetworkAlreadyFounded', networkId])
})

network('has one founder, when two find the log empty at once', async () => {
  const charter = genesis()
  const results = await Promise.allSettled([foundNetwork(charter), foundNetwork({ ...charter, authority: someone() })])
  assert.equal(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const [founded, refused] = results[0]!.status === 'fulfilled' ? results : results.toReversed()
  const first = (founded as PromiseFulfilledResult<{ networkId: string }>).value
  assert.is(((refused as PromiseRejectedResult).reason as DomainError).code, 'NetworkAlreadyFounded')
  assert.is((await loadNetwork(charter.store, namespace))!.networkId, first.networkId)
})

network('is not founded with what cannot be', async () => {
  const charter = genesis({ logKey: 'no key' })
  const refusal = (await failureOf(foundNetwork(charter))) as DomainError
  assert.equal([refusal.code, refusal.details.field], ['CommandMalformed', 'command.data.logKey'])
  assert.is(await charter.store.head(), undefined)
})

network('is not loaded from a log that begins with something else', async () => {
  const store = memoryEventStore({ namespace })
  await store.append(streamName(namespace, 'node', 'a'), 'no_stream', [
    { id: '11111111-1111-4111-8111-111111111111', type: 'SomethingElse', data: {}, metadata: {} },
  ])
  assert.instance(await failureOf(loadNetwork(store, namespace)), UnreadableEvent)
  assert.instance(await failureOf(foundNetwork(genesis({ store }))), UnreadableEvent)

  const other = genesis()
  const otherFounded = await foundNetwork(other)
  const copied = memoryEventStore({ namespace })
  for await (const event of other.store.readAll()) {
    const data = { nodeId: 'a' }
    const { id, metadata } = event
    await copied.append(streamName(namespace, 'node', 'a'), 'no_stream', [{ id, type: 'NodeDeregistered', data, metadata }])
  }
  const failure = (await failureOf(loadNetwork(copied, namespace))) as UnreadableEvent
  assert.match(failure.message, /does not begin with NetworkFounded/)
  assert.ok(otherFounded)
})

network('an instance starts only with the keys of its log, and is told which differ', async () => {
  const charter = genesis()
  const founded = await foundNetwork(charter)
  const keys = { authority: founded.authority, serviceKeys: founded.serviceKeys, logKey: founded.logKey }
  requireOwnNetwork(founded, keys)
  requireOwnNetwork(founded, {})
  requireOwnNetwork(founded, { logKey: founded.logKey })
  const messageOf = (wrong: object) => {
    try {
      requireOwnNetwork(founded, { ...keys, ...wrong })
    } catch (error) {
      assert.instance(error, ForeignNetwork)
      return (error as Error).message
    }
    throw new Error('it would start')
  }
  const other = someone().publicKey
  assert.ok(messageOf({ authority: other }).includes(`authority is ${founded.authority} in the log and ${other} here`))
  assert.ok(messageOf({ logKey: other }).includes('logKey is'))
  assert.ok(messageOf({ serviceKeys: { health: other } }).includes('serviceKeys.health is'))
  assert.ok(messageOf({ serviceKeys: { constructor: other } }).includes(`serviceKeys.constructor is nobody in the log`))
  const all = messageOf({ authority: other, logKey: other })
  assert.ok(all.includes(founded.networkId) && all.includes('authority') && all.includes('logKey'))
})

network.run()
