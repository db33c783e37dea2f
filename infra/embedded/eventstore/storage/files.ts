import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { progressOf } from '../../../cli/progress.ts'
import { AcknowledgedFile } from './acknowledged-file.ts'
import { syncDirectory } from './directory.ts'
import { IndexFile } from './index-file.ts'
import { fileHeaderSize, LogFile } from './log-file.ts'
import { LogIndex, type Owner } from './log-index.ts'
import { catchUp } from './recovery.ts'

/** The names of the files in the directory of a log. */
export const fileNames = { log: 'log', acknowledged: 'acknowledged', index: 'index' } as const

/** The log's file, with what is known of it, and what else is kept beside it. */
export interface Files {
  readonly file: LogFile
  readonly index: LogIndex
  /** Says that the log counts up to here. */
  acknowledge(end: number): void
  /** To be told of each record that was added to the index, which is kept for the next start. */
  indexed(owner: Owner): void
  close(): void
}

/**
 * Opens the files in a directory, or makes them. Throws an Error that names the file and the place of what is damaged.
 *
 * A commit is written and flushed, then its end is noted as acknowledged, then it is answered. So when the process is killed,
 * everything up to the noted end must be there whole, and what is behind it nobody was told of: it stays if it is whole, and is cut
 * off if it is not. The note itself is not flushed each time, which would cost as much as the commit. When the power fails it may
 * be an older one: then the commits behind it are found by their checksums, and the first that is not whole is the one that was
 * under way. A note is never ahead of the log. There are two, written in turn, so that the loss of one moves the border by one
 * commit only; without any nothing may be cut off, and all of the file must be whole.
 */
export function openFiles(directory: string): Files {
  const opened: { close(): void }[] = []
  try {
    mkdirSync(directory, { recursive: true })
    return open(directory, (each) => {
      opened.push(each)
      return each
    })
  } catch (error) {
    for (const each of opened) each.close()
    throw new Error(`the log in ${directory} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

function open(directory: string, opening: <T extends { close(): void }>(each: T) => T): Files {
  const path = (name: keyof typeof fileNames) => join(directory, fileNames[name])
  const file = opening(isNew(directory) ? LogFile.create(path('log')) : LogFile.open(path('log'), 'r+'))
  const { acknowledged, length = file.end } = AcknowledgedFile.open(path('acknowledged'), file.seed)
  opening(acknowledged)
  if (file.end < length) throw new Error(`${file.path} has ${file.end} bytes, and ${length} were acknowledged`)
  const indexFile = opening(new IndexFile(path('index'), file.seed))
  const checksumAt = (offset: number) => file.read(offset, offset + 4).readUInt32LE()
  const index = loadIndex(indexFile, file, checksumAt)
  const indexed = (owner: Owner) => {
    indexFile.add(owner)
    indexFile.write(index, checksumAt, false)
  }
  const progress = progressOf('reading the log')
  catchUp(file, index, length, (owner) => {
    indexed(owner)
    progress(index.nextPosition - 1)
  })
  file.end = index.end
  file.cut() // and flushed: what counts from now on may not have reached the disk before
  acknowledged.write(file.end)
  acknowledged.flush()
  syncDirectory(directory)
  return {
    file,
    index,
    acknowledge: (end) => acknowledged.write(end),
    indexed,
    close() {
      indexFile.write(index, checksumAt, true)
      acknowledged.flush()
      for (const each of [indexFile, acknowledged, file]) each.close()
    },
  }
}

/** Whether no log was ever here: none, or one of which a crash left not even the header. */
function isNew(directory: string): boolean {
  const path = (name: string) => join(directory, name)
  if (existsSync(path('log.mdb')))
    throw new Error('it has the former format (log.mdb): export it with the version that wrote it, and import it into this one')
  if (existsSync(path('log.partial'))) throw new Error('it is a copy that was not finished (log.partial); make it again')
  const size = existsSync(path(fileNames.log)) ? statSync(path(fileNames.log)).size : 0
  const hasOthers = existsSync(path(fileNames.acknowledged)) || existsSync(path(fileNames.index))
  if (size === 0 && hasOthers) throw new Error(`${path(fileNames.log)} is gone, and what goes with it is there`)
  return size < fileHeaderSize && !hasOthers
}

function loadIndex(indexFile: IndexFile, file: LogFile, checksumAt: (offset: number) => number): LogIndex {
  const index = new LogIndex(fileHeaderSize)
  const isUsable = indexFile.load(index, (offset) => (index.end <= file.end ? checksumAt(offset) : undefined))
  return isUsable ? index : new LogIndex(fileHeaderSize)
}

/** A log that is gone when its process ends, however that happens. */
export function openTemporaryFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), 'duxnet-eventstore-mem-'))
  const file = LogFile.create(join(folder, fileNames.log), true)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // The open file outlives its name, and the kernel frees it.
  if (process.platform !== 'win32') remove()
  const nothing = () => {}
  return {
    file,
    index: new LogIndex(fileHeaderSize),
    acknowledge: nothing,
    indexed: nothing,
    close() {
      file.close()
      remove()
    },
  }
}
