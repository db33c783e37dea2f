import { alias } from './alias.ts'
import type { ProblemCode } from './problem.ts'
import type { Route } from './route.ts'

const nodeRefusals: readonly ProblemCode[] = ['NodeNotRegistered', 'NodeDeregistered']

/** What is sent about a node. */
export const nodeCommandRoutes: readonly Route[] = [
  alias('/v1/nodes', 'RegisterNode', 'Register a node', ['NodeAlreadyRegistered', 'NodeDeregistered', 'NodeIdMismatch']),
  alias('/v1/nodes/:id/update', 'UpdateNode', "Replace a node's profile", nodeRefusals),
  alias('/v1/nodes/:id/key', 'ChangeNodeKey', "Change a node's key, or recover a lost one", [
    ...nodeRefusals,
    'NodeKeyProofInvalid',
  ]),
  alias('/v1/nodes/:id/deregister', 'DeregisterNode', 'Take a node out of the network', nodeRefusals),
  alias('/v1/nodes/:id/heartbeats', 'RecordHeartbeat', 'Send a heartbeat', [
    ...nodeRefusals,
    'HeartbeatTooEarly',
    'HeartbeatOutOfOrder',
  ]),
  alias('/v1/nodes/:id/reputation', 'ChangeReputation', "Change a node's reputation, as the authority", [
    ...nodeRefusals,
    'ReputationRuleUnknown',
  ]),
]
