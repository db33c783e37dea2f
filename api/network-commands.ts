import { alias } from './alias.ts'
import type { Route } from './route.ts'

/** What the authority sends about the network; the subject is the network. */
export const networkCommandRoutes: readonly Route[] = [
  alias('/v1/network/service-keys', 'ChangeServiceKey', "Change a service's key, or add a service", []),
  alias('/v1/network/quorums', 'ChangeQuorum', 'Change who the stewards, arbiters or governors are and how many must agree', []),
]
