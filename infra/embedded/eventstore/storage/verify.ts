import { closeSync, existsSync, fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { damagedSlot, endAtAcknowledged } from './acknowledged-file.ts'
import { fileNames } from './files.ts'
import { CorruptRecord, flag, flagsOf, isEvent, streamOf } from './header.ts'
import { readBlocks } from './index-blocks.ts'
import { fillIndex } from './index-file.ts'
import { fileHeaderSize, LogFile } from './log-file.ts'
import { LogIndex } from './log-index.ts'
import { readForward } from './read-forward.ts'
import { StoredRecord, tombstoneRevision } from './record.ts'
import { ownerOf } from './recovery.ts'
import { digestOf } from './stream-names.ts'

export interface Contents {
  readonly events: number
  readonly streams: number
  readonly bytes: number
}

/**
 * Reads everything that a log in a directory holds, and throws an Error that names the first thing that is not as it was
 * written. The log may be in use: then what is acknowledged when this begins is looked at.
 */
export function verifyLog(directory: string, isInUse: boolean, progress: (events: number) => void): Contents {
  const path = join(directory, fileNames.log)
  if (!existsSync(path)) throw new Error(`there is no log in ${directory}`)
  const file = LogFile.open(path, 'r')
  try {
    const notes = join(directory, fileNames.acknowledged)
    const slot = isInUse ? undefined : damagedSlot(notes, file.seed)
    if (slot !== undefined) throw new Error(`${notes} is damaged at byte ${slot}; the next start writes it anew`)
    endAtAcknowledged(file, notes)
    const { index, contents } = verifyRecords(file, path, progress)
    verifyIndex(join(directory, fileNames.index), file, index, isInUse)
    return contents
  } finally {
    file.close()
  }
}

/** All of the file: each record whole and in its place, each stream without gaps and under one name. `path` is what errors name. */
export function verifyRecords(
  file: LogFile,
  path: string,
  progress: (events: number) => void,
): { index: LogIndex; contents: Contents } {
  const index = new LogIndex(fileHeaderSize)
  const names = new Set<string>()
  let [events, isCommitted] = [0, true]
  const end = readForward(file, fileHeaderSize, 1, (record, position, offset) => {
    const owner = ownerOf(record)
    if (!index.accepts(owner)) throw new CorruptRecord(position, path, offset)
    if (isEvent(record)) {
      const { stream, revision, position: own } = new StoredRecord(record)
      const number = streamOf(record)
      const isNew = number > index.names.count
      const expected = (flagsOf(record) & flag.tombstone) === 0 ? index.count(number) : tombstoneRevision
      const isOfStream = isNew ? !names.has(stream) : index.names.digest(number) === digestOf(stream)
      if (own !== position || revision !== expected || !isOfStream) throw new CorruptRecord(position, path, offset)
      if (isNew) names.add(stream)
      index.add(record.length, owner, () => digestOf(stream))
      progress(++events)
    } else index.add(record.length, owner, () => 0)
    isCommitted = (flagsOf(record) & flag.endsCommit) !== 0
  })
  if (end < file.end || !isCommitted) throw new CorruptRecord(index.nextPosition, path, end)
  return { index, contents: { events, streams: names.size, bytes: file.end } }
}

/** What the file of the index says must be what the log says. It may say less, and nothing is no damage. */
function verifyIndex(path: string, file: LogFile, index: LogIndex, isInUse: boolean): void {
  if (!existsSync(path)) return
  const descriptor = openSync(path, 'r')
  try {
    const told = new LogIndex(fileHeaderSize)
    const { size } = fillIndex(told, readBlocks(descriptor, file.seed))
    // In use, the block behind may be half written.
    if (!isInUse && size < fstatSync(descriptor).size)
      throw new Error(`${path} is damaged at byte ${size}; the next start writes it anew`)
    const difference = firstDifference(told, index)
    if (difference !== undefined) throw new Error(`${path} says another thing than the log of ${difference}`)
  } finally {
    closeSync(descriptor)
  }
}

function firstDifference(told: LogIndex, index: LogIndex): string | undefined {
  for (let position = 1; position < Math.min(told.nextPosition, index.nextPosition); position++)
    if (told.start(position) !== index.start(position)) return `position ${position}`
  for (let stream = 1; stream <= Math.min(told.names.count, index.names.count); stream++) {
    if (told.names.digest(stream) !== index.names.digest(stream)) return `the name of stream ${stream}`
    let isAllSame = true
    told.scan(stream, 0, tombstoneRevision, false, (revision, position) => {
      isAllSame = position >= index.nextPosition || index.positionOf(stream, revision) === position
      return isAllSame
    })
    if (!isAllSame) return `stream ${stream}`
  }
  return undefined
}
