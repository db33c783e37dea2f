/** When a checkpoint is worth writing. */
export interface CheckpointPolicy {
  /** 0: never by time. */
  readonly checkpointAfterMs: number
  readonly minCheckpointCount: number
  readonly maxCheckpointCount: number
}

/** Everything up to `place` is done, or was passed over; `order` events were considered until there. */
export interface Reached {
  readonly place: number
  readonly order: number
}

/**
 * How far a group came: the place below its oldest open message. A message is open from when it is found until it is
 * acknowledged, skipped or durably parked, whether it was delivered yet or not; so nothing at or below a checkpoint is ever owed.
 */
export class Progress {
  readonly #policy: CheckpointPolicy
  #considered = 0
  #newest: number | undefined
  /** The place before each open message, by order; a Map keeps the oldest first. */
  readonly #open = new Map<number, number | undefined>()
  #written = 0
  #writtenAt = Number.NEGATIVE_INFINITY

  /** `checkpoint`: where a former run left off. */
  constructor(policy: CheckpointPolicy, checkpoint: number | undefined) {
    this.#policy = policy
    this.#newest = checkpoint
  }

  /** An event that is not for this group. */
  pass(place: number): void {
    this.#considered++
    this.#newest = place
  }

  /** An event that is; answers its order. Places only ever grow. */
  begin(place: number): number {
    const order = this.#considered++
    this.#open.set(order, this.#newest)
    this.#newest = place
    return order
  }

  done(order: number): void {
    this.#open.delete(order)
  }

  get reached(): Reached | undefined {
    for (const [order, before] of this.#open) return before === undefined ? undefined : { place: before, order }
    return this.#newest === undefined ? undefined : { place: this.#newest, order: this.#considered }
  }

  /** What to write as a checkpoint now, if anything. `isCheck`: this is the regular look, when time counts too. */
  due(now: number, isCheck: boolean): Reached | undefined {
    const { reached } = this
    const count = reached ? reached.order - this.#written : 0
    if (count < 1) return undefined
    const { minCheckpointCount, maxCheckpointCount, checkpointAfterMs } = this.#policy
    const isTime = isCheck && checkpointAfterMs !== 0 && now - this.#writtenAt >= checkpointAfterMs
    return (isTime && count >= minCheckpointCount) || count >= maxCheckpointCount ? reached : undefined
  }

  written({ order }: Reached, now: number): void {
    this.#written = order
    this.#writtenAt = now
  }
}
