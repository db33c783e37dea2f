import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './errors.ts'

const askAgainMs = 50
const patienceMs = 60_000
const afterQuitMs = 15_000

/**
 * Waits until no server of an earlier parent works on the data directory, then removes what it left. To be called by the holder of
 * the directory only: whatever still runs there has lost its parent and is shutting down. `postmaster.pid` alone proves nothing: its
 * pid may be another program's by now, at which Postgres would refuse to start.
 *
 * @throws EmbeddedPostgresError DirectoryInUse after 75 s
 */
export async function waitForFormerServer(dataDirectory: string, progress: (what: string) => void): Promise<void> {
  const place = await realpath(dataDirectory).catch(() => dataDirectory) // The data may be a link to another disk.
  const started = performance.now()
  let asked: NodeJS.Signals | undefined
  for (;;) {
    const pids = await serversOn(place)
    if (pids.length === 0) break
    const waited = performance.now() - started
    if (waited > patienceMs + afterQuitMs) {
      throw new EmbeddedPostgresError(
        'DirectoryInUse',
        `Postgres: processes ${pids.join(', ')} of a former server do not end; end them`,
      )
    }
    // Fast shutdown, which the kernel has asked for already on Linux; at last the one that leaves the rest to crash recovery.
    const signal = waited > patienceMs ? 'SIGQUIT' : 'SIGINT'
    if (asked !== signal) {
      progress('Postgres: waiting for the former server to end')
      for (const pid of pids) if (pid === (await recordedPid(dataDirectory))) kill(pid, signal)
      asked = signal
    }
    await sleep(askAgainMs)
  }
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true })
}

/** Pids of the Postgres processes of this cluster: each of them works in its data directory. */
async function serversOn(dataDirectory: string): Promise<number[]> {
  if (process.platform !== 'linux') {
    const pid = await recordedPid(dataDirectory)
    const name =
      pid === undefined
        ? ''
        : await promisify(execFile)('ps', ['-p', String(pid), '-o', 'comm=']).then(
            (ps) => ps.stdout,
            () => '',
          )
    return pid !== undefined && basename(name.trim()) === 'postgres' ? [pid] : []
  }
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const matches = await Promise.all(
    processes.map(async (pid) => {
      const [directory, program] = await Promise.all([
        readlink(`/proc/${pid}/cwd`).catch(() => ''),
        readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
      ])
      return directory === dataDirectory && program.trim() === 'postgres'
    }),
  )
  return processes.filter((_, index) => matches[index]).map(Number)
}

async function recordedPid(dataDirectory: string): Promise<number | undefined> {
  const [line] = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(line)
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended in the meantime.
  }
}
