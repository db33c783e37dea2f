import type { Logger } from 'pino'
import type { Clock, EventStore, SubmitCommand } from '../commands/ports.ts'
import { createHealthRunner, tickMs } from '../commands/processes/health-runner.ts'
import { watchIngestion } from '../commands/processes/ingestion.ts'
import { createSettlementRunner } from '../commands/processes/settlement-runner.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { serviceKey } from '../domain/network/offices.ts'
import { healthWatch } from '../projections/health-watch.ts'
import { settlement as settlementModel } from '../projections/settlement.ts'
import type { KeyRing } from './keys.ts'
import { seldom } from './logs.ts'
import { type MoneyStatus, moneyStatus } from './money-status.ts'
import type { ReadSide } from './read-side.ts'
import { rest } from './rest.ts'

export interface ProcessOptions {
  readonly network: NetworkState
  readonly store: EventStore
  readonly readSide: ReadSide
  readonly submit: SubmitCommand
  readonly keys: KeyRing
  readonly clock: Clock
  readonly log: Logger
  /** Named points of crash tests. */
  readonly reached: ((point: string) => void) | undefined
}

/** What sends commands by itself. One process of a network does; several at once do no harm. */
export interface Processes {
  /** A read model moved. */
  moved(projection: string): void
  /** Until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

export function createProcesses(options: ProcessOptions): Processes {
  const health = healthProcess(options)
  const settlement = settlementProcess(options)
  return {
    moved(projection) {
      if (projection === healthWatch.name) health.moved()
      if (projection === settlementModel.name) settlement?.moved()
    },
    async run(signal) {
      await Promise.all([health.run(signal), settlement?.run(signal)])
    },
  }
}

function healthProcess({ network, store, readSide, submit, keys, clock, log }: ProcessOptions) {
  return createHealthRunner({
    networkId: network.networkId,
    policy: () => network.policy,
    watch: readSide.queries.healthWatch,
    ingestion: watchIngestion(store, clock, tickMs),
    submit,
    signer: keys.findOrMake('health'),
    clock,
    sleep: rest,
    onError: seldom((error) => log.warn({ err: error }, 'health transitions wait')),
  })
}

/** Undefined where the network has given that work to nobody. */
function settlementProcess({ network, store, readSide, submit, keys, clock, log, reached }: ProcessOptions) {
  const { networkId } = network
  const signer = keys.find('settlement')
  if (!signer || serviceKey(network, 'settlement') !== signer.publicKey) {
    log.warn({ networkId }, 'the network has no key settlement that is here: escrows, transfers and the fund wait for one that is')
    return undefined
  }
  const onError = seldom((error) => log.warn({ err: error }, 'settlement waits'))
  const { settlement, unsweptContributions } = readSide.queries

  async function caughtUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const head = await store.head()
        if (!head || (await readSide.progress.reached(settlementModel.name, head.position, caughtUpMs, signal)) >= head.position)
          return
      } catch (error) {
        if (!signal.aborted) onError(error)
        await rest(tickMs, signal)
      }
    }
  }

  const runner = createSettlementRunner({
    networkId,
    list: { ...settlement, unsweptContributions },
    airdrop: async (campaignId) => (await import('../commands/airdrop-result.ts')).computeAirdrop(store, campaignId),
    caughtUp,
    submit,
    signer,
    clock,
    sleep: rest,
    onError,
    ...(reached && { reached }),
  })

  /** What should have been done long ago and was not is an alarm, whoever is to blame, and so are books that do not balance. */
  async function watch(signal: AbortSignal): Promise<void> {
    const alarm = seldom(({ total, ...status }: MoneyStatus) =>
      log.error({ ...status, total: String(total) }, total === 0n ? 'money does not move on' : 'the books do not balance'),
    )
    while (!signal.aborted) {
      const status = await moneyStatus(readSide.queries, clock).catch(() => nothingKnown)
      if (status.total !== 0n || status.oldestSeconds > alarmSeconds) alarm(status)
      await rest(watchMs, signal)
    }
  }

  return {
    moved: runner.moved,
    async run(signal: AbortSignal) {
      await Promise.all([runner.run(signal), watch(signal)])
    },
  }
}

const caughtUpMs = 5000
const watchMs = 10_000
const alarmSeconds = 60
/** While Postgres is away others say so. */
const nothingKnown: MoneyStatus = { openItems: 0, oldestSeconds: 0, total: 0n }
