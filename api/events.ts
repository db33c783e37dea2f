import { z } from 'zod'
import { metadataSchema } from '../domain/event.ts'
import { uuidSchema } from '../domain/ids.ts'
import { subjectSchema } from '../domain/subjects.ts'
import { eventLog } from '../projections/event-log.ts'
import type { Paging } from '../projections/read.ts'
import { eventText } from './cloud-event.ts'
import { example } from './examples.ts'
import { feedQuery } from './feed-query.ts'
import { readPage } from './paging.ts'
import { ApiProblem } from './problem.ts'
import {
  afterParameter,
  listProblems,
  many,
  nextSchema,
  pageParameters,
  positionOf,
  readAt,
  readHeaders,
  readProblems,
} from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'

export const eventSchema = z
  .strictObject({
    index: z.int().nonnegative().describe('Dense, in the order of the log'),
    position: positionSchema,
    leaf: z.string().describe('Its Merkle leaf, in hex: SHA-256 of a zero byte and the RFC 8785 text of `event`'),
    event: z
      .strictObject({
        id: uuidSchema,
        stream: z.string(),
        revision: z.int().nonnegative(),
        type: z.string(),
        data: z.record(z.string(), z.json()),
        metadata: metadataSchema,
      })
      .describe('The canonical event; `metadata.command` and `metadata.signature` are what was signed'),
  })
  .meta({ id: 'RecordedEvent' })

const subjectParameter = subjectSchema.describe(
  'Of what: `node:<id>`, `wallet:<id>`, `escrow:<id>`, `proposal:<id>`, `fund:community`, `network:<id>`',
)

export const eventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/events',
    tag: 'Events',
    summary: 'All events that touch something, raw, signatures included',
    description:
      'Its own and those of others that name it, in the order of the log: of an escrow also what its wallets did for it. ' +
      '`event` is the canonical event as it was signed and hashed. Of what nobody knows there are none.',
    query: z.strictObject({
      subject: subjectParameter,
      order: z.enum(['asc', 'desc']).optional().describe('`asc`: the oldest first; `asc` unless given'),
      ...pageParameters,
      ...afterParameter,
    }),
    successes: {
      200: {
        description: 'A page',
        schema: z.strictObject({ events: z.array(eventSchema), next: nextSchema }),
        example: { events: [example.event], next: null },
        headers: readHeaders,
      },
    },
    problems: listProblems,
    lane: 'query',
    feed: {
      query: feedQuery,
      description:
        'Every event as it happens, from any place in the past, each as a CloudEvent (docs/events.md). `Last-Event-ID` beats `from`. ' +
        'The same as a WebSocket: one text message an event.',
      example: `id: ${example.event.position}\ndata: ${example.cloudEvent}\n\n`,
    },
    async handle({ query: { subject, order = 'asc', ...query } }, deps) {
      const list = {
        identity: ['events', subject, order],
        projection: eventLog,
        descending: order === 'desc',
        read: (paging: Paging) => deps.reads.subjectEvents(subject, paging),
      }
      const page = await readPage(deps, list, query)
      return many(page, `{"events":[${page.value.map(eventText).join()}],"next":${JSON.stringify(page.next)}}`)
    },
  }),
  route({
    method: 'GET',
    path: '/v1/commands/:id',
    tag: 'Commands',
    summary: 'Whether a command has happened: the events it made',
    description: 'Those of every signer that used this id, in the order of the log.',
    params: z.strictObject({ id: uuidSchema }),
    query: z.strictObject(afterParameter),
    successes: {
      200: {
        description: 'It has',
        schema: z.strictObject({ commandId: uuidSchema, events: z.array(eventSchema) }).meta({ id: 'HappenedCommand' }),
        example: { commandId: example.heartbeatCommandId, events: [example.event] },
        headers: readHeaders,
      },
    },
    problems: ['CommandUnknown', ...readProblems],
    lane: 'query',
    async handle({ params: { id }, query: { after } }, deps) {
      const found = await readAt(deps, eventLog, after, () => deps.reads.findCommand(id))
      if (!found.value.length) throw new ApiProblem('CommandUnknown', { commandId: id }, positionOf(found))
      return many(found, `{"commandId":"${id}","events":[${found.value.map(eventText).join()}]}`)
    },
  }),
]
