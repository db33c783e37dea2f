import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, NotRunning } from './cli/command.ts'
import { isLocked, lockFile } from './file-lock.ts'

const runSchema = z.object({
  pid: z.int(),
  /** `starting`: the addresses known so far; `ready`: everything runs. */
  state: z.enum(['starting', 'ready']),
  startedAt: z.iso.datetime(),
  namespace: z.string(),
  networkId: z.string().optional(),
  /** Base address of the API: `http://127.0.0.1:8080`. */
  http: z.string().optional(),
  eventStore: z.string().optional(),
  database: z.string().optional(),
  databaseReader: z.string().optional(),
})

/** What an instance tells the other programs of its user about itself, in `run.json`. */
export type RunningInstance = z.infer<typeof runSchema>

/** The data directory while this process holds it. */
export interface DataDirectory {
  readonly path: string
  /** Replaces `run.json` as a whole; readers see the old or the new one. */
  tell(instance: Omit<RunningInstance, 'pid' | 'startedAt'>): void
  /** Removes `run.json` and lets go. */
  release(): void
}

/** Takes the data directory, made with mode 0700 where there is none. Throws `Failure` that says who holds it. */
export function holdDataDirectory(path: string): DataDirectory {
  const startedAt = new Date().toISOString()
  const hold = takeHold(path)
  if (!hold) throw new Failure(`the data directory ${path} is in use by ${holderOf(path)}`)
  rmSync(runFile(path), { force: true })
  return {
    path,
    tell(instance) {
      const beside = `${runFile(path)}.new`
      writeFileSync(beside, `${JSON.stringify({ pid: process.pid, startedAt, ...instance }, null, 2)}\n`, { mode: 0o600 })
      renameSync(beside, runFile(path))
    },
    release() {
      rmSync(runFile(path), { force: true })
      hold.release()
    },
  }
}

const holdFile = (path: string) => join(path, 'hold')
const runFile = (path: string) => join(path, 'run.json')

function takeHold(path: string) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return lockFile(holdFile(path))
  } catch (error) {
    throw new Failure(`the data directory ${path} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

function readRunFile(path: string): RunningInstance | undefined {
  try {
    return runSchema.parse(JSON.parse(readFileSync(runFile(path), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Failure(`${runFile(path)} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function holderOf(path: string): string {
  const running = readRunFile(path)
  return running ? `process ${running.pid}${running.http ? ` (${running.http})` : ''}` : 'another process'
}

/**
 * The instance that runs on this data directory; one that is starting is waited for, up to `waitSeconds`. Throws `NotRunning`.
 */
export async function findRunning(path: string, waitSeconds = 60): Promise<RunningInstance> {
  const deadline = performance.now() + waitSeconds * 1000
  for (let told = false; ; ) {
    // A run.json whose writer was killed is history: the lock says who is alive.
    if (!isLocked(holdFile(path)))
      throw new NotRunning(`no DuxNet is running on ${path}; npm start starts one, --data names another directory`)
    const running = readRunFile(path)
    // Between its lock and its first word, an instance still has the file of one that was killed.
    if (running?.state === 'ready' && isAlive(running.pid)) return running
    if (performance.now() > deadline) throw new NotRunning(`the DuxNet on ${path} is still starting after ${waitSeconds} s`)
    if (!told) process.stderr.write('waiting for DuxNet to start …\n')
    told = true
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
