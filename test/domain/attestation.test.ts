import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AttestationCommand, attestationDecider } from '../../domain/attestation/decider.ts'
import type { AttestationEvent } from '../../domain/attestation/events.ts'
import type { NodeState } from '../../domain/node/decider.ts'
import { scenario } from '../support/given.ts'
import { commitment, idOf, keys } from './money.ts'

const attestation = suite('attestation')
const given = scenario(attestationDecider)

const nodeId = 'abc'
const node: NodeState = {
  status: 'registered',
  publicKey: keys.provider,
  profile: { cores: 1, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] },
}
const common = { nodeId, signer: keys.authority, authority: keys.authority, node }
const [proofId, signalId] = [idOf(1), idOf(2)]
const prove = { ...common, type: 'ProveComputation', proofId, units: 7, evidence: commitment } satisfies AttestationCommand
const proved: AttestationEvent = { type: 'ComputationProved', data: { nodeId, proofId, units: 7, evidence: commitment } }
const raise = {
  ...common,
  type: 'RaiseSybilSignal',
  signalId,
  rule: 'shared_address',
  weight: 40,
  evidence: commitment,
} satisfies AttestationCommand
const raised: AttestationEvent = {
  type: 'SybilSignalRaised',
  data: { nodeId, signalId, rule: 'shared_address', weight: 40, evidence: commitment },
}
const withdraw = { ...common, type: 'WithdrawSybilSignal', signalId, reason: 'mistake' } satisfies AttestationCommand
const withdrawn: AttestationEvent = { type: 'SybilSignalWithdrawn', data: { nodeId, signalId, reason: 'mistake' } }

attestation('a proof counts once', () => {
  given().when(prove).then(proved)
  given(proved).when(prove).thenNothing()
  given(proved)
    .when({ ...prove, units: 8 })
    .thenRefused('ProofAlreadyCounted', { proofId, units: 7 })
})

attestation('a signal stands until it is withdrawn', () => {
  given().when(raise).then(raised)
  given(raised).when(raise).thenNothing()
  given(raised)
    .when({ ...raise, weight: 41 })
    .thenRefused('CommandIdReused')
  given(raised).when(withdraw).then(withdrawn)
  given(raised, withdrawn).when(withdraw).thenNothing()
  given().when(withdraw).thenRefused('SybilSignalUnknown', { signalId })
})

attestation('only the authority says so, and only of nodes that are registered', () => {
  for (const command of [prove, raise, withdraw])
    given(raised)
      .when({ ...command, signer: keys.steward })
      .thenRefused('SignerNotAllowed', { needed: 'authority' })
  for (const command of [prove, raise]) {
    given()
      .when({ ...command, node: undefined })
      .thenRefused('NodeNotRegistered')
    given()
      .when({ ...command, node: { ...node, status: 'deregistered' } })
      .thenRefused('NodeDeregistered')
  }
})

attestation('what is written down is read again', () => {
  const { snapshots, evolve, initialState } = attestationDecider
  const state = [proved, raised, withdrawn].reduce((state, event) => evolve(state, event, ''), initialState)
  const again = snapshots!.read(JSON.parse(JSON.stringify(snapshots!.write(state))))
  assert.equal([...again.proofs.entries()], [...state.proofs.entries()])
  assert.equal([...again.signals.entries()], [...state.signals.entries()])
})

attestation.run()
