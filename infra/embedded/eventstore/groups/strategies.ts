import { Pinned } from './pinned.ts'
import type { StrategyName } from './settings.ts'

/** What a strategy looks at. */
export interface Candidate {
  /** Whether it takes a message now: fewer open than it asked for, and a connection that flows. */
  readonly hasRoom: boolean
}

/** Which consumer gets a message. */
export interface Strategy<C extends Candidate> {
  join(consumer: C): void
  leave(consumer: C): void
  /** `held`: this message must wait, others need not. `full`: nobody takes any message. */
  choose(bucket: number): C | 'held' | 'full'
  /** A message that the consumer was given is no longer open with it. */
  released(consumer: C, bucket: number): void
}

export function strategyOf<C extends Candidate>(name: StrategyName): Strategy<C> {
  if (name === 'RoundRobin') return new Queue<C>(true)
  return name === 'DispatchToSingle' ? new Queue<C>(false) : new Pinned<C>()
}

/** The first in line that has room. Whoever was passed over goes to the end of the line; with `rotates`, so does the one who got it. */
class Queue<C extends Candidate> implements Strategy<C> {
  readonly #rotates: boolean
  readonly #line: C[] = []

  constructor(rotates: boolean) {
    this.#rotates = rotates
  }

  join(consumer: C): void {
    this.#line.push(consumer)
  }

  leave(consumer: C): void {
    const at = this.#line.indexOf(consumer)
    if (at >= 0) this.#line.splice(at, 1)
  }

  choose(): C | 'full' {
    const at = this.#line.findIndex((consumer) => consumer.hasRoom)
    if (at < 0) return 'full'
    const chosen = this.#line[at]!
    this.#line.push(...this.#line.splice(0, this.#rotates ? at + 1 : at))
    return chosen
  }

  released(): void {}
}
