import type { z } from 'zod'
import type { DomainEvent } from '../domain/catalogue.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { Category } from '../domain/stream.ts'
import type { StateOf, StateSeen } from './deciders.ts'

/** A stream by its parts; `streamName` puts them together. */
export interface StreamId<C extends Category = Category> {
  readonly category: C
  readonly id: string
}

/** The streams that a decision must know of, by the names that its facts have in `metadata.facts`; the network is always one. */
export type Needs = { readonly [name: string]: StreamId | undefined } & { readonly now?: never; readonly network?: never }

/** A stream as a decision saw it; its revision is -1 when it held nothing. */
export type Seen<C extends Category = Category> = C extends Category
  ? { readonly category: C; readonly stream: string; readonly revision: number; readonly state: StateSeen<C> }
  : never

/** What was seen of the streams that a handler needs. */
export type SeenOf<Needed> = { readonly [Name in keyof Needed]: SeenAt<Needed[Name]> }

type SeenAt<Need> = Need extends StreamId<infer C> ? Seen<C> : undefined

/** A checked command and who signed it. */
export interface Asked<Data = unknown> {
  readonly networkId: string
  readonly subject: string
  readonly data: Data
  readonly commandId: string
  readonly issuedAt: string
  readonly signer: string
}

/** All that a decision is given but the state of its own stream: what is asked, and the facts. */
export interface Given<Data = unknown, Needed = unknown> extends Asked<Data> {
  /** The server's clock. */
  readonly now: string
  readonly network: NetworkState
  readonly facts: SeenOf<Needed>
  /** Whether the handler's `proof`, where it has one, was verified. */
  readonly proven: boolean
}

/** A signature inside a command, beside the command's own. */
export interface Proof {
  readonly publicKey: string
  readonly message: Uint8Array
  readonly signature: string
}

/** How one type of command is checked, which facts it needs, and how it is decided. */
interface Definition<Data, Own extends Category, Needed extends Needs> {
  readonly data: z.ZodType<Data>
  /** The stream that is folded and written is this category's of the command's subject. */
  readonly category: Own
  /**
   * How new the facts must be, which in memory may be old where other instances write: read forward before each decision, or unless
   * that was done in the last seconds. Absent: only a refusal and a decision of nothing are made on what has just been read.
   */
  readonly freshness?: 'always' | 'recent'
  /** Which other streams the decision must know of, given its own stream's state. */
  needs?(asked: Asked<Data>, state: StateOf<Own>): Needed
  /** Who signed, in the network's terms: `node:<id>`, `authority`, `service:<role>`. */
  actor(given: Given<Data, Needed>): string
  proof?(asked: Asked<Data>): Proof
  decide(given: Given<Data, Needed>, state: StateOf<Own>): readonly DomainEvent[]
}

/** One whose own types are forgotten: whoever calls it hands over data that its schema has checked and folds of the streams it names. */
export interface CommandHandler extends Omit<Definition<unknown, Category, Needs>, 'needs' | 'decide'> {
  needs?(asked: Asked, state: unknown): Needs
  decide(given: Given, state: unknown): readonly DomainEvent[]
}

/** A handler whose types fit together: of the data, of its stream's state and of the facts. Those of its data stay known. */
export function commandHandler<Data, const Own extends Category, const Needed extends Needs = Record<never, never>>(
  definition: Definition<Data, Own, Needed>,
): CommandHandler & { readonly data: z.ZodType<Data> } {
  return definition as unknown as CommandHandler & { readonly data: z.ZodType<Data> }
}
