import { lstat, mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'

/** The server listens on no TCP port; the number is only part of its socket's name. */
export const socketPort = 5432
const socketName = `.s.PGSQL.${socketPort}`
const longestSocketPath = 103 // macOS; Linux takes 107
const temporaryPrefix = 'duxnet-'

/**
 * A fresh, empty directory of mode 0700 for the server's socket: `<directory>/socket`, or, where that path is longer than a socket's
 * may be, a temporary directory to which `<directory>/socket` is a link, so that the next start can remove it.
 *
 * Connections need no password: only who may enter this directory can connect, and that is who owns the data files and could change
 * them anyway. There is no TCP port, so nothing else on the machine, and no web page in its browser, can reach the server.
 */
export async function makeSocketDirectory(directory: string): Promise<string> {
  const place = join(directory, 'socket')
  await removeSocketDirectory(directory)
  if (fits(place)) {
    await mkdir(place, { mode: 0o700 })
    return place
  }
  const parent = [tmpdir(), '/tmp'].find((path) => fits(join(path, `${temporaryPrefix}XXXXXX`)))
  if (parent === undefined)
    throw new EmbeddedPostgresError('DirectoryUnusable', `Postgres: the path of ${place} is too long for a socket`)
  const temporary = await mkdtemp(join(parent, temporaryPrefix))
  await symlink(temporary, place)
  return temporary
}

/** Removes what `makeSocketDirectory` made, in this process or in one that was killed. */
export async function removeSocketDirectory(directory: string): Promise<void> {
  const place = join(directory, 'socket')
  const found = await lstat(place).catch(() => undefined)
  if (found?.isSymbolicLink()) {
    const target = await readlink(place)
    if (basename(target).startsWith(temporaryPrefix)) await rm(target, { recursive: true, force: true })
  }
  await rm(place, { recursive: true, force: true })
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, socketName)) <= longestSocketPath
}
