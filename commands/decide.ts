import type { DomainEvent } from '../domain/catalogue.ts'
import { DomainError } from '../domain/errors.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { CheckedCommand } from './check.ts'
import type { Given, Seen, StreamId } from './command.ts'
import { deciders } from './deciders.ts'
import type { CommandContext, NewEvent } from './ports.ts'
import { eventsToAppend } from './record.ts'

/** How far a command's `issuedAt` may lie from our clock, in milliseconds. */
export const clockWindowMs = 5 * 60_000

/** What a command is decided on: the stream it is about, the server's clock, and what was seen of other streams. */
export interface Grounds {
  readonly stream: string
  readonly state: unknown
  readonly now: string
  readonly network: NetworkState
  /** By name, as `needsOf` names them. */
  readonly seen: Readonly<Record<string, Seen>>
}

export interface Decision {
  readonly decided: readonly DomainEvent[]
  /** The same with their ids and metadata; none when it is already so. */
  readonly events: readonly NewEvent[]
}

/** The other streams that a decision looks at, by name, where its own stream stands at `state`. */
export function needsOf(command: CheckedCommand, state: unknown): (readonly [name: string, StreamId])[] {
  const needs = Object.entries(command.handler.needs?.(command, state) ?? {})
  const named = needs.filter((need): need is [string, StreamId] => need[1] !== undefined)
  return [['network', { category: 'network', id: command.networkId }], ...named]
}

/** A stream at a revision as others' decisions see it. */
export function seenOf({ category, stream, revision, state }: Omit<Seen, 'state'> & { readonly state: unknown }): Seen {
  return { category, stream, revision, state: deciders[category].newest === undefined ? state : undefined } as Seen
}

/**
 * One decision, from nothing but its arguments: the server makes it once, an auditor again, who says by which `rules` it was made. Throws
 * `DomainError`.
 */
export function decideCommand(
  command: CheckedCommand,
  { stream, state, now, network, seen }: Grounds,
  context: CommandContext,
  rules = deciders[command.handler.category].rules,
): Decision {
  checkClock(command.issuedAt, now)
  const { handler, commandId, signer: publicKey, signature, text } = command
  const given: Given = { ...command, now, network, facts: seen }
  const decided = handler.decide(given, state)
  const events = eventsToAppend(decided, {
    ...context,
    networkId: command.networkId,
    stream,
    commandId,
    publicKey,
    signature,
    text,
    actor: handler.actor(given),
    rules,
    policyVersion: network.policy.version,
    now,
    seen,
  })
  return { decided, events }
}

/** Throws `CommandStale` and `CommandFromTheFuture`. Instants as the log writes them. */
export function checkClock(issuedAt: string, now: string): void {
  const ahead = Date.parse(issuedAt) - Date.parse(now)
  if (Math.abs(ahead) <= clockWindowMs) return
  throw new DomainError(ahead < 0 ? 'CommandStale' : 'CommandFromTheFuture', {
    field: 'command.issuedAt',
    issuedAt,
    serverTime: now,
    windowSeconds: clockWindowMs / 1000,
  })
}
