import type { z } from 'zod'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import {
  type NetworkEvent,
  type NetworkFounded,
  networkFoundedSchema,
  type Quorum,
  quorumChangedSchema,
  serviceKeyChangedSchema,
} from './events.ts'

export const foundNetworkData = networkFoundedSchema.shape.data.omit({ networkId: true, foundedAt: true })
export const changeServiceKeyData = serviceKeyChangedSchema.shape.data.omit({ networkId: true })
export const changeQuorumData = quorumChangedSchema.shape.data.omit({ networkId: true })

export interface FoundNetwork extends z.infer<typeof foundNetworkData> {
  readonly type: 'FoundNetwork'
  readonly networkId: string
  readonly signer: string
  readonly now: string
}

export interface ChangeServiceKey extends z.infer<typeof changeServiceKeyData> {
  readonly type: 'ChangeServiceKey'
  readonly signer: string
}

export interface ChangeQuorum extends z.infer<typeof changeQuorumData> {
  readonly type: 'ChangeQuorum'
  readonly signer: string
}

export type NetworkCommand = FoundNetwork | ChangeServiceKey | ChangeQuorum

/** Keys, roles and policy as they stand. */
export type NetworkState = NetworkFounded['data']

export const networkDecider: Decider<NetworkState | undefined, NetworkCommand, NetworkEvent> = {
  rules: 1,
  initialState: undefined,
  decide(command, state) {
    switch (command.type) {
      case 'FoundNetwork':
        return found(command, state)
      case 'ChangeServiceKey':
        return changeServiceKey(command, state)
      case 'ChangeQuorum':
        return changeQuorum(command, state)
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'NetworkFounded':
        return event.data
      case 'ServiceKeyChanged':
        return state && { ...state, serviceKeys: { ...state.serviceKeys, [event.data.role]: event.data.publicKey } }
      case 'QuorumChanged':
        return state && { ...state, [event.data.role]: event.data.quorum }
    }
  },
}

function found(command: FoundNetwork, state: NetworkState | undefined): NetworkEvent[] {
  if (state) throw new DomainError('NetworkAlreadyFounded', { networkId: state.networkId })
  const { type: _, signer, now, ...network } = command
  if (signer !== network.authority) throw new DomainError('SignerNotAllowed', { needed: 'authority' })
  for (const role of ['stewards', 'arbiters', 'governors'] as const)
    if (network[role].threshold > network[role].members.length)
      throw malformed(`command.data.${role}.threshold`, 'is more than there are members')
  const { version, reputation } = network.policy
  if (version !== 1) throw malformed('command.data.policy.version', 'must be 1')
  if (reputation.start < reputation.min || reputation.start > reputation.max)
    throw malformed('command.data.policy.reputation.start', 'must lie between min and max')
  return [{ type: 'NetworkFounded', data: { ...network, foundedAt: now } }]
}

function changeServiceKey({ signer, role, publicKey }: ChangeServiceKey, state: NetworkState | undefined): NetworkEvent[] {
  const { networkId, serviceKeys } = byAuthority(state, signer)
  if (Object.hasOwn(serviceKeys, role) && serviceKeys[role] === publicKey) return []
  return [{ type: 'ServiceKeyChanged', data: { networkId, role, publicKey } }]
}

function changeQuorum({ signer, role, quorum }: ChangeQuorum, state: NetworkState | undefined): NetworkEvent[] {
  const network = byAuthority(state, signer)
  const fault = faultIn(quorum)
  if (fault) throw malformed(`command.data.quorum.${fault.field}`, fault.reason)
  if (isSame(network[role], quorum)) return []
  return [{ type: 'QuorumChanged', data: { networkId: network.networkId, role, quorum } }]
}

/** The network, if it is the command's subject and the authority signed. */
function byAuthority(state: NetworkState | undefined, signer: string): NetworkState {
  if (!state) throw malformed('command.subject', 'must be the network')
  if (signer !== state.authority) throw new DomainError('SignerNotAllowed', { needed: 'authority' })
  return state
}

/** What keeps keys from deciding together; undefined when nothing does. Nobody, with a threshold of 0, decides nothing. */
export function faultIn({ members, threshold }: Quorum): { readonly field: string; readonly reason: string } | undefined {
  if (new Set(members).size < members.length) return { field: 'members', reason: 'names a key twice' }
  if (threshold > members.length) return { field: 'threshold', reason: 'is more than there are members' }
  if (threshold === 0 && members.length > 0) return { field: 'threshold', reason: 'must be at least 1' }
  return undefined
}

function isSame(one: Quorum, other: Quorum): boolean {
  return one.threshold === other.threshold && one.members.join() === other.members.join()
}
