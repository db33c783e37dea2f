import { CorruptRecord, flag, flagsOf, streamOf } from './header.ts'
import type { LogFile } from './log-file.ts'
import { type LogIndex, marked, type Owner, tombstoned } from './log-index.ts'
import { readForward } from './read-forward.ts'
import { StoredRecord } from './record.ts'
import { digestOf } from './stream-names.ts'

interface Known {
  readonly size: number
  readonly owner: Owner
  /** Of a stream's name, when the stream is new. */
  readonly digest: number
}

/**
 * Reads the log from where the index ends, and adds every commit that is there whole. Up to `acknowledged` bytes everything must
 * be: what is not is damage, and a CorruptRecord says where. Behind that a write was under way when the process ended, which
 * nobody was told of: it counts if it is whole.
 */
export function catchUp(file: LogFile, index: LogIndex, acknowledged: number, added: (owner: Owner) => void): void {
  let commit: Known[] = []
  let streams = index.names.count
  let next = index.nextPosition
  const end = readForward(file, index.end, next, (record, position) => {
    next = position + 1
    const owner = ownerOf(record)
    const isNew = streamOf(record) > streams
    if (isNew) streams++
    commit.push({ size: record.length, owner, digest: isNew ? digestOf(new StoredRecord(record).stream) : 0 })
    if ((flagsOf(record) & flag.endsCommit) === 0) return
    for (const { size, owner, digest } of commit) {
      if (!index.accepts(owner)) throw new CorruptRecord(index.nextPosition, file.path, index.end)
      index.add(size, owner, () => digest)
      added(owner)
    }
    commit = []
  })
  if (index.end < acknowledged) throw new CorruptRecord(next, file.path, end)
}

export function ownerOf(record: Buffer): Owner {
  const flags = flagsOf(record)
  if ((flags & flag.mark) !== 0) return marked
  if ((flags & flag.event) === 0) return 0
  return (flags & flag.tombstone) === 0 ? streamOf(record) : streamOf(record) + tombstoned
}
