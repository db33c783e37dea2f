// The received side of a streaming call: everything that came, and a cursor to wait for what has not come yet.
import type { Wire } from './codec.ts'
import type { Failure } from './failure.ts'

/** How a call ended. */
export type Ending = { readonly ended: true } | Failure

/** The ending of a call, or that it is still open, as one loose value to record or to look into. */
export type Outcome = Wire

type Predicate = (messages: readonly Wire[], closed: Outcome) => unknown

export class Inbox {
  readonly messages: Wire[] = []
  closed: Outcome = undefined
  #read = 0
  readonly #waiting = new Set<() => void>()

  push(message: Wire): void {
    this.messages.push(message)
    this.#wake()
  }

  close(ending: Ending): void {
    this.closed ??= ending
    this.#wake()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }

  /**
   * The next unread message of that kind ('event', 'confirmation', …; any when absent), skipping others;
   * the ending when the call is over; { timeout: true } when nothing came.
   */
  async next(kind?: string, ms = 5_000): Promise<Wire> {
    let found: Wire
    await this.until(() => {
      while (!found && this.#read < this.messages.length) {
        const message = this.messages[this.#read++]
        if (!kind || kind in message) found = message
      }
      return found || this.closed
    }, ms)
    return found ?? this.closed ?? { timeout: true }
  }

  /** Resolves to true as soon as the predicate holds, to whether it holds when `ms` have passed. */
  until(predicate: Predicate, ms = 5_000): Promise<boolean> {
    const holds = () => Boolean(predicate(this.messages, this.closed))
    if (holds()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (result: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(result)
      }
      const check = () => {
        if (holds()) done(true)
      }
      const timer = setTimeout(() => done(holds()), ms)
      this.#waiting.add(check)
    })
  }

  /** The ending of the call, or { open: true } when it is still running after `ms`. */
  async outcome(ms = 5_000): Promise<Outcome> {
    await this.until((_, closed) => closed, ms)
    return this.closed ?? { open: true }
  }
}
