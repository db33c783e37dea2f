import { z } from 'zod'
import { canonicalJson } from '../canonical.ts'
import type { Decider } from '../decider.ts'
import { DomainError } from '../errors.ts'
import { nodeIdOf, publicKeySchema, signatureSchema } from '../ids.ts'
import { type NodeEvent, type Profile, profileSchema } from './events.ts'

export const registerNodeData = z.strictObject({ profile: profileSchema })
export const updateNodeData = z.strictObject({ profile: profileSchema })
export const changeNodeKeyData = z.strictObject({
  publicKey: publicKeySchema.describe('The new key'),
  proof: signatureSchema.describe(
    'By the new key, over `duxnet-node-key-v1\\n` and the RFC 8785 text of {networkId, nodeId, publicKey, commandId}',
  ),
})
export const deregisterNodeData = z.strictObject({})

export interface RegisterNode {
  readonly type: 'RegisterNode'
  readonly nodeId: string
  readonly signer: string
  readonly profile: Profile
}

/** Replaces the whole profile. */
export interface UpdateNode {
  readonly type: 'UpdateNode'
  readonly nodeId: string
  readonly signer: string
  readonly profile: Profile
}

export interface ChangeNodeKey {
  readonly type: 'ChangeNodeKey'
  readonly nodeId: string
  readonly signer: string
  readonly authority: string
  /** The new key. */
  readonly publicKey: string
  /** Whether the new key's proof was verified. */
  readonly proven: boolean
}

export interface DeregisterNode {
  readonly type: 'DeregisterNode'
  readonly nodeId: string
  readonly signer: string
}

export type NodeCommand = RegisterNode | UpdateNode | ChangeNodeKey | DeregisterNode

export interface NodeState {
  readonly status: 'registered' | 'deregistered'
  /** The key that speaks for the node now. */
  readonly publicKey: string
  readonly profile: Profile
}

export const nodeDecider: Decider<NodeState | undefined, NodeCommand, NodeEvent> = {
  rules: 1,
  initialState: undefined,
  decide(command, state) {
    switch (command.type) {
      case 'RegisterNode':
        return register(command, state)
      case 'UpdateNode':
        return update(command, state)
      case 'ChangeNodeKey':
        return changeKey(command, state)
      case 'DeregisterNode':
        return deregister(command, state)
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'NodeRegistered':
        return { status: 'registered', publicKey: event.data.publicKey, profile: event.data.profile }
      case 'NodeUpdated':
        return state && { ...state, profile: event.data.profile }
      case 'NodeKeyChanged':
        return state && { ...state, publicKey: event.data.publicKey }
      case 'NodeDeregistered':
        return state && { ...state, status: 'deregistered' }
    }
  },
}

function register({ nodeId, signer, profile }: RegisterNode, state: NodeState | undefined): NodeEvent[] {
  if (state) {
    const node = speaksFor(nodeId, state, signer)
    if (sameProfile(node.profile, profile)) return []
    throw new DomainError('NodeAlreadyRegistered', { nodeId })
  }
  const expected = nodeIdOf(signer)
  if (nodeId !== expected) throw new DomainError('NodeIdMismatch', { nodeId, expected })
  return [{ type: 'NodeRegistered', data: { nodeId, publicKey: signer, profile } }]
}

function update({ nodeId, signer, profile }: UpdateNode, state: NodeState | undefined): NodeEvent[] {
  const node = speaksFor(nodeId, state, signer)
  return sameProfile(node.profile, profile) ? [] : [{ type: 'NodeUpdated', data: { nodeId, profile } }]
}

function changeKey({ nodeId, signer, authority, publicKey, proven }: ChangeNodeKey, state: NodeState | undefined): NodeEvent[] {
  const recovery = signer === authority
  const node = recovery ? registered(nodeId, state) : speaksFor(nodeId, state, signer)
  if (publicKey === node.publicKey) return []
  if (!proven) throw new DomainError('NodeKeyProofInvalid', { field: 'command.data.proof' })
  const by = recovery ? 'authority' : 'node'
  return [{ type: 'NodeKeyChanged', data: { nodeId, previousKey: node.publicKey, publicKey, by } }]
}

function deregister({ nodeId, signer }: DeregisterNode, state: NodeState | undefined): NodeEvent[] {
  speaksFor(nodeId, state, signer)
  return [{ type: 'NodeDeregistered', data: { nodeId } }]
}

function sameProfile(one: Profile, other: Profile): boolean {
  return canonicalJson(one) === canonicalJson(other)
}

/** The node, if it is registered and still is. Throws `NodeNotRegistered`, `NodeDeregistered`. */
export function registered(nodeId: string, node: NodeState | undefined): NodeState {
  if (!node) throw new DomainError('NodeNotRegistered', { nodeId })
  if (node.status === 'deregistered') throw new DomainError('NodeDeregistered', { nodeId })
  return node
}

/** The node, if `signer` may speak for it: nobody but its own key. Throws as `registered` and `SignerNotAllowed`. */
export function speaksFor(nodeId: string, state: NodeState | undefined, signer: string): NodeState {
  const node = registered(nodeId, state)
  if (node.publicKey !== signer) throw new DomainError('SignerNotAllowed', { needed: 'node', nodeId })
  return node
}
