import { limitsOf } from '../engine/limits.ts'
import { linkType, resolveLink } from '../engine/links.ts'
import type { Library } from '../engine/sources.ts'
import { StoredRecord, tombstoneRevision } from '../storage/record.ts'

/**
 * An event of the log as projections see it. A link is followed: stream, revision and position are its own, and everything else is
 * its target's, or its own when it leads nowhere.
 */
export class SourceEvent {
  readonly stream: string
  readonly revision: number
  readonly position: number
  readonly type: string
  readonly #target: StoredRecord
  #correlation: { readonly id: string | undefined } | undefined

  constructor(library: Library, bytes: Buffer) {
    const record = new StoredRecord(bytes)
    this.stream = record.stream
    this.revision = record.revision
    this.position = record.position
    this.#target = targetOf(library, record)
    this.type = this.#target === record ? record.type : this.#target.type
  }

  /** Whether it was read through a link to another stream. */
  get isElsewhere(): boolean {
    return this.#target.stream !== this.stream
  }

  get id(): string {
    return this.#target.id
  }

  /** Milliseconds since 1970. */
  get created(): number {
    return this.#target.created
  }

  get text(): string {
    return this.#target.data.toString('utf8')
  }

  /** The revision as a link names it. */
  get targetRevision(): string {
    const { revision } = this.#target
    return revision === tombstoneRevision ? String(2n ** 63n - 1n) : String(revision)
  }

  /** The data of a link to it. */
  get reference(): string {
    return `${this.targetRevision}@${this.#target.stream}`
  }

  /** Whether it is metadata that counts and hides every event of the stream that it is about. */
  get hidesEverything(): boolean {
    return limitsOf(this.#target).softDeleted
  }

  get correlationId(): string | undefined {
    this.#correlation ??= { id: correlationIn(this.#target.metadata) }
    return this.#correlation.id
  }
}

const correlationKey = '$correlationId'

function correlationIn(metadata: Buffer): string | undefined {
  if (!metadata.includes(correlationKey)) return undefined
  try {
    const id: unknown = JSON.parse(metadata.toString('utf8')).$correlationId
    return typeof id === 'object' || id === undefined ? undefined : String(id)
  } catch {
    return undefined
  }
}

/** Links in streams of the system, which projections write themselves, are not followed: no rule asks where they lead. */
function targetOf({ log, streams }: Library, record: StoredRecord): StoredRecord {
  if (record.type !== linkType || record.stream.startsWith('$')) return record
  const { event } = resolveLink(log, streams, record.bytes, false)
  return event && event !== record.bytes ? new StoredRecord(event) : record
}
