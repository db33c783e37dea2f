// Short forms for looking at answers, which many scenarios use.
import type { Wire } from './codec.ts'
import type { Position } from './streams.ts'

/** Which of its alternatives a message is: 'event', 'checkpoint', 'caughtUp', … */
export const kind = (message: Wire): string | undefined => Object.keys(message)[0]

/** Where in $all an event that was read stands. */
export const position = ({ event }: Wire): Position => ({ commit: event.commitPosition, prepare: event.preparePosition })

/** Where in $all the last event of an append stands. */
export const positionOf = ({ success }: Wire): Position => success.position

/** Whether each is greater than the one before it. */
export const rises = (numbers: readonly (bigint | number)[]): boolean =>
  numbers.every((one, index) => index === 0 || one > numbers[index - 1]!)
