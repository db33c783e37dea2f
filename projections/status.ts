/** How a projection fares: for /readyz, /metrics and `duxnet projections list`. */
export interface ProjectionStatus {
  readonly name: string
  /** Of the fold in this program. */
  readonly version: number
  /** Of the tables that serve; 0 when none do yet. */
  readonly generation: number
  /**
   * `live`: folds events as they come. `building`: is being built, beside the serving generation where there is one.
   * `waiting`: Postgres or the log is away, or another projector is at work. `halted`: stopped at a poison event.
   * `diverged`: the log is not the one that was folded; only a rebuild helps.
   */
  readonly state: 'live' | 'building' | 'waiting' | 'halted' | 'diverged'
  /** Of the last event taken in; −1 before the first. */
  readonly position: bigint
  /** 0 at the head; behind it, how long ago the last event taken in was created. Undefined while the head is not known. */
  readonly lagSeconds: number | undefined
  /** Since the checkpoint was last written; undefined before the first time. */
  readonly checkpointAgeSeconds: number | undefined
  /** Why it is halted, diverged or waiting; events taken in so far while it is building. */
  readonly detail: string | undefined
  /** The event at which it halted. */
  readonly poison: PoisonEvent | undefined
}

export interface PoisonEvent {
  readonly position: bigint
  readonly id: string
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly error: string
}
