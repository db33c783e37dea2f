export interface Rate {
  readonly totalItems: number
  /** Since the last reading. */
  readonly countSinceLastMeasurement: number
  readonly averagePerSecond: number
}

/** Counts messages, and tells how many there were since somebody last asked. */
export class Meter {
  #total = 0
  #read = 0

  count(): void {
    this.#total++
  }

  read(sinceMs: number): Rate {
    const count = this.#total - this.#read
    this.#read = this.#total
    return {
      totalItems: this.#total,
      countSinceLastMeasurement: count,
      averagePerSecond: sinceMs > 0 ? Math.trunc((count * 1_000) / sinceMs) : 0,
    }
  }
}
