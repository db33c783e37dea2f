import type { HealthCommand } from '../domain/health/decider.ts'
import type { HeartbeatCommand } from '../domain/heartbeat/decider.ts'
import type { NetworkCommand } from '../domain/network/decider.ts'
import type { NodeCommand } from '../domain/node/decider.ts'
import type { ReputationCommand } from '../domain/reputation/decider.ts'
import type { CommandHandler } from './command.ts'
import { changeHealth } from './health.ts'
import { recordHeartbeat } from './heartbeat.ts'
import { changeNodeKey, deregisterNode, registerNode, updateNode } from './node.ts'
import { changeReputation } from './reputation.ts'

type DomainCommand = NetworkCommand | NodeCommand | HeartbeatCommand | HealthCommand | ReputationCommand

/** Every command that a decider knows but genesis, which comes before there is anybody to ask. One without a handler does not compile. */
export type CommandType = Exclude<DomainCommand['type'], 'FoundNetwork'>

/** Everything that `POST /v1/commands` takes, by type; `data` is the schema of the command's data. */
export const commandHandlers: Readonly<Record<CommandType, CommandHandler>> = {
  RegisterNode: registerNode,
  UpdateNode: updateNode,
  ChangeNodeKey: changeNodeKey,
  DeregisterNode: deregisterNode,
  RecordHeartbeat: recordHeartbeat,
  ChangeHealth: changeHealth,
  ChangeReputation: changeReputation,
}

/** The handler of a command type; undefined for a type that nobody knows. */
export function handlerOf(type: string): CommandHandler | undefined {
  return Object.hasOwn(commandHandlers, type) ? commandHandlers[type as CommandType] : undefined
}
