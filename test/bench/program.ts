// `duxnet start` in a process of its own, on engines of its own, over a log that was prepared for it.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { createSubmit } from '../../commands/submit.ts'
import { findRunning, type RunningInstance } from '../../infra/data-directory.ts'
import { keyRing } from '../../infra/keys.ts'
import { type BenchNode, benchNetwork, benchNode, registration } from './commands.ts'
import { openEventStore } from './engines.ts'
import { rate, scratch } from './harness.ts'

export interface Program {
  readonly pid: number
  readonly port: number
  readonly networkId: string
  readonly nodes: readonly BenchNode[]
  /** Connection string of its event store. */
  readonly eventStore: string
  /** Of its Postgres; the user may create tables. */
  readonly database: string
}

export interface ProgramOptions {
  readonly roles: string
  /** How many nodes are registered before it starts. */
  readonly nodes: number
  readonly env?: Readonly<Record<string, string>>
}

const registeringAtOnce = 100

/** Starts it and waits until it says that it is ready. With PROFILE=DIR its CPU profile is written there at the end. */
export async function startProgram(open: AsyncDisposableStack, { roles, nodes, env }: ProgramOptions): Promise<Program> {
  const data = scratch()
  const prepared = await prepare(data, nodes)
  const profile = process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROFILE}`] : []
  const main = new URL('../../infra/main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [...profile, main, 'start'], {
    cwd: data,
    env: {
      ...process.env,
      DUXNET_DATA: data,
      DUXNET_ROLES: roles,
      DUXNET_EVENTSTORE_PORT: '0',
      DUXNET_LOG_LEVEL: process.env.DUXNET_LOG_LEVEL ?? 'error',
      PORT: '0',
      // What is measured is the program, not its patience with one sender.
      DUXNET_OPENINGS_PER_MINUTE: '0',
      DUXNET_COMMANDS_PER_MINUTE: '0',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  // It must not outlive a benchmark that failed: its directory is gone by then.
  process.once('exit', () => child.kill('SIGKILL'))
  open.defer(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const { http, eventStore, database } = await Promise.race([
    running(data),
    ended.then(() => Promise.reject(new Error('it ended'))),
  ])
  return { ...prepared, pid: child.pid!, port: Number(new URL(http!).port), eventStore: eventStore!, database: database! }
}

/** A server of http-servers.ts in a process of its own; resolves with its port. */
export async function forkServer(open: AsyncDisposableStack, ...args: string[]): Promise<number> {
  const child = fork(new URL('./http-servers.ts', import.meta.url), args)
  open.defer(() => void child.kill())
  const [port] = (await once(child, 'message')) as [number]
  return port
}

/** A log with a network and its nodes; the keys of the network lie where the program looks for them. */
async function prepare(data: string, count: number) {
  await using open = new AsyncDisposableStack()
  const { store } = await openEventStore(open, data)
  const keys = keyRing(data)
  const [authority, health, log] = (['authority', 'health', 'log'] as const).map(keys.findOrMake)
  const { network, namespace } = await benchNetwork(store, { authority: authority!, health: health!, log: log! })
  const { networkId } = network
  const submit = createSubmit({ store, namespace, networkId, clock: () => new Date(), verify: verifySignature })
  const nodes = Array.from({ length: count }, benchNode)
  await rate(registeringAtOnce, Math.ceil(count / registeringAtOnce), async (caller, n) => {
    const node = nodes[n * registeringAtOnce + caller]
    if (node) await submit(registration(node, networkId))
  })
  return { networkId, nodes }
}

async function running(data: string): Promise<RunningInstance> {
  for (;;) {
    try {
      return await findRunning(data)
    } catch (error) {
      // It has not got so far as to hold its directory.
      if (!(error instanceof Error) || error.name !== 'NotRunning') throw error
      await sleep(100)
    }
  }
}
