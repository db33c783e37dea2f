import { crc32 } from 'node:zlib'
import { StoredRecord } from '../storage/record.ts'
import type { StrategyName } from './settings.ts'
import type { Candidate, Strategy } from './strategies.ts'

const buckets = 1024

interface Bucket<C> {
  owner: C
  /** Messages of it that its owner has open. */
  open: number
}

/**
 * Each bucket belongs to one consumer, from its first message on: the one that owns the fewest. Its messages wait for that
 * consumer, and others are not held up.
 */
export class Pinned<C extends Candidate> implements Strategy<C> {
  readonly #buckets = new Map<number, Bucket<C>>()
  /** How many buckets each consumer owns, in the order in which they came. */
  readonly #owned = new Map<C, number>()

  /** A newcomer takes what the others own beyond an equal share, idle buckets first. */
  join(consumer: C): void {
    this.#owned.set(consumer, 0)
    const share = Math.ceil(this.#buckets.size / this.#owned.size)
    for (const [owner, count] of this.#owned) {
      if (owner === consumer || count <= share) continue
      const theirs = [...this.#buckets.values()].filter((bucket) => bucket.owner === owner).sort((a, b) => a.open - b.open)
      for (const bucket of theirs.slice(0, count - share)) this.#give(bucket, consumer)
    }
  }

  leave(consumer: C): void {
    this.#owned.delete(consumer)
    for (const [number, { owner }] of this.#buckets) if (owner === consumer) this.#buckets.delete(number)
  }

  choose(number: number): C | 'held' | 'full' {
    let isFull = true
    for (const consumer of this.#owned.keys()) {
      if (!consumer.hasRoom) continue
      isFull = false
      break
    }
    if (isFull) return 'full'
    const bucket = this.#buckets.get(number) ?? this.#assign(number)
    if (!bucket.owner.hasRoom) return 'held'
    bucket.open++
    return bucket.owner
  }

  released(consumer: C, number: number): void {
    const bucket = this.#buckets.get(number)
    if (bucket?.owner === consumer) bucket.open--
  }

  #assign(number: number): Bucket<C> {
    let [fewest] = this.#owned.keys()
    for (const [consumer, count] of this.#owned) if (count < this.#owned.get(fewest!)!) fewest = consumer
    const bucket = { owner: fewest!, open: 0 }
    this.#buckets.set(number, bucket)
    this.#owned.set(fewest!, this.#owned.get(fewest!)! + 1)
    return bucket
  }

  #give(bucket: Bucket<C>, consumer: C): void {
    this.#owned.set(bucket.owner, this.#owned.get(bucket.owner)! - 1)
    this.#owned.set(consumer, this.#owned.get(consumer)! + 1)
    bucket.owner = consumer
    bucket.open = 0
  }
}

/** The bucket of a record that is to be delivered; only strategies that pin look at more than nothing. */
export function bucketOf(strategy: StrategyName, record: Buffer): number {
  if (strategy === 'RoundRobin' || strategy === 'DispatchToSingle') return 0
  const event = new StoredRecord(record)
  const key = (strategy === 'PinnedByCorrelation' ? correlationOf(event) : undefined) ?? sourceOf(event)
  return crc32(key) % buckets
}

/** The stream that an event comes from: of a link that was not followed, the one that it names. */
function sourceOf(event: StoredRecord): string {
  if (event.type !== '$>') return event.stream
  const text = event.data.toString('utf8')
  return text.slice(text.indexOf('@') + 1)
}

function correlationOf({ metadata }: StoredRecord): string | undefined {
  try {
    const { $correlationId: id } = JSON.parse(metadata.toString('utf8'))
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}
