import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findRunning, type RunningInstance } from '../../infra/data-directory.ts'

const main = fileURLToPath(new URL('../../infra/main.ts', import.meta.url))

/** What a test may wait for on a machine with other work to do. */
const patienceMs = 60_000

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `duxnet start` as a child process. */
export interface Program {
  readonly child: ChildProcess
  /** Addresses as its run.json tells them. */
  readonly run: RunningInstance
  /** Everything it wrote so far. */
  output(): string
  /** JSON, or text where it is none. */
  get<Body = unknown>(path: string): Promise<{ status: number; headers: Headers; body: Body }>
  /** SIGTERM, and how it ended. */
  stop(signal?: NodeJS.Signals): Promise<Result>
  /** kill -9 of it and everything it started. */
  kill(): Promise<void>
  /** Resolves when it has ended. */
  ended: Promise<Result>
}

/** A new directory below the system's, and what removes it. */
export function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'duxnet-e2e-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** The tests' own environment without what would configure the program, or measure its coverage, for which there are tests without a process. */
export function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(DUXNET_|HOST$|PORT$|ESDB_URL$|DATABASE_|NATS_|NODE_V8_COVERAGE$)/.test(name),
  )
  return { ...Object.fromEntries(own), PORT: '0', DUXNET_EVENTSTORE_PORT: '0', DUXNET_DRAIN_SECONDS: '0', ...more }
}

/** `duxnet <args>` as a child process. */
export function spawnProgram(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: tmpdir(), env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs `duxnet <args>` to its end; one that does not end is ended. */
export async function duxnet(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Result> {
  const child = spawnProgram(args, env)
  const limit = setTimeout(() => child.kill(), patienceMs)
  return collect(child).ended.finally(() => clearTimeout(limit))
}

function collect(child: ChildProcess): { ended: Promise<Result>; output(): string } {
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text) => (stderr += text))
  const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
  return { ended, output: () => stdout + stderr }
}

/** Starts the program on `data` and waits until it says that it is ready. */
export async function startProgram(data: string, env: NodeJS.ProcessEnv = {}, args: readonly string[] = []): Promise<Program> {
  const child = spawnProgram(['start', ...args], { DUXNET_DATA: data, ...env })
  const { ended, output } = collect(child)
  let over = false
  void ended.then(() => (over = true))
  const run = await until('the program is ready', async () => {
    if (over) throw new Error(`the program ended: ${output()}`)
    return findRunning(data, 0).catch(() => undefined)
  })
  return {
    child,
    run,
    output,
    ended,
    async get<Body>(path: string) {
      const answer = await fetch(new URL(path, run.http))
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, body: parsed(text) as Body }
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
    async kill() {
      for (const pid of [child.pid!, ...descendants(child.pid!)]) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
      await ended
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Waits until `check` gives something other than undefined and false. */
export async function until<T>(what: string, check: () => Promise<T | undefined | false>, limitMs = patienceMs): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`)
    await sleep(50)
  }
}

/** A program that is started again whenever it was killed, and how often it was. */
export interface Supervised {
  /** The one that runs, or ran last. */
  current(): Program
  kills(): number
  /** Ends it, and does not start it again. */
  stop(): Promise<void>
}

/** Starts a program, to be killed up to `kills` times: at the point that `pointOf` names for each. Resolves when it has started for the first time. */
export async function supervise(
  data: string,
  env: NodeJS.ProcessEnv,
  kills: number,
  pointOf: (killed: number) => string,
): Promise<Supervised> {
  let program: Program | undefined
  let killed = 0
  let over = false

  async function run(started: () => void): Promise<void> {
    while (!over) {
      const armed = killed < kills ? { DUXNET_FAIL_POINT: pointOf(killed) } : {}
      // It may be killed while it starts: what it was killed at goes on at once.
      const next = await startProgram(data, { ...env, ...armed }).catch(() => undefined)
      if (next) {
        program = next
        started()
        await next.ended
      }
      if (!over) killed += 1
    }
  }

  await new Promise<void>((resolve) => void run(resolve))
  return {
    current: () => program!,
    kills: () => killed,
    async stop() {
      over = true
      await program!.stop()
    },
  }
}

/** Process ids of everything below `pid`. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended while we looked.
    }
  }
  const below = (parent: number): number[] =>
    [...parents].filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
