import { z } from 'zod'
import { reconciliationSubjectSchema } from '../domain/audit/events.ts'
import { instantSchema, uuidSchema } from '../domain/ids.ts'
import { reconciliation } from '../projections/differences.ts'
import { moneyExample } from './money-examples.ts'
import { newestPlace } from './paging.ts'
import { list } from './query-routes.ts'
import type { Route } from './route.ts'
import { positionSchema } from './schemas.ts'

const figure = z.string().regex(/^(0|-?[1-9]\d*)$/)

const differenceSchema = z
  .strictObject({
    differenceId: uuidSchema,
    subject: reconciliationSubjectSchema.describe('What was compared'),
    expected: figure.describe('By the ledger'),
    actual: figure.describe('By the chain'),
    difference: figure,
    foundAt: instantSchema,
    closedAt: instantSchema.nullable(),
    open: z.boolean(),
    changedPosition: positionSchema,
  })
  .meta({ id: 'Difference' })

export const differenceRoutes: readonly Route[] = [
  list({
    path: '/v1/differences',
    tag: 'Ledger',
    summary: 'Where ledger and chain said different things, the newest first',
    projection: reconciliation,
    filter: {
      open: z
        .enum(['true', 'false'])
        .transform((text) => text === 'true')
        .optional()
        .describe('Those that are, or are no longer'),
    },
    field: 'differences',
    item: differenceSchema,
    example: moneyExample.difference,
    place: newestPlace,
    read: ({ reads }, { filter, ...page }) => reads.listDifferences({ ...filter, ...page }),
  }),
]
