import { z } from 'zod'
import { type EscrowStatus, escrowStatuses } from '../domain/escrow/state.ts'
import { instantSchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { type EscrowRow, escrowSummary } from '../projections/escrow-summary.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { sentenceOf } from './escrow-story.ts'
import { explained, explanationSchema } from './explain.ts'
import { moneyExample } from './money-examples.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { factOf, subjectEvents } from './subject-events.ts'

const valueSchema = z.strictObject({
  escrowId: uuidSchema,
  status: z.enum(escrowStatuses),
  waitsFor: z
    .array(
      z.strictObject({
        who: z.enum(['client', 'provider', 'verifier', 'arbiters', 'network']).describe('`network`: it happens by itself'),
        does: z.string().describe('The command that would take it on'),
      }),
    )
    .describe('Who can take it on; empty once it is over and paid'),
  until: instantSchema.nullable(),
  otherwise: z.string().nullable().describe('What happens when nobody does anything until then'),
})

const paymentSchema = z.strictObject({
  to: z.enum(['provider', 'client', 'fund']),
  amount: amountSchema,
  arrived: amountSchema.nullable().describe('Of it, what has come into the wallet; null for the fund, which sweeps by the range'),
})

/** Why somebody was, or was not, paid. */
export const explainRoute: Route = route({
  method: 'GET',
  path: '/v1/escrows/:id/explain',
  tag: 'Escrows',
  summary: 'Why an escrow was paid, or was not yet: what happened, what it waits for, until when, and what happens then',
  params: z.strictObject({ id: uuidSchema }),
  query: z.strictObject(afterParameter),
  successes: {
    200: {
      description: 'The explanation',
      schema: explanationSchema('EscrowExplanation', valueSchema, paymentSchema),
      example: moneyExample.escrowExplanation,
      headers: readHeaders,
    },
  },
  problems: ['EscrowUnknown', ...readProblems],
  lane: 'query',
  async handle({ params: { id }, query: { after } }, deps) {
    const found = await readAt(deps, escrowSummary, after, () => deps.reads.findEscrow(id))
    if (!found.value) throw new ApiProblem('EscrowUnknown', { escrowId: id }, positionOf(found))
    // The story may know more by now, never less.
    const { value: all } = await subjectEvents(deps, `escrow:${id}`, { after: found.position })
    const events = all.filter(({ position }) => position <= found.position)
    const { payments: contributions, ...now } = explain(found.value)
    const { policyVersion } = factOf(events[0]!).metadata
    const value = { escrowId: id, ...now }
    const textOf = (view: EventView) => sentenceOf(factOf(view))
    return explained(found, { subject: `escrow:${id}`, value, contributions, policyVersion, events, textOf }, deps)
  },
})

/** What an escrow waits for, until when, and what happens then. */
export function explain(escrow: EscrowRow) {
  const { dueAt } = escrow
  const status = escrow.status as EscrowStatus
  const [waitsFor, otherwise] = waiting(escrow, status)
  return { status, waitsFor, until: dueAt, otherwise, payments: paymentsOf(escrow) }
}

type Waiting = readonly [waitsFor: readonly { readonly who: string; readonly does: string }[], otherwise: string | null]

function waiting(escrow: EscrowRow, status: EscrowStatus): Waiting {
  switch (status) {
    case 'open': {
      const otherwise = 'It expires. Nothing was locked, and money put aside too late is released.'
      return [[escrow.heldAt === null ? by('client', 'PlaceHold') : by('network', 'RecordFunding')], otherwise]
    }
    case 'funded': {
      const otherwise = 'All of it goes back to the client: the work was not begun in time.'
      if (escrow.capturedAt === null) return [[by('network', 'CaptureHold')], otherwise]
      return [[by('provider', 'StartEscrow'), by('provider', 'DeclineEscrow'), by('client', 'CancelEscrow')], otherwise]
    }
    case 'in_progress':
      return [[by('provider', 'DeliverResult')], 'All of it goes back to the client: nothing was delivered in time.']
    case 'delivered':
      return delivered(escrow)
    case 'disputed':
      return [[by('arbiters', 'VoteOnDispute')], fallback(escrow)]
    case 'released':
    case 'refunded':
    case 'resolved':
      return [isSettled(escrow) ? [] : [by('network', 'PostCredit')], null]
    case 'expired':
      return [escrow.heldAt === null ? [] : [by('network', 'ReleaseHold')], null]
  }
}

function delivered(escrow: EscrowRow): Waiting {
  const { resultValid, verifier } = escrow
  const dispute = [by('client', 'OpenDispute'), by('provider', 'OpenDispute')]
  if (resultValid === false)
    return [dispute, 'All of it goes back to the client: the result was found wrong, and nobody disputed that.']
  if (resultValid || verifier === null)
    return [
      [by('client', 'ReleaseEscrow'), ...dispute],
      'The provider is paid: silence of a client who could have looked is acceptance.',
    ]
  return [
    [by('verifier', 'VerifyResult'), ...dispute],
    `Where the network has arbiters, a dispute is opened; where it has none: ${fallback(escrow)}`,
  ]
}

function fallback({ amount, refundedAmount, fallbackProviderPermille }: EscrowRow): string {
  const rest = amount - refundedAmount
  const gross = (rest * BigInt(fallbackProviderPermille)) / 1000n
  return `As was agreed for this case, ${gross} go to the provider, less the community fund's share, and ${rest - gross} to the client.`
}

const by = (who: string, does: string) => ({ who, does })

function arrivedOf({ credited }: EscrowRow, isLeg: (leg: string) => boolean): bigint {
  return Object.entries(credited as Readonly<Record<string, string>>).reduce(
    (sum, [leg, amount]) => (isLeg(leg) ? sum + BigInt(amount) : sum),
    0n,
  )
}

function paymentsOf(escrow: EscrowRow) {
  const { providerAmount, fundAmount, refundedAmount } = escrow
  const payments = [
    { to: 'provider', amount: providerAmount, arrived: arrivedOf(escrow, (leg) => leg === 'provider') },
    { to: 'client', amount: refundedAmount, arrived: arrivedOf(escrow, (leg) => leg !== 'provider') },
    { to: 'fund', amount: fundAmount, arrived: null },
  ]
  return payments.filter(({ amount }) => amount > 0n)
}

function isSettled(escrow: EscrowRow): boolean {
  return paymentsOf(escrow).every(({ amount, arrived }) => arrived === null || arrived === amount)
}
