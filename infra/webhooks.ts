import type { Logger } from 'pino'
import { webhookQueue } from '../adapters/postgres/private/webhook-queue.ts'
import { createSender, type SenderOptions } from '../adapters/webhooks/send.ts'
import { eventText } from '../api/cloud-event.ts'
import type { Clock } from '../commands/ports.ts'
import type { LogMessage, MessageSource } from '../commands/processes/webhook-ports.ts'
import { type RetryRules, retryRules } from '../commands/processes/webhook-retries.ts'
import { createWebhookRunner, type WebhookMetrics, type WebhookRunner } from '../commands/processes/webhook-runner.ts'
import type { Fact } from '../domain/catalogue.ts'
import { referencesOf, subjectOf } from '../domain/subjects.ts'
import type { EventLogQueries, EventView } from '../projections/event-log.query.ts'
import { queries } from '../projections/queries.ts'
import type { Config } from './config.ts'
import type { PrivateEngine } from './engines.ts'
import type { Lifetime } from './lifetime.ts'
import { seldom } from './logs.ts'
import { rest } from './rest.ts'
import { version } from './version.ts'

export interface WebhooksOptions {
  readonly engine: PrivateEngine
  readonly config: Pick<Config, 'webhooksAllowPrivate' | 'webhooksRetryHours'>
  readonly lifetime: Lifetime
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
  readonly metrics: WebhookMetrics
  readonly rules?: RetryRules
  readonly sender?: Partial<SenderOptions>
}

const timeoutMs = 15_000

/** What posts the events of the read model to the webhooks of the private store. */
export function openWebhooks({ engine, config, lifetime, clock, log, metrics, ...options }: WebhooksOptions): WebhookRunner {
  const sender = createSender({
    allowPrivate: config.webhooksAllowPrivate,
    timeoutMs,
    userAgent: `DuxNet/${version}`,
    ...options.sender,
  })
  lifetime.atEnd(sender.close)
  return createWebhookRunner({
    queue: webhookQueue(engine.store),
    source: messagesOf(queries(engine.reader.db)),
    send: sender.send,
    rules: options.rules ?? retryRules(config.webhooksRetryHours),
    clock,
    random: Math.random,
    sleep: rest,
    metrics,
    onError: seldom((error) => log.warn({ err: error }, 'webhooks wait')),
  })
}

function messagesOf(log: Pick<EventLogQueries, 'nextIndex' | 'eventsBetween'>): MessageSource {
  return {
    nextIndex: async () => (await log.nextIndex()).value,
    async between(from, before, limit, types) {
      const { value } = await log.eventsBetween(from, before, limit, types && { types })
      return value.map(messageOf)
    },
  }
}

function messageOf(view: EventView): LogMessage {
  const { index, position, stream, type, recordedAt, canonical } = view
  // It was checked when it was taken into the read model.
  const event = JSON.parse(canonical) as Fact
  const own = subjectOf(stream)
  return {
    index,
    eventId: event.id,
    type,
    subjects: [...(own === undefined ? [] : [own]), ...referencesOf(event)],
    body: `{"type":"${type}","timestamp":"${recordedAt}","index":${index},"position":"${position}","data":${eventText(view)}}`,
  }
}
