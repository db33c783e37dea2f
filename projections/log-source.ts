import type { RecordedEvent } from '../domain/event.ts'
import type { Reached } from './checkpoints.ts'

/** A place in the log with proof of which log it is. */
export interface LogPlace {
  readonly position: bigint
  readonly eventId: string
}

export type LogMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'passed'; readonly position: bigint }
  | { readonly kind: 'caughtUp' }

/** What read models need of the log; the `EventStore` of commands/ports.ts is one, and its errors are meant here. */
export interface LogSource {
  readAll(options?: { readonly after?: LogPlace; readonly signal?: AbortSignal }): AsyncIterable<RecordedEvent>
  subscribe(options: { readonly after?: LogPlace; readonly signal: AbortSignal }): AsyncIterable<LogMessage>
  head(): Promise<LogPlace | undefined>
}

/** As an option of a `LogSource`. */
export function behind({ position, eventId }: Reached): { readonly after?: LogPlace } {
  return eventId === null ? {} : { after: { position, eventId } }
}

/** The port's `LogDiverged`, known by its name: its class lives in another room. */
export function isLogDiverged(error: unknown): error is Error & { readonly place: LogPlace } {
  return error instanceof Error && error.name === 'LogDiverged'
}
