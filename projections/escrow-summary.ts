import type { Json } from '../domain/canonical.ts'
import type { EscrowEvent } from '../domain/escrow/events.ts'
import type { EscrowStatus } from '../domain/escrow/state.ts'
import { keyed, type LogFact, type Projection, type RowOf } from './projection.ts'

const columns = {
  escrowId: 'text',
  /** The wallets of either side. */
  client: 'text',
  provider: 'text',
  amount: 'amount',
  /** `open`, `funded`, `in_progress`, `delivered`, `disputed`, `released`, `refunded`, `resolved` or `expired`. */
  status: 'text',
  /** When the status ends by itself; null once it is for ever. */
  dueAt: 'instant?',
  /** Why it was refunded or expired, or by what it was resolved. */
  reason: 'text?',
  fundSharePermille: 'integer',
  terms: 'text',
  /** Null where the client judges the result itself. */
  verifier: 'text?',
  fallbackProviderPermille: 'integer',
  windows: 'json',
  /** When the client's wallet spoke for the money, and when it moved into the escrow. */
  heldAt: 'instant?',
  capturedAt: 'instant?',
  resultHash: 'text?',
  /** Null until somebody judged the result. */
  resultValid: 'boolean?',
  /** {by, reason, arbiters, votes: {key: amount}, evidence}; null where there was none. */
  dispute: 'json?',
  /** What was fixed for each: the provider net, the community fund, and all that goes back to the client. */
  providerAmount: 'amount',
  fundAmount: 'amount',
  refundedAmount: 'amount',
  /** By leg: what has come into a wallet of it, in decimal text. */
  credited: 'json',
  openedAt: 'instant',
  changedAt: 'instant',
  changedPosition: 'position',
} as const

export type EscrowRow = RowOf<typeof columns>

/** Every escrow: what was agreed, where it stands, what was paid to whom. */
const escrows = keyed({
  columns,
  key: 'escrowId',
  indexes: [
    ['client', 'openedAt', 'escrowId'],
    ['provider', 'openedAt', 'escrowId'],
    ['status', 'openedAt', 'escrowId'],
    ['openedAt', 'escrowId'],
  ],
  keys: escrowsOf,
  evolve(row, fact) {
    if (fact.type === 'EscrowOpened') return opened(fact)
    const changed = row && next(row, fact)
    return changed && changed !== row
      ? { ...changed, changedAt: fact.metadata.recordedAt, changedPosition: fact.position }
      : changed
  },
})

function escrowsOf({ type, data }: LogFact): readonly string[] {
  if ('escrowId' in data) return [data.escrowId]
  if (type === 'HoldPlaced' || type === 'HoldCaptured' || type === 'HoldReleased') return [data.holdId]
  return type === 'CreditPosted' && data.source.kind === 'escrow' ? [data.source.escrowId] : []
}

function opened({ data, metadata, position }: Extract<LogFact, { type: 'EscrowOpened' }>): EscrowRow {
  const { amount, verifier = null, ...agreed } = data
  return {
    ...agreed,
    amount: BigInt(amount),
    verifier,
    status: 'open' satisfies EscrowStatus,
    reason: null,
    heldAt: null,
    capturedAt: null,
    resultHash: null,
    resultValid: null,
    dispute: null,
    providerAmount: 0n,
    fundAmount: 0n,
    refundedAmount: 0n,
    credited: {},
    openedAt: metadata.recordedAt,
    changedAt: metadata.recordedAt,
    changedPosition: position,
  }
}

type EscrowFact = Exclude<EscrowEvent, { type: 'EscrowOpened' }>['type']

function next(row: EscrowRow, fact: LogFact): EscrowRow {
  switch (fact.type) {
    case 'HoldPlaced':
      return { ...row, heldAt: fact.metadata.recordedAt }
    case 'HoldCaptured':
      return { ...row, capturedAt: fact.metadata.recordedAt }
    case 'HoldReleased':
      return { ...row, heldAt: null }
    case 'CreditPosted': {
      const { source, amount } = fact.data
      return source.kind === 'escrow' ? { ...row, credited: { ...row.credited, [source.leg]: amount } } : row
    }
    default:
      return 'escrowId' in fact.data ? step(row, fact as Extract<LogFact, { type: EscrowFact }>) : row
  }
}

function step(row: EscrowRow, { type, data }: Extract<LogFact, { type: EscrowFact }>): EscrowRow {
  switch (type) {
    case 'EscrowFunded':
      return { ...row, ...waiting('funded', data.dueAt) }
    case 'EscrowStarted':
      return { ...row, ...waiting('in_progress', data.dueAt) }
    case 'EscrowDelivered':
      return { ...row, ...waiting('delivered', data.dueAt), resultHash: data.resultHash, resultValid: null }
    case 'ResultVerified':
      return { ...row, resultValid: data.valid }
    case 'EscrowReleased':
      return { ...row, ...over('released', null), ...paid(row, data.providerAmount, data.fundAmount, '0') }
    case 'EscrowPartlyRefunded':
      return { ...row, refundedAmount: row.refundedAmount + BigInt(data.amount) }
    case 'EscrowRefunded':
      return { ...row, ...over('refunded', data.reason), ...paid(row, '0', '0', data.amount) }
    case 'EscrowExpired':
      return { ...row, ...over('expired', data.reason) }
    case 'EscrowDisputed': {
      const { by, reason = null, arbiters, dueAt } = data
      return { ...row, ...waiting('disputed', dueAt), dispute: { by, reason, arbiters, votes: {}, evidence: [] } }
    }
    case 'EvidenceAdded': {
      const { by, key, evidence } = data
      const before = (row.dispute?.evidence ?? []) as readonly Json[]
      return { ...row, dispute: { ...row.dispute, evidence: [...before, { by, key, evidence }] } }
    }
    case 'DisputeVoted': {
      const votes = row.dispute?.votes as { readonly [key: string]: Json } | undefined
      return { ...row, dispute: { ...row.dispute, votes: { ...votes, [data.arbiter]: data.providerAmount } } }
    }
    case 'EscrowResolved':
      return { ...row, ...over('resolved', data.by), ...paid(row, data.providerAmount, data.fundAmount, data.clientAmount) }
  }
}

function waiting(status: EscrowStatus, dueAt: string) {
  return { status, dueAt }
}

function over(status: EscrowStatus, reason: string | null) {
  return { status, reason, dueAt: null }
}

function paid({ refundedAmount }: EscrowRow, provider: string, fund: string, refunded: string) {
  return {
    providerAmount: BigInt(provider),
    fundAmount: BigInt(fund),
    refundedAmount: refundedAmount + BigInt(refunded),
  }
}

export const escrowSummary = { name: 'escrow-summary', version: 1, tables: { escrows } } satisfies Projection
