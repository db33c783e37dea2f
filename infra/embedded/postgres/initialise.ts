import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError, programError } from './errors.ts'
import { type Launcher, programEnvironment } from './launcher.ts'

const majorVersion = '18'
const unfinished = 'initdb-'

/**
 * Makes the cluster `<directory>/data` unless it is there. It is made under another name and renamed, so that a kill in the middle
 * leaves no half of one. The collation is by code point and built in: the same order on every machine.
 *
 * @throws EmbeddedPostgresError InitFailed, DiskFull, VersionMismatch, DirectoryUnusable
 */
export async function initialise(
  directory: string,
  binaries: Binaries,
  launcher: Launcher,
  progress: (what: string) => void,
): Promise<void> {
  const data = join(directory, 'data')
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
  if (version === majorVersion) return
  if (version !== undefined) {
    const message = `Postgres: ${data} was made by Postgres ${version}, this is ${majorVersion}; remove it to have its read models rebuilt`
    throw new EmbeddedPostgresError('VersionMismatch', message)
  }

  for (const name of await readdir(directory)) {
    if (name.startsWith(unfinished)) await rm(join(directory, name), { recursive: true, force: true })
    if (name === 'data')
      throw new EmbeddedPostgresError('DirectoryUnusable', `Postgres: ${data} is not the data of a Postgres server`)
  }
  progress('Postgres: creating its data directory (only at the first start)')
  const made = join(directory, `${unfinished}${process.pid}-${Date.now()}`)
  try {
    await runInitdb(binaries.initdb, made, launcher, progress)
    await rename(made, data)
    const parent = await open(directory)
    await parent.sync().finally(() => parent.close())
  } catch (error) {
    await rm(made, { recursive: true, force: true })
    throw error
  }
}

async function runInitdb(initdb: string, target: string, launcher: Launcher, progress: (what: string) => void): Promise<void> {
  // Why trust: see where the socket's directory is made. Should somebody make it listen on a port, that port lets nobody in.
  const options = ['--username=postgres', '--auth-local=trust', '--auth-host=reject', '--set=dynamic_shared_memory_type=mmap']
  const collation = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const [file, ...args] = [...launcher.prefix, initdb, `--pgdata=${target}`, ...options, ...collation]
  const child = spawn(file!, args, { env: programEnvironment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const lastWords: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes(' ... ')) progress(`Postgres: ${line}`)
  })
  createInterface({ input: child.stderr }).on('line', (line) => lastWords.push(line))
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw programError('InitFailed', `initdb failed (${signal ?? `exit code ${code}`})`, lastWords)
}
