// What the settlement process has to do (design.md 12 and 13). A row is an open item: its cause opens it, its effect deletes it.
import type { EscrowStatus, waitingStatuses } from '../domain/escrow/state.ts'
import type { CreditSource } from '../domain/wallet/events.ts'
import { sourceKey } from '../domain/wallet/state.ts'
import { keyed, type LogFact, type Projection, type RowOf } from './projection.ts'

const escrowColumns = {
  escrowId: 'text',
  /** The client's wallet. */
  client: 'text',
  /** What it waits in; or `expired`, when its hold came too late. */
  status: 'text',
  dueAt: 'instant?',
  /** Since when the client's wallet holds its money; null before, and once the money is in the escrow. */
  heldAt: 'instant?',
  /** What comes next: `fund`, `capture` or `release` the hold at once; `pass_deadline` when it is `at`. */
  step: 'text',
  at: 'instant',
} as const

export type PendingEscrowRow = RowOf<typeof escrowColumns>

export type HoldStep = 'fund' | 'capture' | 'release'
type Status = (typeof waitingStatuses)[number] | (EscrowStatus & 'expired')

/** Escrows that are not over, and holds that came when theirs was. */
const pendingEscrows = keyed({
  columns: escrowColumns,
  key: 'escrowId',
  indexes: [['step', 'at']],
  keys: escrowsOf,
  evolve(row, fact, escrowId) {
    switch (fact.type) {
      case 'EscrowOpened':
        return planned({ escrowId, client: fact.data.client, status: 'open', dueAt: fact.data.dueAt, heldAt: null })
      case 'HoldPlaced': {
        // An escrow has one hold in its life: where it left no row, it had expired without.
        const { walletId: client } = fact.data
        const pending = row ?? { escrowId, client, status: 'expired' satisfies Status, dueAt: null }
        return planned({ ...pending, heldAt: fact.metadata.recordedAt })
      }
      case 'HoldCaptured':
        return row && planned({ ...row, heldAt: null })
      case 'EscrowFunded':
        return moved(row, 'funded', fact.data.dueAt)
      case 'EscrowStarted':
        return moved(row, 'in_progress', fact.data.dueAt)
      case 'EscrowDelivered':
        return moved(row, 'delivered', fact.data.dueAt)
      case 'EscrowDisputed':
        return moved(row, 'disputed', fact.data.dueAt)
      case 'EscrowExpired':
        return row?.heldAt ? moved(row, 'expired', null) : null
      default:
        // Whatever pays an escrow out came when its money was in it: nothing is left to do.
        return null
    }
  },
})

/** The escrows that an event is a step of; none for most. */
function escrowsOf({ type, data }: LogFact): readonly string[] {
  switch (type) {
    case 'HoldPlaced':
    case 'HoldCaptured':
    case 'HoldReleased':
      return [data.holdId]
    case 'EscrowOpened':
    case 'EscrowFunded':
    case 'EscrowStarted':
    case 'EscrowDelivered':
    case 'EscrowDisputed':
    case 'EscrowReleased':
    case 'EscrowRefunded':
    case 'EscrowResolved':
    case 'EscrowExpired':
      return [data.escrowId]
    default:
      return []
  }
}

function moved(row: PendingEscrowRow | null, status: Status, dueAt: string | null): PendingEscrowRow | null {
  return row && planned({ ...row, status, dueAt })
}

/** An escrow with what comes next: as long as its money is on the way, no time runs out. */
function planned(escrow: Omit<PendingEscrowRow, 'step' | 'at'>): PendingEscrowRow {
  const { status, heldAt, dueAt } = escrow
  if (heldAt === null) return { ...escrow, step: 'pass_deadline', at: dueAt! }
  const step: HoldStep = status === 'open' ? 'fund' : status === 'expired' ? 'release' : 'capture'
  return { ...escrow, step, at: heldAt }
}

const creditColumns = {
  /** What makes it the same credit: `sourceKey`. */
  credit: 'text',
  source: 'json',
  /** The wallet that is to have it. */
  walletId: 'text',
  owedAt: 'instant',
} as const

export type OwedCreditRow = RowOf<typeof creditColumns>

/** Money that left one account and has not come into a wallet yet. */
const owedCredits = keyed({
  columns: creditColumns,
  key: 'credit',
  indexes: [['owedAt']],
  keys: (fact) =>
    fact.type === 'CreditPosted' ? [sourceKey(fact.data.source)] : debtsOf(fact).map(({ source }) => sourceKey(source)),
  evolve(_row, fact, credit) {
    const debt = debtsOf(fact).find(({ source }) => sourceKey(source) === credit)
    return debt ? { credit, source: { ...debt.source }, walletId: debt.to, owedAt: fact.metadata.recordedAt } : null
  },
})

interface Debt {
  readonly source: CreditSource
  readonly to: string
}

/** What an event owes to wallets; nothing for most. */
function debtsOf({ type, data }: LogFact): readonly Debt[] {
  switch (type) {
    case 'EscrowReleased':
      return legsOf(data.escrowId, [['provider', data.provider, data.providerAmount]])
    case 'EscrowPartlyRefunded':
      return legsOf(data.escrowId, [[`refund-${data.n}`, data.client, data.amount]])
    case 'EscrowRefunded':
      return legsOf(data.escrowId, [['refund', data.client, data.amount]])
    case 'EscrowResolved':
      return legsOf(data.escrowId, [
        ['provider', data.provider, data.providerAmount],
        ['refund', data.client, data.clientAmount],
      ])
    case 'TransferSent':
      return [{ source: { kind: 'transfer', transferId: data.transferId, from: data.walletId }, to: data.to }]
    case 'SpendingExecuted':
      return [{ source: { kind: 'spending', proposalId: data.proposalId }, to: data.to }]
    default:
      return []
  }
}

/** A leg of 0 does not exist. */
function legsOf(escrowId: string, legs: readonly (readonly [leg: string, to: string, amount: string])[]): readonly Debt[] {
  return legs.flatMap(([leg, to, amount]) => (amount === '0' ? [] : [{ source: { kind: 'escrow', escrowId, leg }, to }]))
}

export const settlement = { name: 'settlement', version: 1, tables: { pendingEscrows, owedCredits } } satisfies Projection
