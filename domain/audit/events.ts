import { z } from 'zod'
import { eventSchema } from '../event-schema.ts'
import { instantSchema, uuidSchema } from '../ids.ts'

/** A signed amount in minor units. */
const figure = z.string().regex(/^(0|-?[1-9]\d{0,38})$/, 'must be a figure: decimal digits, minor units')

/** What is compared: `treasury`, `deposit:<txid>:<vout>`, `withdrawal:<id>`. */
export const reconciliationSubjectSchema = z.string().regex(/^[a-z][a-z0-9:_-]{0,127}$/, 'must match ^[a-z][a-z0-9:_-]{0,127}$')

/** Ledger and chain say different things. */
export const differenceFoundSchema = eventSchema('DifferenceFound', {
  differenceId: uuidSchema,
  subject: reconciliationSubjectSchema,
  /** By the ledger; by the chain. */
  expected: figure,
  actual: figure,
  /** `actual - expected`. */
  difference: figure,
  at: instantSchema,
})

/** They agree again. */
export const differenceClosedSchema = eventSchema('DifferenceClosed', {
  differenceId: uuidSchema,
  subject: reconciliationSubjectSchema,
  at: instantSchema,
})

/** What the read models were, by their digests, when the log had come to an event: whoever folds it again compares. */
export const digestsRecordedSchema = eventSchema('DigestsRecorded', {
  /** Of the last event that is in them. */
  index: z.int().nonnegative(),
  /** By read model: the version of its fold, and SHA-256 of its canonical rows (design.md 17). */
  digests: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be a read model'),
      z.strictObject({ version: z.int().positive(), digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits') }),
    )
    .refine((digests) => Object.keys(digests).length <= 64, 'must be at most 64'),
})

export const auditEventSchema = z.discriminatedUnion('type', [differenceFoundSchema, differenceClosedSchema, digestsRecordedSchema])

export type AuditEvent = z.infer<typeof auditEventSchema>
