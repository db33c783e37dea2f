import type { DerivedWrite } from '../engine/writer.ts'
import type { Store } from '../store.ts'
import type { Reading } from './chunk.ts'
import { beginning, loadProgress, type Progress, progressMark } from './progress.ts'
import { rules } from './rules.ts'

export interface Projection extends Reading, Progress {
  readonly name: string
  /** How far it is known to have come after a crash. */
  readonly checkpoint: number
  /** Since this program started. */
  readonly eventsProcessed: number
  /** Why it cannot go on, until it is enabled again. */
  readonly fault: string | undefined
}

/** What is known of each projection, and how that becomes durable together with what they derive. */
export class Ledger {
  readonly #store: Store
  #all: ReadonlyMap<string, Projection>

  constructor(store: Store) {
    this.#store = store
    this.#all = this.#load()
  }

  list(): readonly Projection[] {
    return [...this.#all.values()]
  }

  get(name: string): Projection {
    return this.#all.get(name)!
  }

  /** Changes what can be found again after a crash without being written. */
  set(changed: readonly Projection[]): void {
    this.#all = new Map([...this.#all, ...changed.map((projection) => [projection.name, projection] as const)])
  }

  /** Makes events and the progress that goes with them durable. Rejects when nothing of it was stored; what is known is what is stored then. */
  write(derived: readonly DerivedWrite[], changed: readonly Projection[]): Promise<void> {
    this.set(changed)
    return new Promise((resolve, reject) =>
      this.#store.writer.appendDerived(derived, [progressMark(this.#all.values())], (outcome) => {
        if (outcome.kind === 'failed') {
          this.#all = this.#load()
          reject(outcome.error)
        } else {
          this.set(changed.map(({ name, position }) => ({ ...this.get(name), checkpoint: position })))
          resolve()
        }
      }),
    )
  }

  #load(): ReadonlyMap<string, Projection> {
    const stored = loadProgress(this.#store.log)
    const loaded = Object.entries(rules).map(([name, rule], index): [string, Projection] => {
      const progress = stored[name] ?? beginning
      const { eventsProcessed = 0, fault } = this.#all?.get(name) ?? {}
      return [name, { ...progress, name, rule, number: index + 1, checkpoint: progress.position, eventsProcessed, fault }]
    })
    return new Map(loaded)
  }
}
