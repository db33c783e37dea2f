import { z } from 'zod'
import { commitmentSchema } from '../domain/commitment.ts'
import { resultHashSchema, windowsSchema } from '../domain/escrow/events.ts'
import { escrowStatuses } from '../domain/escrow/state.ts'
import { instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema, shareSchema } from '../domain/money.ts'
import { quorumSchema } from '../domain/network/events.ts'
import { escrowSummary } from '../projections/escrow-summary.ts'
import { eventLog } from '../projections/event-log.ts'
import { eventText } from './cloud-event.ts'
import type { Deps } from './deps.ts'
import { disputeBundleRoute } from './dispute-bundle.ts'
import { explainRoute } from './escrow-explain.ts'
import { eventSchema } from './events.ts'
import { example } from './examples.ts'
import { moneyExample } from './money-examples.ts'
import { newestPlace, numberPlace } from './paging.ts'
import { ApiProblem } from './problem.ts'
import { detail, list } from './query-routes.ts'
import { positionOf, readAt } from './reading.ts'
import type { Route } from './route.ts'
import { positionSchema } from './schemas.ts'

const tag = 'Escrows'
const id = z.strictObject({ id: uuidSchema })

export const escrowSchema = z
  .strictObject({
    escrowId: uuidSchema,
    client: uuidSchema.describe('The wallet that pays'),
    provider: uuidSchema.describe('The wallet that is paid'),
    amount: amountSchema,
    status: z.enum(escrowStatuses),
    dueAt: instantSchema.nullable().describe('When the status ends by itself; null once it is for ever'),
    reason: z.string().nullable().describe('Why it was refunded or expired, or by what it was resolved'),
    fundSharePermille: shareSchema.describe("The community fund's, of what goes to the provider"),
    terms: commitmentSchema.describe('Commits to what was agreed'),
    verifier: publicKeySchema.nullable().describe('Who judges the result; null where the client does'),
    fallbackProviderPermille: shareSchema,
    windows: windowsSchema.describe('How long each status may wait, in seconds'),
    heldAt: instantSchema.nullable().describe("When the client's wallet put the money aside"),
    capturedAt: instantSchema.nullable().describe('When it moved into the escrow'),
    resultHash: resultHashSchema.nullable(),
    resultValid: z.boolean().nullable().describe('Null until somebody judged the result'),
    dispute: z
      .strictObject({
        by: z.enum(['client', 'provider', 'deadline']),
        reason: commitmentSchema.nullable(),
        arbiters: quorumSchema,
        votes: z.record(publicKeySchema, amountSchema).describe('What each arbiter would give the provider'),
        evidence: z.array(
          z.strictObject({
            by: z.enum(['client', 'provider', 'arbiter']),
            key: publicKeySchema,
            evidence: commitmentSchema,
          }),
        ),
      })
      .nullable(),
    providerAmount: amountSchema.describe('Fixed for the provider, net'),
    fundAmount: amountSchema.describe('Fixed for the community fund'),
    refundedAmount: amountSchema.describe('All that goes back to the client'),
    credited: z.record(z.string(), amountSchema).describe('Of these, by leg, what has come into a wallet'),
    openedAt: instantSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Escrow' })

/** Throws `EscrowUnknown` where nobody opened it. */
async function checkEscrow(deps: Deps, { id }: { readonly id: string }, after: bigint | undefined): Promise<void> {
  const found = await readAt(deps, escrowSummary, after, () => deps.reads.findEscrow(id))
  if (!found.value) throw new ApiProblem('EscrowUnknown', { escrowId: id }, positionOf(found))
}

export const escrowRoutes: readonly Route[] = [
  detail({
    path: '/v1/escrows/:id',
    tag,
    summary: 'An escrow: what was agreed, where it stands, what was paid to whom',
    projection: escrowSummary,
    params: id,
    schema: escrowSchema,
    example: moneyExample.escrow,
    unknown: { code: 'EscrowUnknown', details: ({ id }) => ({ escrowId: id }) },
    read: (reads, { id }) => reads.findEscrow(id),
    past: ({ id }) => ({ table: escrowSummary.tables.escrows, key: id, subject: `escrow:${id}` }),
  }),
  list({
    path: '/v1/escrows',
    tag,
    summary: 'Escrows, the newest first',
    projection: escrowSummary,
    filter: {
      wallet: uuidSchema.optional().describe('Those of this wallet, on either side'),
      status: z.enum(escrowStatuses).optional(),
    },
    field: 'escrows',
    item: escrowSchema,
    example: moneyExample.escrow,
    place: newestPlace,
    read: ({ reads }, { filter, ...page }) => reads.listEscrows({ ...filter, ...page }),
  }),
  list({
    path: '/v1/escrows/:id/events',
    tag,
    summary: 'All events about an escrow, raw, signatures included',
    description: 'Its own and what its wallets did for it, in the order of the log.',
    projection: eventLog,
    params: id,
    filter: {},
    field: 'events',
    item: eventSchema,
    example: example.event,
    place: numberPlace,
    isHistory: true,
    problems: ['EscrowUnknown'],
    read: ({ reads }, { params: { id }, ...paging }) => reads.subjectEvents(`escrow:${id}`, paging),
    check: checkEscrow,
    text: eventText,
  }),
  explainRoute,
  disputeBundleRoute,
]
