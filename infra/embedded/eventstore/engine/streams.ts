import { type Log, readRecord } from '../storage/log.ts'
import { tombstoneRevision } from '../storage/record.ts'
import { type Limits, limitsOf, newestOnly, noLimits } from './limits.ts'

/** The state of a stream at one moment. */
export interface Head {
  /** The last revision, -1 when there is none. A tombstone does not count. */
  readonly last: number
  readonly tombstoned: boolean
  /** Of a metadata stream: what its newest event sets, and the bytes of that event. */
  readonly limits: Limits
  readonly metadata: Buffer
}

export interface PendingEvent {
  readonly id: string
  readonly revision: number
  readonly position: number
}

const nothing = Buffer.alloc(0)
const unwritten: Head = { last: -1, tombstoned: false, limits: noLimits, metadata: nothing }

export const metadataPrefix = '$$'
export const isMetadataStream = (name: string) => name.startsWith(metadataPrefix)

/** A stream as writers see it (`head`, with what is not yet durable) and as readers see it (`committed`). */
export class Stream {
  readonly name: string
  /** The log's number of this stream; undefined until its first event. */
  number: number | undefined
  head: Head
  committed: Head
  /** Events accepted but not yet durable, in order. */
  pending: PendingEvent[] = []
  readonly #log: Log
  #metadata: Stream | undefined

  constructor(log: Log, name: string) {
    this.#log = log
    this.name = name
    this.number = log.streamNumber(name)
    this.head = this.committed = this.number === undefined ? unwritten : loadHead(log, name, this.number)
  }

  /** The stream that holds this stream's metadata. */
  get metadata(): Stream {
    return (this.#metadata ??= new Stream(this.#log, metadataPrefix + this.name))
  }

  /** What readers may see. */
  get limits(): Limits {
    return isMetadataStream(this.name) ? newestOnly : this.metadata.committed.limits
  }

  /** Whether this stream or its metadata has writes that are not yet durable. */
  get isPending(): boolean {
    return this.pending.length > 0 || (this.#metadata?.isPending ?? false)
  }
}

function loadHead(log: Log, name: string, number: number): Head {
  let last = -1
  let tombstoned = false
  let newest = -1
  log.scanStream(number, 0, tombstoneRevision, true, (revision, position) => {
    if (revision === tombstoneRevision) {
      tombstoned = true
      return true
    }
    last = revision
    newest = position
    return false
  })
  if (last < 0 || !isMetadataStream(name)) return { last, tombstoned, limits: noLimits, metadata: nothing }
  const event = readRecord(log, newest)!
  return { last, tombstoned, limits: limitsOf(event), metadata: event.data }
}

/** Streams kept in memory at least; up to twice as many are. */
const rememberedStreams = 10_000

/** The streams in use, loaded from the log when first asked for and forgotten when long unused. */
export class Streams {
  readonly #log: Log
  #young = new Map<string, Stream>()
  #old = new Map<string, Stream>()

  constructor(log: Log) {
    this.#log = log
  }

  get(name: string): Stream {
    return isMetadataStream(name) ? this.get(name.slice(metadataPrefix.length)).metadata : this.#base(name)
  }

  /** Forgets a stream whose state in memory is not what was stored. */
  forget(name: string): void {
    let base = name
    while (isMetadataStream(base)) base = base.slice(metadataPrefix.length)
    this.#young.delete(base)
    this.#old.delete(base)
  }

  #base(name: string): Stream {
    let stream = this.#young.get(name)
    if (stream) return stream
    stream = this.#old.get(name) ?? new Stream(this.#log, name)
    this.#young.set(name, stream)
    if (this.#young.size >= rememberedStreams) this.#grow()
    return stream
  }

  #grow(): void {
    // A stream with writes under way has a state that the log does not have yet.
    for (const [name, stream] of this.#old) if (stream.isPending) this.#young.set(name, stream)
    this.#old = this.#young
    this.#young = new Map()
  }
}
