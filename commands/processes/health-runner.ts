import type { SignedCommand } from '../../domain/envelope.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Policy } from '../../domain/network/policy.ts'
import { type Clock, type HealthWatch, type Signer, StoreUnavailable, type SubmitCommand } from '../ports.ts'
import { signCommand } from '../sign.ts'
import { graceMs, healthCommands } from './health.ts'
import type { Ingestion } from './ingestion.ts'

export interface HealthRunnerDeps {
  readonly networkId: string
  readonly policy: () => Policy
  readonly watch: HealthWatch
  readonly ingestion: Ingestion
  readonly submit: SubmitCommand
  /** The network's service key `health`. */
  readonly signer: Signer
  readonly clock: Clock
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told of whatever stopped a round; the next one tries again. */
  readonly onError: (error: unknown) => void
}

export interface HealthRunner {
  /** Looks at the open items once and sends their commands. Throws what the read model throws; a command's failure only leaves its item open. */
  round(): Promise<void>
  /** The read model moved: the next round need not wait for its tick. */
  moved(): void
  /** Rounds and the watch over ingestion, until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

/** Milliseconds from one look at ingestion, and at the open items, to the next. */
export const tickMs = 1000
/** Milliseconds between rounds, however often the read model moves. */
const pauseMs = 100
/** Items a round takes of each kind, and commands it has under way at a time. */
const itemsMax = 500
const underWayMax = 16

/** Makes the health of nodes events: to-do list in, signed commands out (design.md 12). */
export function createHealthRunner(deps: HealthRunnerDeps): HealthRunner {
  const { networkId, policy, watch, ingestion, submit, signer, clock, sleep, onError } = deps
  let hasMoved = false

  async function round(): Promise<void> {
    const upSince = ingestion.upSince()
    if (!upSince) return
    const now = clock()
    const heardAfter = new Date(now.getTime() - graceMs(policy()))
    const changed = await watch.changed(heardAfter, itemsMax)
    const silent = upSince <= heardAfter ? await watch.silent(heardAfter, itemsMax) : []
    const commands = healthCommands({ networkId, policy: policy(), now, upSince, changed, silent })
    const rest = commands.values()
    const worker = async () => {
      for (const command of rest) await send(command)
    }
    await Promise.all(Array.from({ length: underWayMax }, worker))
  }

  async function send(command: SignedCommand): Promise<void> {
    try {
      await submit(signCommand(signer, command))
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      // The read model does not show yet that the item was closed, or that its node is gone.
      const isBehind = error instanceof DomainError && (error.code === 'CommandIdReused' || error.code === 'NodeDeregistered')
      if (!isBehind) onError(error)
    }
  }

  async function rounds(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      hasMoved = false
      await round().catch((error) => signal.aborted || onError(error))
      let waited = 0
      do {
        await sleep(pauseMs, signal)
        waited += pauseMs
      } while (!hasMoved && waited < tickMs && !signal.aborted)
    }
  }

  async function ticks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await ingestion.tick()
      await sleep(tickMs, signal)
    }
  }

  return {
    round,
    moved() {
      hasMoved = true
    },
    async run(signal) {
      await Promise.all([rounds(signal), ticks(signal)])
    },
  }
}
