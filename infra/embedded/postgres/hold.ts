import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'

/** Frees what is held; the kernel does the same when the process ends in any way. */
export type Release = () => Promise<void>

/**
 * Holds a directory for this process alone, by something that the kernel frees: a pid file would outlive a kill -9 and its pid be
 * given to another program. Linux: an abstract socket named by device and inode, so that other paths to the same directory meet
 * it too. It is seen by every process in one network namespace; two containers with one volume are not kept apart.
 * macOS has no abstract sockets, but opens and locks in one step.
 *
 * @throws EmbeddedPostgresError DirectoryInUse
 */
export async function holdDirectory(directory: string): Promise<Release> {
  const taken = (error: unknown) =>
    new EmbeddedPostgresError('DirectoryInUse', `Postgres: ${directory} is in use by another running instance`, { cause: error })
  if (process.platform !== 'linux') {
    const openExclusivelyLocked = 0x20 // O_EXLOCK of the BSDs and macOS, not among Node's constants
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | openExclusivelyLocked
    const file = await open(join(directory, 'hold'), flags, 0o600).catch((error) => {
      throw taken(error)
    })
    return () => file.close()
  }
  const { dev, ino } = await stat(directory, { bigint: true })
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(taken(error)))
    server.listen(`\0duxnet-postgres-${dev}-${ino}`, resolve)
  })
  return () => new Promise((resolve) => server.close(() => resolve()))
}
