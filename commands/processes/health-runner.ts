import type { Policy } from '../../domain/network/policy.ts'
import type { HealthWatch } from '../ports.ts'
import { graceMs, healthCommands } from './health.ts'
import type { Ingestion } from './ingestion.ts'
import { createTodoRunner, type TodoList, type TodoRunner, type TodoRunnerDeps } from './todo-runner.ts'

/** The signer holds the network's service key `health`. */
export interface HealthRunnerDeps extends Pick<TodoRunnerDeps, 'submit' | 'signer' | 'clock' | 'sleep' | 'onError'> {
  readonly networkId: string
  readonly policy: () => Policy
  readonly watch: HealthWatch
  readonly ingestion: Ingestion
}

/** `run` is rounds and the watch over ingestion. */
export type HealthRunner = TodoRunner

/** Milliseconds from one look at ingestion, and at the open items, to the next. */
export const tickMs = 1000
/** Milliseconds between rounds, however often the read model moves. */
const pauseMs = 100
/** Items a round takes of each kind, and commands it has under way at a time. */
const itemsMax = 500
const underWayMax = 16

/** Makes the health of nodes events: to-do list in, signed commands out (design.md 12). */
export function createHealthRunner({ policy, watch, ingestion, ...deps }: HealthRunnerDeps): HealthRunner {
  const { networkId, clock, sleep } = deps
  const runner = createTodoRunner({ ...deps, look, behind: ['CommandIdReused', 'NodeDeregistered'], underWayMax, pauseMs, tickMs })

  async function look(): Promise<TodoList> {
    const upSince = ingestion.upSince()
    if (!upSince) return { todos: [] }
    const now = clock()
    const heardAfter = new Date(now.getTime() - graceMs(policy()))
    const changed = await watch.changed(heardAfter, itemsMax)
    const silent = upSince <= heardAfter ? await watch.silent(heardAfter, itemsMax) : []
    const commands = healthCommands({ networkId, policy: policy(), now, upSince, changed, silent })
    return { todos: commands.map((command) => ({ key: command.commandId, commands: [command] })) }
  }

  async function ticks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await ingestion.tick()
      await sleep(tickMs, signal)
    }
  }

  return {
    ...runner,
    async run(signal) {
      await Promise.all([runner.run(signal), ticks(signal)])
    },
  }
}
