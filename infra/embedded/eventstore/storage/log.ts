import { openFiles, openTemporaryFiles } from './files.ts'
import { CorruptRecord, flag, headerSize, isEvent, isWhole, seal } from './header.ts'
import { decodeMark, encodeMark } from './mark-record.ts'
import { StoredRecord, tombstoneRevision } from './record.ts'
import { ownerOf } from './recovery.ts'
import { digestOf } from './stream-names.ts'
import { maxPosition } from './stream-positions.ts'

/** One event to store. `stream` is the number under which the log knows the stream. */
export interface Entry {
  readonly position: number
  readonly stream: number
  readonly revision: number
  readonly record: Buffer
}

/** What becomes durable together: all of it or nothing. */
export interface Commit {
  readonly entries: readonly Entry[]
  /** Streams that get their first event in this commit, by rising numbers. */
  readonly newStreams: readonly { readonly name: string; readonly stream: number }[]
  /** Values kept beside the events, by name; each replaces its former one, and takes a position that no event has. */
  readonly marks: ReadonlyMap<string, Buffer>
  /** The position that the next event will have: written when positions were given out to no event. */
  readonly nextPosition: number | undefined
}

export interface Log {
  /** The position that the next event gets, and the number that the next stream gets. */
  readonly nextPosition: number
  readonly nextStream: number
  /**
   * Resolves once everything is flushed to disk, which is also when readers see it. Rejects when nothing of it was stored.
   * `isAlone`: one request waits for it and no other. One write at a time.
   */
  write(commit: Commit, isAlone: boolean): Promise<void>
  streamNumber(name: string): number | undefined
  positionOf(stream: number, revision: number): number | undefined
  /** The newest value of a mark. Throws CorruptRecord when that cannot be told. */
  mark(name: string): Buffer | undefined
  /** The record at a position; its bytes are the caller's. Throws CorruptRecord when it is not what was written. */
  record(position: number): Buffer | undefined
  /** Calls `visit` with revision and position, ascending or descending, until it answers false. Bounds are inclusive. */
  scanStream(
    stream: number,
    from: number,
    to: number,
    reverse: boolean,
    visit: (revision: number, position: number) => boolean,
  ): void
  /**
   * Calls `visit` with position and record in the order of the log, or backwards, until it answers false. Bounds are inclusive.
   * Throws CorruptRecord at a record that is not what was written.
   */
  scanAll(from: number, to: number, reverse: boolean, visit: (position: number, record: Buffer) => boolean): void
  close(): Promise<void>
}

/**
 * A lone commit is done in this thread while commits take less than this: to hand it to another thread and back takes a good part
 * of the time that the disk takes, and nobody waits behind it. On a slower disk readers would.
 */
const longestPauseMs = 2

/** Bytes that a scan reads at once, first and at most. */
const firstRead = 8 * 1024
const largestRead = 128 * 1024

/** Opens the log in a directory, or one that vanishes when it is closed or the process ends. */
export function openLog(directory: string | undefined): Log {
  const { file, index, ...files } = directory === undefined ? openTemporaryFiles() : openFiles(directory)
  let commitMs = 0 // a moving average
  let isClosed = false

  function checked(record: Buffer, position: number): Buffer {
    if (!isWhole(record, position)) throw new CorruptRecord(position, file.path, index.start(position))
    return record
  }

  function read(position: number): Buffer {
    return checked(file.read(index.start(position), index.start(position + 1)), position)
  }

  /** The records between two positions, both included, in one piece of memory. */
  function* slices(from: number, to: number, reverse: boolean): Generator<readonly [position: number, record: Buffer]> {
    const start = index.start(from)
    const bytes = file.read(start, index.start(to + 1))
    for (let n = 0; n <= to - from; n++) {
      const position = reverse ? to - n : from + n
      yield [position, checked(bytes.subarray(index.start(position) - start, index.start(position + 1) - start), position)]
    }
  }

  return {
    get nextPosition() {
      return index.nextPosition
    },

    get nextStream() {
      return index.names.count + 1
    },

    async write(commit, isAlone) {
      const started = performance.now()
      const records = sealed(commit, index.nextPosition)
      if (records.length === 0) return
      if (index.nextPosition + records.length > maxPosition)
        throw new RangeError(`the log is full: it has ${index.nextPosition - 1} records`)
      await file.append(Buffer.concat(records), isAlone && commitMs < longestPauseMs, files.acknowledge)
      let begun = 0
      const digest = () => digestOf(commit.newStreams[begun++]!.name)
      for (const record of records) {
        const owner = ownerOf(record)
        index.add(record.length, owner, digest)
        files.indexed(owner)
      }
      commitMs += (performance.now() - started - commitMs) / 8
    },

    streamNumber(name) {
      return index.names.find(digestOf(name), (stream) => new StoredRecord(read(index.firstOf(stream))).stream === name)
    },

    mark(name) {
      // There are few names, so the newest is near the end.
      for (const position of index.marksBackwards()) {
        const mark = decodeMark(read(position))
        if (mark.name === name) return mark.value
      }
      return undefined
    },

    positionOf: (stream, revision) => index.positionOf(stream, revision),

    record(position) {
      if (!index.has(position)) return undefined
      const record = read(position)
      return isEvent(record) ? record : undefined
    },

    scanStream: (stream, from, to, reverse, visit) => index.scan(stream, from, to, reverse, visit),

    scanAll(from, to, reverse, visit) {
      const low = Math.max(from, 1)
      const high = Math.min(to, index.nextPosition - 1)
      let size = firstRead
      for (let next = reverse ? high : low; next >= low && next <= high; size = Math.min(size * 2, largestRead)) {
        const end = reverse ? index.firstWithin(low, next, size) : index.lastWithin(next, high, size)
        for (const [position, record] of slices(Math.min(next, end), Math.max(next, end), reverse))
          if (isEvent(record) && !visit(position, record)) return
        next = reverse ? end - 1 : end + 1
      }
    },

    async close() {
      if (!isClosed) files.close()
      isClosed = true
    },
  }
}

/** The records of a commit as they are written, with those of positions that no event has. */
function sealed({ entries, marks, nextPosition }: Commit, first: number): Buffer[] {
  const records: Buffer[] = []
  const behind = nextPosition ?? (entries.at(-1)?.position ?? first - 1) + 1
  const beside = [...marks].map(([name, value]) => encodeMark(name, value))
  let entry = 0
  for (let position = first; position < behind; position++) {
    const ends = position === behind - 1 ? flag.endsCommit : 0
    if (entries[entry]?.position === position) {
      const { record, stream, revision } = entries[entry++]!
      seal(record, position, stream, flag.event | (revision === tombstoneRevision ? flag.tombstone : 0) | ends)
      records.push(record)
    } else {
      const mark = beside.shift()
      const record = mark ?? Buffer.alloc(headerSize)
      seal(record, position, 0, (mark ? flag.mark : 0) | ends)
      records.push(record)
    }
  }
  if (entry < entries.length || beside.length > 0) throw new Error('a commit needs more positions than it gives out')
  return records
}

export const readRecord = (log: Log, position: number): StoredRecord | undefined => {
  const bytes = log.record(position)
  return bytes && new StoredRecord(bytes)
}
