import type { Clock, SubmitCommand } from '../commands/ports.ts'
import type { Requests } from '../commands/requests/submit.ts'
import type { Progress } from '../projections/progress.ts'
import type { Queries } from '../projections/queries.ts'
import type { Feeds } from './feeds.ts'
import type { RateLimits } from './rates.ts'

/** Everything that the API is given; it opens no connection and reads no environment. */
export interface Deps {
  readonly networkId: string
  /** Address under which others reach this API, without a slash at its end. */
  readonly publicUrl: () => string
  /** Of the program. */
  readonly version: string
  readonly submit: SubmitCommand
  /** For what is signed but no command. */
  readonly requests: Requests
  readonly reads: Omit<Queries, 'healthWatch' | 'settlement' | 'chainWork'>
  /** A wallet's address on the chain; undefined for a wallet that there is not. Throws `ChainUnavailable` where there is no node. */
  readonly depositAddress: (walletId: string) => Promise<string | undefined>
  /** The log's newest signed checkpoint, undefined before the first; absent where this instance signs none. */
  readonly checkpoint?: (() => string | undefined) | undefined
  /** For those who listen. */
  readonly feeds: Feeds
  /** For `?after=`. */
  readonly progress: Pick<Progress, 'reached'>
  /** Whether an error that a read threw says that Postgres cannot serve just now. */
  readonly isUnavailable: (error: unknown) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly metrics: HttpMetrics
  readonly limits: Limits
  /** How fast a sender may make the log longer. */
  readonly rates: RateLimits
  /** What `/readyz` asks. A check never throws and never takes longer than a few seconds. */
  readonly readiness: () => Promise<readonly Check[]>
  /** Aborted when the process begins to stop: `/readyz` fails from then on and connections are closed after their answer. */
  readonly stopping: AbortSignal
}

export interface Check {
  /** `event store`, `postgres`, `projection node-directory`. */
  readonly name: string
  readonly ready: boolean
  /** For a person: `lag 0`, `does not answer`. */
  readonly detail: string
}

/** As much of pino as is used. */
export interface Log {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HttpMetrics {
  /** `route` is the path's pattern, or `none` for an unknown address. */
  requested(route: string, method: string, status: number, seconds: number): void
  /** All metrics of the process in Prometheus' text format. */
  text(): Promise<{ readonly type: string; readonly body: string }>
}

export interface Limits {
  /** Requests in work at once, by lane; more are answered 503. */
  readonly commandsAtOnce: number
  readonly batchesAtOnce: number
  readonly queriesAtOnce: number
  /** Of bodies that have not all arrived. */
  readonly bodyBytesAtOnce: number
  /** Commands of one batch in work at once. */
  readonly batchConcurrency: number
  /** How long `after` waits. */
  readonly waitMs: number
  /** After which a read is given up: a Postgres that hangs must not hold all places. */
  readonly readMs: number
}

export const defaultLimits: Limits = {
  // On a machine that manages 500 a second the last of them waits for one; an append is given up, its outcome unknown, after two.
  commandsAtOnce: 512,
  batchesAtOnce: 16,
  queriesAtOnce: 4096,
  bodyBytesAtOnce: 128 * 1024 * 1024,
  batchConcurrency: 64,
  waitMs: 2000,
  readMs: 4000,
}
