import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { endAtAcknowledged } from './acknowledged-file.ts'
import { syncDirectory } from './directory.ts'
import { fileNames } from './files.ts'
import { LogFile } from './log-file.ts'
import { type Contents, verifyRecords } from './verify.ts'

const chunkSize = 1 << 20

/**
 * Copies the log in a directory to another, which must be empty or not there, and verifies the copy. The log may be in use, because
 * what is acknowledged never changes: the copy has all that was when this began. What is left of a copy that failed cannot be
 * mistaken for a log.
 */
export function copyLog(from: string, to: string, progress: (events: number) => void): Contents {
  const source = join(from, fileNames.log)
  if (!existsSync(source)) throw new Error(`there is no log in ${from}`)
  mkdirSync(to, { recursive: true })
  if (readdirSync(to).length > 0) throw new Error(`${to} is not empty`)
  const partial = join(to, `${fileNames.log}.partial`)
  try {
    const contents = copyAndVerify(from, partial, progress)
    renameSync(partial, join(to, fileNames.log))
    syncDirectory(to)
    return contents
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

function copyAndVerify(from: string, partial: string, progress: (events: number) => void): Contents {
  const path = join(from, fileNames.log)
  const source = LogFile.open(path, 'r')
  try {
    endAtAcknowledged(source, join(from, fileNames.acknowledged))
    copyBytes(source, partial)
  } finally {
    source.close()
  }
  const copy = LogFile.open(partial, 'r')
  try {
    return verifyRecords(copy, path, progress).contents
  } finally {
    copy.close()
  }
}

function copyBytes(source: LogFile, target: string): void {
  const descriptor = openSync(target, 'wx')
  try {
    for (let at = 0; at < source.end; ) {
      const bytes = source.read(at, Math.min(source.end, at + chunkSize))
      at += writeSync(descriptor, bytes, 0, bytes.length, at)
    }
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
