/** Where an event was written. */
export interface Place {
  readonly revision: number
  readonly position: number
}

/** Ids remembered at least; up to twice as many are. */
export const rememberedIds = 32_768

/** The event ids written lately, by stream. An id that was written to a stream more than once keeps its first place. */
export class RecentIds {
  #young = new Map<string, Place>()
  #old = new Map<string, Place>()

  get(stream: number, id: string): Place | undefined {
    const key = keyOf(stream, id)
    return this.#young.get(key) ?? this.#old.get(key)
  }

  /** Answers whether the id was new. */
  add(stream: number, id: string, place: Place): boolean {
    const key = keyOf(stream, id)
    if (this.#young.has(key)) return false
    const known = this.#old.get(key)
    this.#young.set(key, known ?? place)
    if (this.#young.size >= rememberedIds) {
      this.#old = this.#young
      this.#young = new Map()
    }
    return known === undefined
  }

  /** Takes back what a failed commit added. */
  remove(stream: number, id: string): void {
    const key = keyOf(stream, id)
    this.#young.delete(key)
    this.#old.delete(key)
  }
}

const keyOf = (stream: number, id: string) => `${id}${stream}`
