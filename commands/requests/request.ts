import type { z } from 'zod'
import type { Json } from '../../domain/canonical.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import type { Asked } from '../command.ts'
import type { Records } from './ports.ts'

/** What a request is decided on, beside the records: what is asked, and the network and the time as they are. */
export interface RequestGiven<Data = unknown> extends Asked<Data> {
  readonly now: Date
  readonly network: NetworkState
  readonly surroundings: Surroundings
}

/** What requests need of the world outside. */
export interface Surroundings {
  /** Why nothing may be sent to this address; undefined when it may. */
  refusalOfUrl(url: string): string | undefined
  /** A new key of a webhook, which nobody can guess. */
  newKey(): Uint8Array
  /** The index that the next event of the log will have, as far as is known. Throws what the read models throw. */
  nextIndex(): Promise<number>
}

export type JsonObject = { readonly [member: string]: Json }

/** What is answered: `shownOnce` only the first time, and kept nowhere. */
export interface Applied {
  readonly answer: JsonObject
  readonly shownOnce?: JsonObject
}

/** How one type of signed request is checked and done. */
export interface RequestKind<Data = unknown> {
  readonly data: z.ZodType<Data>
  /** What the subject is: the network's id, or a webhook's, which for a new one is the command id. */
  readonly subject: 'network' | 'webhook' | 'new webhook'
  /** Throws `DomainError`; then nothing has happened. */
  apply(given: RequestGiven<Data>, records: Records): Promise<Applied>
}

/** A kind whose own type of data is forgotten: its schema has checked the data by then. */
export function requestKind<Data>(kind: RequestKind<Data>): RequestKind {
  return kind as RequestKind
}
