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

export const auditEventSchema = z.discriminatedUnion('type', [differenceFoundSchema, differenceClosedSchema])

export type AuditEvent = z.infer<typeof auditEventSchema>
