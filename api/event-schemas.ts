import { z } from 'zod'
import { eventSchemas, eventTypes, type StoredType, schemaVersionOf } from '../domain/catalogue.ts'
import { metadataSchema } from '../domain/event.ts'
import { uuidSchema } from '../domain/ids.ts'
import { schemaPath } from './cloud-event.ts'

/** What `data` of a CloudEvent of a type is: the event where it stands in the log. */
export function recordedEventSchema(type: StoredType) {
  const { data } = eventSchemas[type].shape
  return z.strictObject({
    index: z.int().nonnegative().describe('Dense, in the order of the log'),
    position: z
      .string()
      .regex(/^\d{1,20}$/)
      .describe('Where it stands in the event store, as decimal text: where to resume after it'),
    leaf: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('Its Merkle leaf: SHA-256 of a zero byte and the RFC 8785 text of `event`'),
    event: z.strictObject({
      id: uuidSchema,
      stream: z.string(),
      revision: z.int().nonnegative(),
      type: z.literal(type),
      data: data as z.ZodType,
      metadata: metadataSchema,
    }),
  })
}

/** JSON Schema (2020-12) of `data` of an event type, by what `dataschema` names: `NodeRegistered.v1`. */
export function eventJsonSchemas(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  return new Map(
    eventTypes.map((type) => {
      const path = schemaPath(type, schemaVersionOf(type))
      const { $schema, ...schema } = z.toJSONSchema(recordedEventSchema(type), { target: 'draft-2020-12', unrepresentable: 'any' })
      return [path.slice('/schemas/'.length), { $schema, $id: path, title: type, ...schema }]
    }),
  )
}
