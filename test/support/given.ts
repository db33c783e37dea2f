import * as assert from 'uvu/assert'
import type { Decider } from '../../domain/decider.ts'
import { DomainError, type RefusalCode } from '../../domain/errors.ts'

/** An event of the past, with the time it was recorded where that matters. */
export type Past<Event> = Event | readonly [recordedAt: string, event: Event]

export interface When<Command, Event> {
  when(command: Command): Then<Event>
}

export interface Then<Event> {
  /** Exactly these events were decided. */
  then(...events: Event[]): void
  /** It was so already. */
  thenNothing(): void
  /** It was refused, with these details among others. */
  thenRefused(code: RefusalCode, details?: Record<string, unknown>): void
}

/** `given(opened, funded).when(release).then(released)` for one decider. */
export function scenario<State, Command, Event extends object>(decider: Decider<State, Command, Event>) {
  return (...past: Past<Event>[]): When<Command, Event> => ({
    when(command) {
      const state = past.reduce<State>((state, item) => {
        const [recordedAt, event] = isDated(item) ? item : ['2026-01-01T00:00:00.000Z', item]
        return decider.evolve(state, event, recordedAt)
      }, decider.initialState)
      const decide = () => decider.decide(command, state)
      return {
        // biome-ignore lint/suspicious/noThenProperty: it is read aloud, never awaited
        then: (...events) => assert.equal(decide(), events),
        thenNothing: () => assert.equal(decide(), []),
        thenRefused: (code, details = {}) => {
          const refusal = refusalOf(decide)
          assert.is(refusal.code, code)
          for (const [name, value] of Object.entries(details)) assert.equal(refusal.details[name], value, name)
        },
      }
    },
  })
}

function isDated<Event>(item: Past<Event>): item is readonly [string, Event] {
  return Array.isArray(item)
}

function refusalOf(decide: () => unknown): DomainError {
  let decided: unknown
  try {
    decided = decide()
  } catch (error) {
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error(`not refused: ${JSON.stringify(decided)}`)
}
