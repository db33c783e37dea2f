/** Tells readers that wait at the end of the log, or of one stream, that there is more. */
export class Feed {
  /** The position of the newest durable event. */
  position: number
  readonly #all = new Set<() => void>()
  readonly #streams = new Map<string, Set<() => void>>()

  constructor(position: number) {
    this.position = position
  }

  /** Calls `wake` after each commit; answers how to stop that. */
  onAny(wake: () => void): () => void {
    this.#all.add(wake)
    return () => this.#all.delete(wake)
  }

  /** Calls `wake` after each commit that wrote to the stream; answers how to stop that. */
  onStream(name: string, wake: () => void): () => void {
    const waiting = this.#streams.get(name) ?? new Set()
    this.#streams.set(name, waiting.add(wake))
    return () => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.#streams.get(name) === waiting) this.#streams.delete(name)
    }
  }

  committed(position: number, streams: Iterable<string>): void {
    this.position = Math.max(this.position, position)
    for (const wake of this.#all) wake()
    if (this.#streams.size === 0) return
    for (const name of streams) for (const wake of this.#streams.get(name) ?? []) wake()
  }
}
