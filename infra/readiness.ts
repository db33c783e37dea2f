import { setTimeout as sleep } from 'node:timers/promises'
import type { Check } from '../api/deps.ts'
import type { Clock } from '../commands/ports.ts'
import type { Relay, RelayStanding } from '../commands/processes/relay.ts'
import type { Standing } from '../commands/processes/webhook-ports.ts'
import type { WebhookRunner } from '../commands/processes/webhook-runner.ts'
import type { ProjectionStatus } from '../projections/status.ts'
import type { Engines } from './engines.ts'
import { type MoneyStatus, moneyStatus } from './money-status.ts'
import type { ReadSide } from './read-side.ts'

const limitMs = 2000

/** What sends events to others; each where it is this instance's. */
interface Outgoing {
  readonly webhooks: Pick<WebhookRunner, 'standing'> | undefined
  readonly relay: Pick<Relay, 'standing'> | undefined
}

/** What /readyz asks of an instance: its engines, each read model, and whether money moves on, which is no reason not to serve. */
export function readinessOf(
  { eventStore, postgres }: Engines,
  readSide: ReadSide | undefined,
  clock: Clock,
  { webhooks, relay }: Outgoing,
): () => Promise<readonly Check[]> {
  return async () => {
    const checks = await Promise.all([
      eventStore ? engineCheck('event store', eventStore.store.ping()) : [],
      postgres ? engineCheck('postgres', postgres.reader.ping()) : [],
      readSide
        ? inTime(readSide.status()).then(
            (all) => all.map(projectionCheck),
            () => [],
          )
        : [],
      readSide
        ? inTime(moneyStatus(readSide.queries, clock)).then(
            (status) => [moneyCheck(status)],
            () => [],
          )
        : [],
      webhooks ? webhookCheck(webhooks.standing()) : [],
      relay ? relayCheck(relay.standing()) : [],
    ])
    return checks.flat()
  }
}

async function engineCheck(name: string, ping: Promise<void>): Promise<Check> {
  return inTime(ping).then(
    () => ({ name, ready: true, detail: 'answers' }),
    (error: Error) => ({ name, ready: false, detail: error.message }),
  )
}

/** Always ready: what a receiver does not take is no fault of this process. */
function webhookCheck(standing: Standing | undefined): Check {
  const told = standing && Object.entries(standing).map(([what, count]) => `${count} ${what}`)
  return { name: 'webhooks', ready: true, detail: told?.join(', ') ?? 'sent by another instance' }
}

/** Always ready too: NATS is a hint, and everything else goes on without it. */
function relayCheck(standing: RelayStanding | undefined): Check {
  const { state = 'done by another instance', behind, detail } = standing ?? {}
  const told = [state, ...(behind === undefined ? [] : [`${behind} events behind`]), ...(detail === undefined ? [] : [detail])]
  return { name: 'relay to NATS', ready: true, detail: told.join(', ') }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(limitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error('does not answer')
  })
  late.catch(() => {})
  return Promise.race([work, late]).finally(() => over.abort())
}

function moneyCheck({ openItems, oldestSeconds, total }: MoneyStatus): Check {
  const waiting = openItems ? `${openItems} open items, the oldest for ${oldestSeconds.toFixed(1)} s` : 'no open items'
  return { name: 'money', ready: true, detail: total === 0n ? waiting : `the books do not balance: ${total}; ${waiting}` }
}

/** Ready as long as it serves and folds what comes; one that is rebuilt beside its serving generation still does. */
function projectionCheck({ name, state, generation, lagSeconds, detail, poison }: ProjectionStatus): Check {
  const lag = lagSeconds === undefined ? undefined : `lag ${lagSeconds.toFixed(1)} s`
  const at = poison && `${poison.type} ${poison.stream}@${poison.revision} (position ${poison.position})`
  return {
    name: `projection ${name}`,
    ready: state === 'live' || (state === 'building' && generation > 0),
    detail: [state, at, lag, detail].filter((part) => part !== undefined).join(', '),
  }
}
