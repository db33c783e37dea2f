import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EventStoreDBClient, JSONEventData, JSONEventType } from '@eventstore/db-client'
import { type EmbeddedEventStore, startEmbeddedEventStore } from '../../../infra/embedded/eventstore/start.ts'
import { isLong, randomFrom, seed } from '../../support/random.ts'

export { isLong, randomFrom, seed }

export const tick = (n: number, type = 'Ticked'): JSONEventData<JSONEventType<string, { n: number }>> => ({
  id: randomUUID(),
  contentType: 'application/json',
  type,
  data: { n },
  metadata: undefined,
})

/** A directory that is removed when the process of the test ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'duxnet-eventstore-test-'))
  if (scratches.push(directory) === 1)
    process.once('exit', () => {
      for (const each of scratches) rmSync(each, { recursive: true, force: true })
    })
  return directory
}

const scratches: string[] = []

/** Runs something with an event store of its own and a client of it. */
export async function withStore(
  run: (client: EventStoreDBClient, store: EmbeddedEventStore) => Promise<void>,
  directory?: string,
): Promise<void> {
  // Loaded here: a process that tests another client must not have this one too.
  const { EventStoreDBClient } = await import('@eventstore/db-client')
  const store = await startEmbeddedEventStore({ directory, port: 0 })
  const client = EventStoreDBClient.connectionString(store.connectionString)
  try {
    await run(client, store)
  } finally {
    await client.dispose()
    await store.close()
  }
}

/** Polls until something holds; throws after half a minute, which no working store needs. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; !holds(); ) {
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const main = fileURLToPath(new URL('../../../infra/main.ts', import.meta.url))

export interface Standalone {
  readonly process: ChildProcess
  readonly connectionString: string
  /** Everything it has printed so far, errors too. */
  said(): string
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** `duxnet eventstore` as a process of its own, ready. `wrap` is a command line to run it under, `options` what its environment says. */
export async function standalone(
  args: readonly string[],
  wrap: readonly string[] = [],
  options: NodeJS.ProcessEnv = {},
): Promise<Standalone> {
  const [program, ...rest] = [...wrap, process.execPath, main, 'eventstore', '--node-port', '0', ...args]
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...withoutOptions(process.env), ...options } })
  const exited = once(child, 'exit')
  let said = ''
  for (const output of [child.stdout!, child.stderr!]) output.on('data', (chunk) => (said += chunk))
  child.stderr!.pipe(process.stderr, { end: false })
  await eventually(() => said.includes('\n') || child.exitCode !== null, 'the standalone store says that it is ready')
  const connectionString = /^ready (\S+)\n/m.exec(said)?.[1]
  if (!connectionString) throw new Error(`the standalone store said: ${said}`)
  return {
    process: child,
    connectionString,
    said: () => said,
    async kill(signal) {
      child.kill(signal)
      const [code] = await exited
      return code as number | null
    },
  }
}

export const withoutOptions = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([key]) => !key.startsWith('EVENTSTORE_')))

/** Memory of a process that is no file; 0 where the system does not say. */
export function anonymousBytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}
