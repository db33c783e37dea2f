import { z } from 'zod'
import { anyJson } from './any-json.ts'
import { canonicalJson, type Json } from './canonical.ts'
import { instantSchema, publicKeySchema, signatureSchema, uuidSchema } from './ids.ts'

/**
 * Who and what made an event (design.md 4). Every event of a command carries all but `command` and `facts`, which only its
 * first event carries: the exact signed text (see `envelope.ts`) and what the server added for the decision.
 */
export const metadataSchema = z.strictObject({
  commandId: uuidSchema,
  correlationId: uuidSchema,
  causationId: uuidSchema,
  /** Who signed, in the network's terms: `node:<id>`, `authority`, `service:<role>`. */
  actor: z.string().max(100),
  publicKey: publicKeySchema,
  signature: signatureSchema,
  /** Version of the decider that decided. */
  rules: z.int().positive(),
  policyVersion: z.int().positive(),
  /** Our clock when it was decided; not the store's `created`. */
  recordedAt: instantSchema,
  traceparent: z.string().max(55).optional(),
  /** Version of the event's own schema. */
  schemaVersion: z.int().positive(),
  command: z.string().optional(),
  facts: z.record(z.string(), anyJson).optional(),
})

export type Metadata = z.infer<typeof metadataSchema>

/** An event as it is hashed, exported and replayed. Position and creation time belong to the store, not to it. */
export interface CanonicalEvent {
  readonly id: string
  readonly stream: string
  /** 0-based, contiguous within the stream. */
  readonly revision: number
  readonly type: string
  readonly data: Json
  readonly metadata: Json
}

/** A canonical event where a store keeps it. */
export interface RecordedEvent extends CanonicalEvent {
  /** Commit position in the whole log: strictly increasing, with gaps. */
  readonly position: bigint
  /** The store's clock. */
  readonly created: Date
  /** Its RFC 8785 text and its Merkle leaf, where whoever read it has made them. */
  readonly entry?: LogEntry
}

/** An event as the Merkle log holds it. */
export interface LogEntry {
  readonly canonical: string
  readonly leaf: Buffer
}

/** The largest canonical event: a Merkle entry bundle holds at most 65,535 bytes an entry. */
export const eventBytesMax = 60 * 1024

/** The RFC 8785 text of an event (design.md 3). Throws `NotCanonical`. */
export function canonicalEvent({ id, stream, revision, type, data, metadata }: CanonicalEvent): string {
  return canonicalJson({ id, stream, revision, type, data, metadata })
}

/** An event as it is stored, of a fact that may have been brought to a newer version of its type. */
export function storedOf<E extends CanonicalEvent>(fact: E & { readonly stored?: Partial<CanonicalEvent> }): CanonicalEvent {
  const { id, stream, revision, type, data, metadata } = fact
  return { id, stream, revision, type, data, metadata, ...fact.stored }
}
