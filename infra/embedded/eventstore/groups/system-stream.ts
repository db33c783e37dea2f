import { randomUUID } from 'node:crypto'
import { any } from '../engine/rules.ts'
import type { Outcome } from '../engine/writer.ts'
import type { Store } from '../store.ts'

// What groups write for themselves. Their streams are ordinary ones: what is in them survives as everything else does.

/** The definitions of all groups. */
export const configStream = '$persistentSubscriptionConfig'
export const checkpointStream = (key: string) => `$persistentsubscription-${key}-checkpoint`
export const parkedStream = (key: string) => `$persistentsubscription-${key}-parked`

const nothing = Buffer.alloc(0)

export interface SystemEvent {
  readonly type: string
  readonly isJson: boolean
  readonly data: Buffer
  readonly metadata?: Buffer
}

/** Writes events to the end of a stream, and answers once they are durable, or with the reason why they are not. */
export function write({ writer }: Store, stream: string, events: readonly SystemEvent[], answer: (error?: Error) => void): void {
  const proposals = events.map(({ type, isJson, data, metadata = nothing }) => ({
    id: randomUUID(),
    type: Buffer.from(type),
    isJson,
    data,
    metadata,
  }))
  writer.append(stream, any, proposals, (outcome) => answer(errorOf(stream, outcome)))
}

/** Deletes a stream so that it can be written again; one that was never written is left alone. */
export function clear({ streams, writer }: Store, stream: string): void {
  if (streams.get(stream).head.last >= 0) writer.softDelete(stream, any, () => {})
}

function errorOf(stream: string, outcome: Outcome): Error | undefined {
  if (outcome.kind === 'written') return undefined
  return outcome.kind === 'failed' ? outcome.error : new Error(`${stream} cannot be written: ${outcome.kind}`)
}
