import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedPostgresError, programError } from './errors.ts'
import { type Launcher, programEnvironment } from './launcher.ts'

const askAgainMs = 20
const tellAgainMs = 5_000
const fastShutdownMs = 30_000
const immediateShutdownMs = 10_000
const lastWordsKept = 20
const lastWordsMs = 500

/** One run of the server program. */
export type Server = {
  /** Resolves, never rejects, with the reason when the program has ended, asked or not. */
  ended: Promise<EmbeddedPostgresError>
  /** Fast shutdown: open transactions are rolled back and everything is written. Harsher where that takes longer than 30 s. */
  stop(): Promise<void>
}

export type ServerOptions = {
  program: string
  dataDirectory: string
  launcher: Launcher
  /** postgresql.conf settings, given on the command line so that a newer DuxNet changes them on old clusters too. */
  settings: Readonly<Record<string, string>>
  log: (line: string) => void
  progress: (what: string) => void
  /** Ends a server that is still starting. */
  signal?: AbortSignal | undefined
}

/**
 * Starts the server and resolves once it accepts connections; recovery after a crash may take its time.
 * To be called on the main thread: the kernel's parent-death signal comes when the spawning thread ends.
 *
 * @throws EmbeddedPostgresError StartFailed, DiskFull
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { program, dataDirectory, launcher } = options
  const settings = Object.entries(options.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [file, ...args] = [...launcher.prefix, program, '-D', dataDirectory, ...settings]
  // Its own session: Ctrl-C goes to the whole foreground group, and the server must outlive our own shutdown, which still writes.
  const child = spawn(file!, args, { env: programEnvironment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const watchdog = launcher.diesWithParent ? undefined : watch(child)

  const lastWords: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      options.log(line)
      lastWords.push(line)
      if (lastWords.length > lastWordsKept) lastWords.shift()
    })
  }
  let over = false
  const ended = new Promise<EmbeddedPostgresError>((resolve) => {
    const end = (why: string) => {
      over = true
      watchdog?.kill('SIGKILL')
      resolve(programError('StartFailed', `the server ended (${why})`, lastWords))
    }
    // It also comes when a signal could not be sent, which ends nothing.
    child.on('error', (error) => {
      if (child.pid === undefined) end(String(error))
    })
    child.once('exit', async (code, signal) => {
      over = true
      // What it said last is still in the pipes, which its own children hold a little longer.
      await Promise.race([once(child, 'close'), sleep(lastWordsMs)])
      end(signal ?? `exit code ${code}`)
    })
  })

  options.signal?.addEventListener('abort', () => child.kill('SIGINT'), { once: true })
  let told = performance.now()
  while (!(await isReady(dataDirectory))) {
    if (over) throw await ended
    if (performance.now() - told > tellAgainMs) {
      told = performance.now()
      options.progress('Postgres: still starting (after a crash it first recovers)')
    }
    await sleep(askAgainMs)
  }
  return {
    ended,
    async stop() {
      for (const [signal, patienceMs] of [
        ['SIGINT', fastShutdownMs],
        ['SIGQUIT', immediateShutdownMs],
      ] as const) {
        if (!over) child.kill(signal)
        await Promise.race([ended, sleep(patienceMs, undefined, { ref: false })])
      }
      if (!over) child.kill('SIGKILL')
      await ended
    },
  }
}

/** The server's own word, in the 8th line of its lock file, whatever the language of its messages. */
async function isReady(dataDirectory: string): Promise<boolean> {
  const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[7]?.trim() === 'ready'
}

/** Where the kernel has no parent-death signal: a shell whose standard input closes with us. */
function watch(child: ChildProcess): ChildProcess {
  const script = 'read -r _; kill -INT "$1"'
  const watchdog = spawn('sh', ['-c', script, 'sh', String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  watchdog.once('error', () => child.kill('SIGINT'))
  return watchdog
}
