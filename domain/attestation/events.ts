import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { eventSchema } from '../event-schema.ts'
import { idSchema, uuidSchema } from '../ids.ts'

const nodeId = idSchema
const slug = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'must match ^[a-z][a-z0-9_]{0,63}$')

/** A computation that a node did was verified. */
export const computationProvedSchema = eventSchema('ComputationProved', {
  nodeId,
  /** What was computed: the task's id, or whatever the verifier counts by. */
  proofId: uuidSchema,
  /** How much work it was, in units of the verifier's. */
  units: z.int().min(1).max(1_000_000_000),
  /** Commits to the proof. */
  evidence: commitmentSchema,
})

/** Something says that a node may be one of many of the same operator's. */
export const sybilSignalRaisedSchema = eventSchema('SybilSignalRaised', {
  nodeId,
  signalId: uuidSchema,
  /** By which rule: `shared_address`. */
  rule: slug,
  /** How much it says; campaigns compare the sum of what is raised and not withdrawn. */
  weight: z.int().min(1).max(1000),
  evidence: commitmentSchema,
})

export const sybilSignalWithdrawnSchema = eventSchema('SybilSignalWithdrawn', { nodeId, signalId: uuidSchema, reason: slug })

export const attestationEventSchema = z.discriminatedUnion('type', [
  computationProvedSchema,
  sybilSignalRaisedSchema,
  sybilSignalWithdrawnSchema,
])

export type AttestationEvent = z.infer<typeof attestationEventSchema>
