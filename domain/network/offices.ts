// Who may sign for the network: services by their keys, stewards by theirs.
import { DomainError } from '../errors.ts'
import type { NetworkState } from './decider.ts'

/** The key of one of the network's services; undefined when it has none. */
export function serviceKey({ serviceKeys }: Pick<NetworkState, 'serviceKeys'>, role: string): string | undefined {
  return Object.hasOwn(serviceKeys, role) ? serviceKeys[role] : undefined
}

/** Throws `SignerNotAllowed` unless `signer` is the network's key of a service. */
export function requireService(signer: string, key: string | undefined, role: 'settlement' | 'chain'): void {
  if (signer !== key) throw new DomainError('SignerNotAllowed', { needed: `service:${role}` })
}

/** What every command holds that is decided by who signed it. */
interface Signed {
  readonly signer: string
  readonly network: NetworkState
}

/** Throws `SignerNotAllowed`. */
export function requireSettlement({ signer, network }: Signed): void {
  requireService(signer, serviceKey(network, 'settlement'), 'settlement')
}

/** Throws `SignerNotAllowed`. */
export function requireSteward({ signer, network: { stewards } }: Signed): void {
  if (!stewards.members.includes(signer)) throw new DomainError('SignerNotAllowed', { needed: 'steward' })
}
