import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { HttpMetrics } from '../api/deps.ts'
import type { FeedMetrics } from '../api/feeds.ts'
import type { ChainBlock, CommandMetrics } from '../commands/ports.ts'
import type { ChainAlarm } from '../commands/processes/chain.ts'
import type { RelayStanding } from '../commands/processes/relay.ts'
import type { WebhookMetrics } from '../commands/processes/webhook-runner.ts'
import type { ProjectionStatus } from '../projections/status.ts'
import type { MoneyStatus } from './money-status.ts'

/** The process's metrics, as the ports that the rooms know. */
export interface Metrics {
  readonly http: HttpMetrics
  readonly feeds: FeedMetrics
  readonly commands: CommandMetrics
  readonly webhooks: WebhookMetrics
  readonly chain: ChainMetrics
  readonly relay: RelayMetrics
  /** From now on a scrape asks for the status; while that cannot be had it shows none. */
  watchProjections(status: () => Promise<readonly ProjectionStatus[]>): void
  /** The same for money. */
  watchMoney(status: () => Promise<MoneyStatus>): void
}

/** What the relay to NATS tells of itself. */
export interface RelayMetrics {
  published(events: number): void
  standing(standing: RelayStanding): void
}

/** What the chain's process tells of itself. */
export interface ChainMetrics {
  round(round: { readonly tip: ChainBlock; readonly differences: number }): void
  alarm(kind: ChainAlarm['kind']): void
}

const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5]
const appendBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'duxnet_http_request_duration_seconds',
    help: 'HTTP requests by route, method and status',
    labelNames: ['route', 'method', 'status'],
    buckets: requestBuckets,
    registers,
  })
  const decided = new Counter({
    name: 'duxnet_commands_total',
    help: 'Commands by type and what became of them: accepted, repeated, unchanged, or the code of the refusal',
    labelNames: ['type', 'outcome'],
    registers,
  })
  const appends = new Histogram({
    name: 'duxnet_append_duration_seconds',
    help: 'From sending an append to the event store until it is durable',
    buckets: appendBuckets,
    registers,
  })
  const tries = new Counter({
    name: 'duxnet_webhook_messages_total',
    help: 'Tries to send a message to a webhook: delivered or failed; parked counts those given up',
    labelNames: ['outcome'],
    registers,
  })
  const feeds = new Gauge({ name: 'duxnet_feeds_open', help: 'Listeners to events over HTTP', labelNames: ['face'], registers })
  const feedEvents = new Counter({
    name: 'duxnet_feed_events_total',
    help: 'Events sent to listeners, counted for each of them',
    labelNames: ['face'],
    registers,
  })
  const feedsCutOff = new Counter({
    name: 'duxnet_feeds_cut_off_total',
    help: 'Listeners that took nothing for too long',
    labelNames: ['face'],
    registers,
  })
  const webhookGauge = (name: string, help: string) => new Gauge({ name: `duxnet_webhook${name}`, help, registers })
  const webhookGauges = {
    active: webhookGauge('s_active', 'Webhooks that are sent events'),
    failing: webhookGauge('s_failing', 'Of these, the ones whose last message was not taken'),
    disabled: webhookGauge('s_disabled', 'Webhooks that are sent nothing'),
    parked: webhookGauge('_messages_parked', 'Messages that were given up and can be replayed'),
    behind: webhookGauge('s_lag_events', 'Events that the active webhook furthest behind has still to look at'),
  }
  const projectionGauge = (name: string, help: string) =>
    new Gauge({ name: `duxnet_projection_${name}`, help, labelNames: ['projection'], registers })
  const lag = projectionGauge('lag_seconds', 'Age of the last event taken in while that is not the newest of the log, otherwise 0')
  const age = projectionGauge('checkpoint_age_seconds', 'Since the checkpoint was written')
  const stopped = projectionGauge('stopped', '1 when it stopped at an event that it cannot fold or a log that is not its own')
  let projections = async (): Promise<readonly ProjectionStatus[]> => []
  const gauge = (name: string, help: string) => new Gauge({ name: `duxnet_${name}`, help, registers })
  const openItems = gauge('settlement_open_items', 'Holds, deadlines that are over, and what is on its way between accounts')
  const oldestItem = gauge('settlement_oldest_item_seconds', 'Age of the oldest of them, 0 when there is none')
  const total = gauge('ledger_total', 'Of all accounts in minor units: 0, or the ledger is wrong')
  let money = async (): Promise<MoneyStatus | undefined> => undefined

  const relayed = new Counter({ name: 'duxnet_relay_events_total', help: 'Events that JetStream has stored', registers })
  const relayBehind = gauge('relay_lag_events', 'Events of the read model that JetStream has not stored')
  const relayStopped = gauge('relay_refused', "1 while the stream is not one to relay into, as another network's")

  const chainGauge = (name: string, help: string) => new Gauge({ name: `duxnet_chain_${name}`, help, registers })
  const height = chainGauge('height', 'Of the tip that the chain process saw last')
  const differences = chainGauge('open_differences', 'Between ledger, wallet and chain')
  const chainAlarms = new Counter({
    name: 'duxnet_chain_alarms_total',
    help: 'What the chain process cannot put right by itself, and what waits, by kind',
    labelNames: ['kind'],
    registers,
  })

  async function readProjections(): Promise<void> {
    const found = await projections().catch(() => [])
    for (const gauge of [lag, age, stopped]) gauge.reset()
    for (const { name: projection, lagSeconds, checkpointAgeSeconds, state } of found) {
      if (lagSeconds !== undefined) lag.set({ projection }, lagSeconds)
      if (checkpointAgeSeconds !== undefined) age.set({ projection }, checkpointAgeSeconds)
      stopped.set({ projection }, state === 'halted' || state === 'diverged' ? 1 : 0)
    }
  }

  async function readMoney(): Promise<void> {
    const status = await money().catch(() => undefined)
    openItems.set(status?.openItems ?? Number.NaN)
    oldestItem.set(status?.oldestSeconds ?? Number.NaN)
    total.set(status ? Number(status.total) : Number.NaN)
  }

  return {
    http: {
      requested: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
      async text() {
        await Promise.all([readProjections(), readMoney()])
        return { type: registry.contentType, body: await registry.metrics() }
      },
    },
    feeds: {
      opened: (face, change) => feeds.inc({ face }, change),
      sent: (face, events) => feedEvents.inc({ face }, events),
      cutOff: (face) => feedsCutOff.inc({ face }),
    },
    commands: {
      decided: (type, outcome) => decided.inc({ type, outcome }),
      appended: (seconds) => appends.observe(seconds),
    },
    webhooks: {
      tried: (outcome) => tries.inc({ outcome }),
      standing(standing) {
        for (const [what, gauge] of Object.entries(webhookGauges)) gauge.set(standing[what as keyof typeof webhookGauges])
      },
    },
    relay: {
      published: (events) => relayed.inc(events),
      standing({ state, behind }) {
        if (behind !== undefined) relayBehind.set(behind)
        relayStopped.set(state === 'refused' ? 1 : 0)
      },
    },
    chain: {
      round({ tip, differences: open }) {
        height.set(tip.height)
        differences.set(open)
      },
      alarm: (kind) => chainAlarms.inc({ kind }),
    },
    watchProjections(status) {
      projections = status
    },
    watchMoney(status) {
      money = status
    },
  }
}
