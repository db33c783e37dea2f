import { changeNodeKeyData, deregisterNodeData, nodeDecider, registerNodeData, updateNodeData } from '../domain/node/decider.ts'
import { keyProofBytes } from '../domain/node/key-proof.ts'
import { type Asked, commandHandler } from './command.ts'

const itself = ({ subject }: Pick<Asked, 'subject'>) => `node:${subject}`

export const registerNode = commandHandler({
  data: registerNodeData,
  category: 'node',
  actor: itself,
  decide: ({ subject, signer, data }, state) =>
    nodeDecider.decide({ type: 'RegisterNode', nodeId: subject, signer, profile: data.profile }, state),
})

export const updateNode = commandHandler({
  data: updateNodeData,
  category: 'node',
  actor: itself,
  decide: ({ subject, signer, data }, state) =>
    nodeDecider.decide({ type: 'UpdateNode', nodeId: subject, signer, profile: data.profile }, state),
})

export const changeNodeKey = commandHandler({
  data: changeNodeKeyData,
  category: 'node',
  actor: ({ subject, signer, network }) => (signer === network.authority ? 'authority' : `node:${subject}`),
  proof: ({ networkId, subject, commandId, data: { publicKey, proof } }) => ({
    publicKey,
    message: keyProofBytes({ networkId, nodeId: subject, publicKey, commandId }),
    signature: proof,
  }),
  decide: ({ subject, signer, network: { authority }, data: { publicKey }, proven }, state) =>
    nodeDecider.decide(
      {
        type: 'ChangeNodeKey',
        nodeId: subject,
        signer,
        authority,
        publicKey,
        proven,
      },
      state,
    ),
})

export const deregisterNode = commandHandler({
  data: deregisterNodeData,
  category: 'node',
  actor: itself,
  decide: ({ subject, signer }, state) => nodeDecider.decide({ type: 'DeregisterNode', nodeId: subject, signer }, state),
})
