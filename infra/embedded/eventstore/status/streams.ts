import { readRecord } from '../storage/log.ts'
import { tombstoneRevision } from '../storage/record.ts'
import type { Store } from '../store.ts'

export interface StreamView {
  readonly name: string
  /** Undefined: a tombstone is all that there is. */
  readonly lastRevision: number | undefined
  readonly lastType: string
  /** Milliseconds since 1970. */
  readonly lastCreated: number
  readonly state: 'deleted' | 'tombstoned' | undefined
}

export interface StreamList {
  readonly streams: readonly StreamView[]
  /** Older streams that were not looked at are numbered below this; undefined when there are none. */
  readonly before: number | undefined
}

const maxListed = 50
/** Each costs a read of a record, while which the store does nothing else. */
const maxLookedAt = 2_000

/** Streams whose names begin with a prefix, newest first. Those of the system are listed when the prefix asks for them. */
export function listStreams(store: Store, prefix: string, before = store.log.nextStream): StreamList {
  const streams: StreamView[] = []
  let number = Math.min(before, store.log.nextStream) - 1
  for (let looked = 0; number > 0 && looked < maxLookedAt && streams.length < maxListed; number--, looked++) {
    const name = nameOf(store, number)
    if (name?.startsWith(prefix) && (prefix !== '' || !name.startsWith('$'))) streams.push(viewOf(store, name, number))
  }
  return { streams, before: number > 0 ? number + 1 : undefined }
}

function nameOf(store: Store, number: number): string | undefined {
  let first: number | undefined
  store.log.scanStream(number, 0, tombstoneRevision, false, (_, position) => {
    first = position
    return false
  })
  return first === undefined ? undefined : readRecord(store.log, first)?.stream
}

function viewOf({ log, streams }: Store, name: string, number: number): StreamView {
  const stream = streams.get(name)
  const { last, tombstoned } = stream.committed
  const newest = readRecord(log, log.positionOf(number, tombstoned ? tombstoneRevision : last)!)!
  return {
    name,
    lastRevision: last < 0 ? undefined : last,
    lastType: newest.type,
    lastCreated: newest.created,
    state: tombstoned ? 'tombstoned' : stream.limits.softDeleted ? 'deleted' : undefined,
  }
}
