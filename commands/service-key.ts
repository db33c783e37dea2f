import type { NetworkState } from '../domain/network/decider.ts'

/** The key of one of the network's services; undefined when it has none. */
export function serviceKey({ serviceKeys }: NetworkState, role: string): string | undefined {
  return Object.hasOwn(serviceKeys, role) ? serviceKeys[role] : undefined
}
