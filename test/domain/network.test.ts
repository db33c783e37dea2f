import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ChangeQuorum, type ChangeServiceKey, type FoundNetwork, networkDecider } from '../../domain/network/decider.ts'
import type { NetworkEvent } from '../../domain/network/events.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { scenario } from '../support/given.ts'

const network = suite('network')
const given = scenario(networkDecider)

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64url')
const nobody = { members: [], threshold: 0 }
const charter = {
  networkId: '11111111-1111-4111-8111-111111111111',
  kind: 'test' as const,
  authority: keyOf(1),
  serviceKeys: { health: keyOf(2) },
  logKey: keyOf(3),
  stewards: { members: [keyOf(4), keyOf(5)], threshold: 2 },
  arbiters: nobody,
  governors: nobody,
  policy: initialPolicy,
}
const now = '2026-01-01T00:00:00.000Z'
const found: FoundNetwork = { type: 'FoundNetwork', ...charter, signer: charter.authority, now }
const founded: NetworkEvent = { type: 'NetworkFounded', data: { ...charter, foundedAt: now } }

network('is founded once, by its authority', () => {
  given().when(found).then(founded)
  given(founded).when(found).thenRefused('NetworkAlreadyFounded', { networkId: charter.networkId })
  given()
    .when({ ...found, signer: charter.logKey })
    .thenRefused('SignerNotAllowed', { needed: 'authority' })
})

network('is not founded with figures that cannot be', () => {
  const field = (command: FoundNetwork, field: string) => given().when(command).thenRefused('CommandMalformed', { field })
  field({ ...found, governors: { members: [keyOf(1)], threshold: 2 } }, 'command.data.governors.threshold')
  field({ ...found, policy: { ...initialPolicy, version: 2 } }, 'command.data.policy.version')
  const { reputation } = initialPolicy
  for (const start of [reputation.min - 1, reputation.max + 1])
    field({ ...found, policy: { ...initialPolicy, reputation: { ...reputation, start } } }, 'command.data.policy.reputation.start')
})

network('keeps what it was founded with', () => {
  assert.equal(networkDecider.evolve(undefined, founded, now), founded.data)
})

const keyChange: ChangeServiceKey = {
  type: 'ChangeServiceKey',
  signer: charter.authority,
  role: 'settlement',
  publicKey: keyOf(7),
}
const { networkId } = charter
const keyChanged: NetworkEvent = { type: 'ServiceKeyChanged', data: { networkId, role: 'settlement', publicKey: keyOf(7) } }

const quorum = { members: [keyOf(8), keyOf(9)], threshold: 2 }
const quorumChange: ChangeQuorum = { type: 'ChangeQuorum', signer: charter.authority, role: 'arbiters', quorum }
const quorumChanged: NetworkEvent = { type: 'QuorumChanged', data: { networkId, role: 'arbiters', quorum } }

network('its authority adds and changes keys of services', () => {
  given(founded).when(keyChange).then(keyChanged)
  given(founded, keyChanged).when(keyChange).thenNothing()
  const again: NetworkEvent = { type: 'ServiceKeyChanged', data: { ...keyChanged.data, publicKey: keyOf(8) } }
  given(founded, keyChanged)
    .when({ ...keyChange, publicKey: keyOf(8) })
    .then(again)
  given(founded)
    .when({ ...keyChange, role: 'constructor' })
    .then({ type: 'ServiceKeyChanged', data: { ...keyChanged.data, role: 'constructor' } })
  const { serviceKeys } = networkDecider.evolve(networkDecider.evolve(undefined, founded, now), keyChanged, now)!
  assert.equal(serviceKeys, { health: keyOf(2), settlement: keyOf(7) })
})

network('its authority says who decides together', () => {
  given(founded).when(quorumChange).then(quorumChanged)
  given(founded, quorumChanged).when(quorumChange).thenNothing()
  given(founded, quorumChanged)
    .when({ ...quorumChange, quorum: nobody })
    .then({ type: 'QuorumChanged', data: { ...quorumChanged.data, quorum: nobody } })
  const state = networkDecider.evolve(networkDecider.evolve(undefined, founded, now), quorumChanged, now)!
  assert.equal([state.arbiters, state.stewards], [quorum, charter.stewards])
})

network('nobody else changes it, and nothing else is the network', () => {
  for (const change of [keyChange, quorumChange]) {
    given(founded)
      .when({ ...change, signer: keyOf(4) })
      .thenRefused('SignerNotAllowed', { needed: 'authority' })
    given().when(change).thenRefused('CommandMalformed', { field: 'command.subject' })
  }
})

network('keys that cannot decide together are refused', () => {
  const [one, other] = quorum.members as [string, string]
  for (const [wrong, field] of [
    [{ members: [one, one], threshold: 1 }, 'members'],
    [{ members: [one, other], threshold: 3 }, 'threshold'],
    [{ members: [one, other], threshold: 0 }, 'threshold'],
    [{ members: [], threshold: 1 }, 'threshold'],
  ] as const) {
    const change = { ...quorumChange, quorum: { ...wrong, members: [...wrong.members] } }
    given(founded)
      .when(change)
      .thenRefused('CommandMalformed', { field: `command.data.quorum.${field}` })
  }
})

network.run()
