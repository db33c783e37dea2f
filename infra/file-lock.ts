import { DatabaseSync } from 'node:sqlite'

/** Milliseconds in which somebody who only looks (`isLocked`) has let go again. */
const patienceMs = 500

/**
 * Locks the file at `path` (made where there is none) for this process; undefined when another holds it. The kernel frees it however
 * the process ends. SQLite takes the lock because Node itself has no call for one; unlike a pid file it can be neither left behind
 * nor taken by two at once, and unlike a socket it also holds between containers that share a volume.
 */
export function lockFile(path: string): { release(): void } | undefined {
  const database = new DatabaseSync(path, { timeout: patienceMs })
  try {
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

/** Whether another process holds the lock on `path`. */
export function isLocked(path: string): boolean {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 0 })
    database.exec('SELECT 1 FROM sqlite_schema')
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === sqliteBusy
}
