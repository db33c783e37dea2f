import type { Json } from './canonical.ts'

/** A state as JSON and back. It is written and read by the same rules, so its form is nobody else's business. */
export interface Snapshots<State> {
  write(state: State): Json
  read(json: Json): State
}

/**
 * One aggregate's rules as three pure things (after Jérémie Chassaing's decider pattern).
 * `decide` throws a `DomainError` to refuse and returns `[]` for "already so"; `evolve` is exhaustive and validates nothing.
 */
export interface Decider<State, Command, Event> {
  /** Version of these rules, recorded with what they decide; it rises with any change that could decide a case differently. */
  readonly rules: number
  /** The oldest rules whose every decision these make alike; absent: they themselves. */
  readonly since?: number
  /** How many of a stream's newest events make its whole state; absent: all of them do. */
  readonly newest?: number
  readonly initialState: State
  /** How a state is written down; absent where streams stay so short that reading them anew costs nothing. */
  readonly snapshots?: Snapshots<State>
  /** What a state takes in memory, in bytes, roughly; absent where it is small. */
  sizeOf?(state: State): number
  decide(command: Command, state: State): readonly Event[]
  /** `recordedAt` is the event's, from its metadata: the server's clock when it was decided. */
  evolve(state: State, event: Event, recordedAt: string): State
}

/** One whose streams are endless: a fold of their newest events is all that anybody keeps. */
export interface EndlessDecider<State, Command, Event> extends Decider<State, Command, Event> {
  readonly newest: number
}
