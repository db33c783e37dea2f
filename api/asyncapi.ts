import { z } from 'zod'
import { eventTypes, nameOf, schemaVersionOf } from '../domain/catalogue.ts'
import { categories } from '../domain/stream.ts'
import { cloudEventType, schemaPath } from './cloud-event.ts'
import { recordedEventSchema } from './event-schemas.ts'
import { feedQuery } from './feed-query.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** The AsyncAPI 3.0 document of everything that says events by itself: JetStream, server-sent events and WebSocket, with one message an event type. */
export function asyncApiDocument(version: string): JsonObject {
  const messages = Object.fromEntries(eventTypes.map((type) => [type, { $ref: `#/components/messages/${type}` }]))
  const toChannel = (name: string) => ({ $ref: `#/channels/${name}` })
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'DuxNet events',
      version,
      license: { name: 'Apache-2.0' },
      description:
        'Every domain event of a network, once and in the order of the log. SSE, WebSocket and NATS carry the same bytes: CloudEvents 1.0 in JSON, whose `data` is the event as it was recorded and signed.',
    },
    defaultContentType: cloudEventType,
    servers: {
      nats: {
        host: '127.0.0.1:4222',
        protocol: 'nats',
        description: 'JetStream; the stream is DUXNET, its sequence the index of the event plus one',
      },
      sse: {
        host: '127.0.0.1:8080',
        protocol: 'http',
        description: 'With `Accept: text/event-stream`; `id` is the position, `data` the message',
      },
      webSocket: { host: '127.0.0.1:8080', protocol: 'ws', description: 'One text message an event' },
    },
    channels: {
      jetStream: {
        address: 'duxnet.{category}.{type}.{id}',
        servers: [{ $ref: '#/servers/nats' }],
        parameters: {
          category: { enum: categories, description: 'What the stream of the event holds' },
          type: { enum: [...new Set(eventTypes.map(nameOf))], description: 'Without its version' },
          id: { description: 'Of the stream: a node, a wallet, an escrow' },
        },
        messages,
      },
      feed: {
        address: '/v1/events',
        servers: [{ $ref: '#/servers/sse' }, { $ref: '#/servers/webSocket' }],
        messages,
        bindings: {
          ws: { method: 'GET', query: z.toJSONSchema(feedQuery, { target: 'draft-7', io: 'input', unrepresentable: 'any' }) },
        },
      },
    },
    operations: {
      relay: {
        action: 'send',
        channel: toChannel('jetStream'),
        summary: 'Every event, once, as soon as it is in the read model of the log',
      },
      feed: { action: 'send', channel: toChannel('feed'), summary: 'Events from any position, filtered' },
    },
    components: {
      messages: Object.fromEntries(
        eventTypes.map((type) => [
          type,
          { name: `duxnet.${type}`, title: type, contentType: cloudEventType, payload: { $ref: `#/components/schemas/${type}` } },
        ]),
      ),
      schemas: Object.fromEntries(eventTypes.map((type) => [type, cloudEventSchema(type)])),
    },
  }
}

/** JSON Schema (draft 7, as AsyncAPI has them) of a whole message. */
function cloudEventSchema(type: (typeof eventTypes)[number]): JsonObject {
  const { $schema: _, ...data } = z.toJSONSchema(recordedEventSchema(type), { target: 'draft-7', unrepresentable: 'any' })
  return {
    type: 'object',
    properties: {
      specversion: { const: '1.0' },
      id: { type: 'string', format: 'uuid', description: 'Of the event: the same whenever it is delivered' },
      source: { type: 'string', pattern: '^urn:uuid:', description: 'The network' },
      type: { const: `duxnet.${type}` },
      subject: { type: 'string', description: 'What it is about: `node:<id>`' },
      time: { type: 'string', format: 'date-time', description: 'When it was decided' },
      datacontenttype: { const: 'application/json' },
      dataschema: { type: 'string', format: 'uri', pattern: `${schemaPath(type, schemaVersionOf(type))}$` },
      sequence: { type: 'string', pattern: '^\\d{16}$', description: 'Its index in the log' },
      position: { type: 'string', pattern: '^\\d+$', description: 'Where to resume after it' },
      traceparent: { type: 'string', description: 'Of the command, where it had one' },
      data,
    },
    required: ['specversion', 'id', 'source', 'type', 'time', 'dataschema', 'sequence', 'position', 'data'],
  }
}
