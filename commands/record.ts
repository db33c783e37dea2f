import type { Json } from '../domain/canonical.ts'
import { type DomainEvent, schemaVersionOf } from '../domain/catalogue.ts'
import type { Metadata } from '../domain/event.ts'
import { eventIdOf } from '../domain/ids.ts'
import type { CommandContext, NewEvent } from './ports.ts'

/** A stream as a decision saw it; -1 when it held nothing. */
export interface StreamFact {
  readonly stream: string
  readonly revision: number
}

/** A command and who decided it, as its events' metadata keep it. */
export interface Recording extends CommandContext {
  readonly networkId: string
  readonly stream: string
  readonly commandId: string
  readonly publicKey: string
  readonly signature: string
  /** The exact signed text. */
  readonly text: string
  readonly actor: string
  readonly rules: number
  readonly policyVersion: number
  /** The server's clock. */
  readonly now: string
  /** The other streams that were looked at, by name: `network`, but at genesis, and what the command's handler needs. */
  readonly seen: Readonly<Record<string, StreamFact>>
}

/**
 * The events of one decision with their ids and metadata (design.md 4 and 5). With the facts in it, the streams and the command an
 * auditor decides again (`replay.ts`).
 */
export function eventsToAppend(decided: readonly DomainEvent[], recording: Recording): NewEvent[] {
  const { networkId, stream, commandId, publicKey, text, now, seen, traceparent } = recording
  const shared: Omit<Metadata, 'schemaVersion'> = {
    commandId,
    correlationId: recording.correlationId ?? commandId,
    causationId: recording.causationId ?? commandId,
    actor: recording.actor,
    publicKey,
    signature: recording.signature,
    rules: recording.rules,
    policyVersion: recording.policyVersion,
    recordedAt: now,
  }
  if (traceparent !== undefined && isTraceparent.test(traceparent)) shared.traceparent = traceparent
  const facts: Record<string, StreamFact | string> = { now }
  for (const [name, { stream, revision }] of Object.entries(seen)) facts[name] = { stream, revision }
  return decided.map(({ type, data }, n) => {
    const metadata = { ...shared, schemaVersion: schemaVersionOf(type), ...(n === 0 && { command: text, facts }) }
    return {
      id: eventIdOf(networkId, stream, publicKey, now, n, text),
      type,
      data: data as Json,
      metadata: metadata as unknown as Json,
    }
  })
}

const isTraceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
