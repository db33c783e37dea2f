const remembered = 1_000

export interface Measurement {
  readonly key: string
  readonly value: number
}

/** How long a consumer took for each of its latest messages, in milliseconds. */
export class Latencies {
  readonly #latest: number[] = []
  #next = 0

  add(ms: number): void {
    this.#latest[this.#next] = ms
    this.#next = (this.#next + 1) % remembered
  }

  /** In whole milliseconds; empty while there is nothing to measure. */
  measurements(): readonly Measurement[] {
    if (this.#latest.length === 0) return []
    const sorted = this.#latest.map(Math.trunc).sort((a, b) => a - b)
    const { length } = sorted
    const at = (percent: number) => sorted[Math.min(length - 1, Math.trunc((percent * length) / 100))]!
    const quintiles = [0, 20, 40, 60, 80].map((percent, n) => ({ key: `Quintile ${n + 1}`, value: at(percent) }))
    const percentiles = [90, 95, 99, 99.5, 99.9].map((percent) => ({ key: `${percent}%`, value: at(percent) }))
    return [
      { key: 'Mean', value: Math.trunc(sorted.reduce((sum, ms) => sum + ms) / length) },
      { key: 'Median', value: sorted[Math.trunc(length / 2)]! },
      { key: 'Fastest', value: sorted[0]! },
      ...quintiles,
      ...percentiles,
      { key: 'Highest', value: sorted[length - 1]! },
    ]
  }
}
