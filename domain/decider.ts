/**
 * One aggregate's rules as three pure things (after Jérémie Chassaing's decider pattern).
 * `decide` throws a `DomainError` to refuse and returns `[]` for "already so"; `evolve` is exhaustive and validates nothing.
 */
export interface Decider<State, Command, Event> {
  readonly initialState: State
  decide(command: Command, state: State): readonly Event[]
  evolve(state: State, event: Event): State
}
