// A small model of a stream's rules, written for clarity: everything in memory, one array of ids.

export type Expectation = 'any' | 'no_stream' | 'stream_exists' | bigint

export type Verdict = { revision: bigint } | 'wrong-expected-version' | 'stream-deleted'

export class ModelStream {
  /** The id of each event ever written, by revision. */
  readonly ids: string[] = []
  tombstoned = false
  hasMetadata = false
  /** undefined: nothing hides; 'deleted': soft-deleted. */
  truncateBefore: number | 'deleted' | undefined
  maxCount: number | undefined

  append(expected: Expectation, ids: readonly string[]): Verdict {
    const verdict = this.#judge(expected, ids)
    if (verdict !== 'write') return verdict
    const first = this.ids.length
    this.ids.push(...ids)
    if (this.truncateBefore === 'deleted') this.#revive(first)
    return { revision: BigInt(this.ids.length - 1) }
  }

  softDelete(expected: Expectation): Verdict {
    if (!this.tombstoned && this.ids.length === 0 && !this.hasMetadata) return 'wrong-expected-version'
    const verdict = this.#judge(expected, ['a fresh id'])
    if (verdict !== 'write') return verdict
    this.hasMetadata = true
    this.truncateBefore = 'deleted'
    this.maxCount = undefined
    return { revision: 0n }
  }

  tombstone(expected: Expectation): Verdict {
    const verdict = this.#judge(expected, ['a fresh id'])
    if (verdict !== 'write') return verdict
    this.tombstoned = true
    return { revision: 0n }
  }

  setMetadata(metadata: { $maxCount?: number; $tb?: number }): void {
    const wasDeleted = this.truncateBefore === 'deleted'
    this.hasMetadata = true
    this.maxCount = metadata.$maxCount
    this.truncateBefore = metadata.$tb
    if (wasDeleted && !this.tombstoned) this.#revive(this.ids.length)
  }

  #revive(first: number): void {
    this.truncateBefore = first
  }

  #judge(expected: Expectation, ids: readonly string[]): Verdict | 'write' {
    const last = BigInt(this.ids.length - 1)
    if (this.tombstoned) return 'stream-deleted'
    if (expected === 'stream_exists') {
      if (this.truncateBefore === 'deleted') return 'stream-deleted'
      if (last < 0n && !this.hasMetadata) return 'wrong-expected-version'
    }
    if (expected === 'any' || expected === 'stream_exists') {
      const known = ids.map((id) => this.ids.indexOf(id))
      if (known.length === 0 || known[0] === -1) return 'write'
      return known.includes(-1) ? 'wrong-expected-version' : { revision: BigInt(known.at(-1)!) }
    }
    const revision = expected === 'no_stream' ? -1n : expected
    if (revision > last) return 'wrong-expected-version'
    if (revision === last) return 'write'
    const there = ids.map((id, index) => this.ids[Number(revision) + 1 + index] === id)
    if (there[0] === false && expected === 'no_stream' && this.truncateBefore === 'deleted') return 'write'
    if (there.length === 0 || there.includes(false)) return 'wrong-expected-version'
    return { revision: revision + BigInt(ids.length) }
  }

  /** The revisions that a reader sees, ascending. */
  visible(): bigint[] | 'stream-not-found' | 'stream-deleted' {
    if (this.tombstoned) return 'stream-deleted'
    if (this.ids.length === 0 || this.truncateBefore === 'deleted') return 'stream-not-found'
    const first = Math.max(0, this.truncateBefore ?? 0, this.maxCount === undefined ? 0 : this.ids.length - this.maxCount)
    return this.ids.map((_, revision) => BigInt(revision)).slice(first)
  }
}
