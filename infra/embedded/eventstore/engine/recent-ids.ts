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

  add(stream: number, id: string, place: Place): void {
    const key = keyOf(stream, id)
    if (this.#young.has(key)) return
    this.#young.set(key, this.#old.get(key) ?? place)
    if (this.#young.size < rememberedIds) return
    this.#old = this.#young
    this.#young = new Map()
  }

  /** Takes back what a failed commit added. */
  remove(stream: number, id: string): void {
    const key = keyOf(stream, id)
    this.#young.delete(key)
    this.#old.delete(key)
  }
}

const keyOf = (stream: number, id: string) => `${id}${stream}`
