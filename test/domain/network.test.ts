import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FoundNetwork, networkDecider } from '../../domain/network/decider.ts'
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

network.run()
