import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

const childProgram = fileURLToPath(new URL('postgres-child.ts', import.meta.url))

export type Keeper = {
  process: ChildProcess
  /** Where it serves, or why it does not. */
  outcome: { url?: string; refusal?: string }
}

/** A process that keeps a server on `directory`, as soon as it serves or refuses. `prefix` goes before its command line. */
export async function keeper(directory: string, prefix: readonly string[] = []): Promise<Keeper> {
  const [file, ...args] = [...prefix, process.execPath, childProgram, directory]
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  return { process: child, outcome: await outcomeOf(child) }
}

export async function outcomeOf(child: ChildProcess): Promise<Keeper['outcome']> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line)
  throw new Error('the keeper ended without a word')
}

/** Ends a keeper cleanly, or kills it; resolves when it is gone. */
export async function end({ process: child }: Keeper, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

/** Pids of the Postgres processes that work on the cluster in `directory`. */
export async function serversOn(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return pids.filter((_, index) => places[index] === join(directory, 'data'))
}

export async function postmasterPid(directory: string): Promise<number> {
  return Number.parseInt(await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10)
}

/** Waits for a condition, never for a clock: the limit only ends a test that would hang. */
export async function until(condition: () => Promise<boolean>, what: string, limitMs = 30_000): Promise<void> {
  for (const started = performance.now(); !(await condition()); await sleep(20)) {
    if (performance.now() - started > limitMs) throw new Error(`waited in vain until ${what}`)
  }
}

export const allGone = (directory: string) =>
  until(async () => (await serversOn(directory)).length === 0, 'no process of the server is left')

/** One query on a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end().catch(() => {})
  }
}
