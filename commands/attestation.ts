import {
  attestationDecider,
  proveComputationData,
  raiseSybilSignalData,
  withdrawSybilSignalData,
} from '../domain/attestation/decider.ts'
import { commandHandler } from './command.ts'

const shared = { category: 'attestation', actor: () => 'authority' } as const
const node = ({ subject }: { readonly subject: string }) => ({ node: { category: 'node', id: subject } }) as const

export const proveComputation = commandHandler({
  ...shared,
  data: proveComputationData,
  needs: node,
  decide: ({ subject: nodeId, signer, network: { authority }, facts, data }, state) =>
    attestationDecider.decide({ ...data, type: 'ProveComputation', nodeId, signer, authority, node: facts.node.state }, state),
})

export const raiseSybilSignal = commandHandler({
  ...shared,
  data: raiseSybilSignalData,
  needs: node,
  decide: ({ subject: nodeId, signer, commandId: signalId, network: { authority }, facts, data }, state) =>
    attestationDecider.decide(
      { ...data, type: 'RaiseSybilSignal', nodeId, signalId, signer, authority, node: facts.node.state },
      state,
    ),
})

export const withdrawSybilSignal = commandHandler({
  ...shared,
  data: withdrawSybilSignalData,
  decide: ({ subject: nodeId, signer, network: { authority }, data }, state) =>
    attestationDecider.decide({ ...data, type: 'WithdrawSybilSignal', nodeId, signer, authority }, state),
})
