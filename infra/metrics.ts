import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { HttpMetrics } from '../api/deps.ts'
import type { CommandMetrics } from '../commands/ports.ts'

/** How far a projection is, when it is asked. */
export interface ProjectionState {
  readonly name: string
  /** Seconds by which the newest event taken in is older than the log's newest; 0 at the head. */
  readonly lagSeconds: number
  /** Seconds since the checkpoint was last written or confirmed. */
  readonly checkpointAgeSeconds: number
  /** Stopped at an event that it cannot fold, or at a log that is not its own. */
  readonly halted: boolean
}

/** The process's metrics, as the ports that the rooms know. */
export interface Metrics {
  readonly http: HttpMetrics
  readonly commands: CommandMetrics
  /** From now on a scrape asks `states`. */
  watchProjections(states: () => readonly ProjectionState[]): void
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
  return {
    http: {
      requested: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
      text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
    },
    commands: {
      decided: (type, outcome) => decided.inc({ type, outcome }),
      appended: (seconds) => appends.observe(seconds),
    },
    watchProjections(states) {
      const gauge = (name: string, help: string, value: (state: ProjectionState) => number) =>
        new Gauge({
          name: `duxnet_projection_${name}`,
          help,
          labelNames: ['projection'],
          registers,
          collect() {
            this.reset()
            for (const state of states()) this.set({ projection: state.name }, value(state))
          },
        })
      gauge('lag_seconds', 'How much older the newest event taken in is than the newest of the log', (state) => state.lagSeconds)
      gauge('checkpoint_age_seconds', 'Since the checkpoint was last written or confirmed', (state) => state.checkpointAgeSeconds)
      gauge('halted', '1 when it stopped at an event that it cannot fold or at a log that is not its own', (state) =>
        Number(state.halted),
      )
    },
  }
}
