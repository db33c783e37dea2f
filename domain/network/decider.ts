import type { z } from 'zod'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { type NetworkEvent, type NetworkFounded, networkFoundedSchema } from './events.ts'

export const foundNetworkData = networkFoundedSchema.shape.data.omit({ networkId: true, foundedAt: true })

export interface FoundNetwork extends z.infer<typeof foundNetworkData> {
  readonly type: 'FoundNetwork'
  readonly networkId: string
  readonly signer: string
  readonly now: string
}

export type NetworkCommand = FoundNetwork

/** Keys, roles and policy as they stand. */
export type NetworkState = NetworkFounded['data']

export const networkDecider: Decider<NetworkState | undefined, NetworkCommand, NetworkEvent> = {
  rules: 1,
  initialState: undefined,
  decide(command, state) {
    switch (command.type) {
      case 'FoundNetwork':
        return found(command, state)
    }
  },
  evolve(_state, event) {
    switch (event.type) {
      case 'NetworkFounded':
        return event.data
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
