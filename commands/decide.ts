import type { DomainEvent } from '../domain/catalogue.ts'
import { DomainError } from '../domain/errors.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { NodeState } from '../domain/node/decider.ts'
import { deciders } from './catalogue.ts'
import type { CheckedCommand } from './check.ts'
import type { Given } from './command.ts'
import type { CommandContext, NewEvent } from './ports.ts'
import { eventsToAppend, type Facts } from './record.ts'

/** How far a command's `issuedAt` may lie from our clock, in milliseconds. */
export const clockWindowMs = 5 * 60_000

/** What a command is decided on: the stream it is about, and what `facts` says was seen elsewhere. */
export interface Grounds {
  readonly stream: string
  readonly state: unknown
  readonly network: NetworkState
  readonly node: NodeState | undefined
  readonly facts: Facts
}

export interface Decision {
  readonly decided: readonly DomainEvent[]
  /** The same with their ids and metadata; none when it is already so. */
  readonly events: readonly NewEvent[]
}

/** One decision, from nothing but its arguments: the server makes it once, an auditor again. Throws `DomainError`. */
export function decideCommand(
  command: CheckedCommand,
  { stream, state, network, node, facts }: Grounds,
  context: CommandContext,
): Decision {
  checkClock(command.issuedAt, facts.now)
  const { handler, commandId, signer: publicKey, signature, text } = command
  const given: Given = { ...command, now: facts.now, network, node, heardRevision: facts.heartbeat?.revision ?? -1 }
  const decided = handler.decide(given, state)
  const events = eventsToAppend(decided, {
    ...context,
    networkId: network.networkId,
    stream,
    commandId,
    publicKey,
    signature,
    text,
    actor: handler.actor(given),
    rules: deciders[handler.category].rules,
    policyVersion: network.policy.version,
    facts,
  })
  return { decided, events }
}

function checkClock(issuedAt: string, now: string): void {
  const ahead = Date.parse(issuedAt) - Date.parse(now)
  if (Math.abs(ahead) <= clockWindowMs) return
  throw new DomainError(ahead < 0 ? 'CommandStale' : 'CommandFromTheFuture', {
    field: 'command.issuedAt',
    issuedAt,
    serverTime: now,
    windowSeconds: clockWindowMs / 1000,
  })
}
