import type { ConnectionInfo } from './consumer.ts'
import type { Rate } from './meter.ts'
import type { Definition } from './settings.ts'

/** What a group tells of itself. */
export interface GroupInfo extends Rate {
  readonly definition: Definition
  /** EventStoreDB's words, `Live` or `Behind`, with others before them while something is under way. */
  readonly status: string
  readonly connections: readonly ConnectionInfo[]
  /** Revisions of the stream, or positions of `$all`; undefined when there is none. */
  readonly lastCheckpointed: number | undefined
  readonly lastKnown: number | undefined
  /** Read and not delivered yet. */
  readonly readBufferCount: number
  /** Of events that came live. */
  readonly liveBufferCount: number
  readonly retryBufferCount: number
  readonly inFlight: number
  readonly parkedMessageCount: number
}
