import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { jetStreamTarget } from '../adapters/nats/jetstream.ts'
import { cloudEventOf, type EventSource } from '../api/cloud-event.ts'
import { createRelay, type Relay } from '../commands/processes/relay.ts'
import { type RelayMessage, RelayRefused, type RelaySource } from '../commands/processes/relay-ports.ts'
import { nameOf } from '../domain/catalogue.ts'
import { partsOfStream } from '../domain/stream.ts'
import type { EventLogQueries, EventView } from '../projections/event-log.query.ts'
import { Failure } from './cli/command.ts'
import { type Config, does } from './config.ts'
import type { Lifetime } from './lifetime.ts'
import { seldom } from './logs.ts'
import type { RelayMetrics } from './metrics.ts'

export interface RelaySideOptions {
  readonly config: Config
  readonly networkId: string
  readonly reads: Pick<EventLogQueries, 'nextIndex' | 'eventsBetween'>
  /** Called when there is something to say. */
  readonly source: () => EventSource
  readonly lifetime: Lifetime
  readonly log: Logger
  readonly metrics: RelayMetrics
}

/** What relays the events of the read model to NATS; undefined where there is none, or the role is another instance's. Throws `Failure`. */
export function openRelay({ config, networkId, reads, source, lifetime, log, metrics }: RelaySideOptions): Relay | undefined {
  const { natsUrl, natsPrefix, natsReplicas, natsMaxAgeDays } = config
  if (!does(config, 'relay')) return undefined
  if (natsUrl === undefined) {
    log.info('NATS_URL is not set: the relay is off')
    return undefined
  }
  const target = jetStreamTarget({
    servers: natsUrl,
    credentials: credentialsIn(config),
    prefix: natsPrefix,
    networkId,
    replicas: natsReplicas,
    maxAgeDays: natsMaxAgeDays,
    log,
  })
  lifetime.atEnd(target.close)
  const refused = seldom((error: Error) => log.error({ reason: error.message }, 'RelayRefused: events are not relayed to NATS'))
  const waits = seldom((error: Error) => log.warn({ reason: error.message }, 'the relay to NATS waits'))
  return createRelay({
    source: messagesOf(reads, source),
    target,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    onPublished: metrics.published,
    onStanding: metrics.standing,
    onError: (error) => (error instanceof RelayRefused ? refused(error) : waits(error)),
  })
}

function credentialsIn({ natsCredsFile }: Config): string | undefined {
  if (natsCredsFile === undefined) return undefined
  try {
    return readFileSync(natsCredsFile, 'utf8')
  } catch (error) {
    throw new Failure(`NATS_CREDS_FILE: ${(error as Error).message}`, { cause: error })
  }
}

/** The log as the relay reads it. */
export function messagesOf(reads: Pick<EventLogQueries, 'nextIndex' | 'eventsBetween'>, source: () => EventSource): RelaySource {
  return {
    nextIndex: async () => (await reads.nextIndex()).value,
    async after(from, limit) {
      const { value } = await reads.eventsBetween(from, from + limit, limit)
      return value.map((view) => messageOf(view, source()))
    },
  }
}

/** `<category>.<EventType>.<id of its stream>`: dots part tokens, and no part has one. Who wants a type wants all versions of it. */
function messageOf(view: EventView, source: EventSource): RelayMessage {
  const { index, stream, type } = view
  const parts = partsOfStream(stream)
  if (!parts) throw new Error(`${stream} is no stream of a network`)
  const { id: eventId, traceparent, text: body } = cloudEventOf(view, source)
  return { index, eventId, subject: `${parts.category}.${nameOf(type)}.${parts.id}`, body, traceparent }
}
