import type { z } from 'zod'
import { eventSchema } from '../event-schema.ts'
import { uuidSchema } from '../ids.ts'
import { type FundEvent, spendingExecutedSchema, spendingProposedSchema } from './events.ts'

// What the log holds of the fund's earlier event types, when only wallets were paid.

export const spendingProposedV1Schema = eventSchema('SpendingProposed', {
  ...spendingProposedSchema.shape.data.shape,
  /** The wallet. */
  to: uuidSchema,
})

export const spendingExecutedV1Schema = eventSchema('SpendingExecuted', {
  ...spendingExecutedSchema.shape.data.shape,
  to: uuidSchema,
})

export function spendingProposedV2({ data }: z.infer<typeof spendingProposedV1Schema>): FundEvent {
  return { type: 'SpendingProposed.v2', data: { ...data, to: { kind: 'wallet', id: data.to } } }
}

export function spendingExecutedV2({ data }: z.infer<typeof spendingExecutedV1Schema>): FundEvent {
  return { type: 'SpendingExecuted.v2', data: { ...data, to: { kind: 'wallet', id: data.to } } }
}
