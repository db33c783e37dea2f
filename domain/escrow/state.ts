import type { EscrowEvent, EscrowWindows } from './events.ts'

export const waitingStatuses = ['open', 'funded', 'in_progress', 'delivered', 'disputed'] as const
export const terminalStatuses = ['released', 'refunded', 'resolved', 'expired'] as const
export const escrowStatuses = [...waitingStatuses, ...terminalStatuses] as const
export type EscrowStatus = (typeof escrowStatuses)[number]

/** What an escrow owes a wallet. */
export interface Leg {
  readonly to: string
  readonly amount: bigint
}

export interface EscrowState {
  readonly escrowId: string
  readonly status: EscrowStatus
  /** Their wallets. */
  readonly client: string
  readonly provider: string
  /** What is, or is to be, locked; and of it, what was not paid out yet. */
  readonly amount: bigint
  readonly rest: bigint
  readonly fundSharePermille: number
  /** Undefined where the client is. */
  readonly verifier: string | undefined
  readonly fallbackProviderPermille: number
  readonly windows: EscrowWindows
  /** When the state ends by itself; of a terminal one, when it would have. */
  readonly dueAt: string
  readonly delivery: { readonly resultHash: string; readonly valid: boolean | undefined } | undefined
  /** Amounts granted, by the command that did. */
  readonly refunds: ReadonlyMap<string, bigint>
  readonly dispute: Dispute | undefined
  /** By name: `provider`, `refund`, `refund-<n>`. */
  readonly legs: ReadonlyMap<string, Leg>
}

export type EvidenceSide = Extract<EscrowEvent, { type: 'EvidenceAdded' }>['data']['by']

export interface Dispute {
  readonly arbiters: { readonly members: readonly string[]; readonly threshold: number }
  /** The last vote of each arbiter: what the provider should get. */
  readonly votes: ReadonlyMap<string, bigint>
  /** Pieces, by who brought them. */
  readonly evidence: Readonly<Record<EvidenceSide, number>>
}

/** Whether its money was ever spoken for; once true, true for ever. */
export function wasFunded({ status }: EscrowState): boolean {
  return status !== 'open' && status !== 'expired'
}

export function isTerminal({ status }: EscrowState): boolean {
  return terminalStatuses.some((terminal) => terminal === status)
}

export function evolveEscrow(state: EscrowState | undefined, event: EscrowEvent): EscrowState | undefined {
  if (event.type === 'EscrowOpened') return opened(event.data)
  return state && next(state, event)
}

function opened(data: Extract<EscrowEvent, { type: 'EscrowOpened' }>['data']): EscrowState {
  const { terms: _, verifier, ...rest } = data
  const amount = BigInt(data.amount)
  const empty = { delivery: undefined, refunds: new Map<string, bigint>(), dispute: undefined, legs: new Map<string, Leg>() }
  return { ...rest, ...empty, verifier, status: 'open', amount, rest: amount }
}

function next(state: EscrowState, event: Exclude<EscrowEvent, { type: 'EscrowOpened' }>): EscrowState {
  const { client, provider } = state
  switch (event.type) {
    case 'EscrowFunded':
      return { ...state, status: 'funded', dueAt: event.data.dueAt }
    case 'EscrowStarted':
      return { ...state, status: 'in_progress', dueAt: event.data.dueAt }
    case 'EscrowDelivered': {
      const { resultHash, dueAt } = event.data
      return { ...state, status: 'delivered', dueAt, delivery: { resultHash, valid: undefined } }
    }
    case 'ResultVerified':
      return { ...state, delivery: { resultHash: event.data.resultHash, valid: event.data.valid } }
    case 'EscrowReleased':
      return paid(state, 'released', [['provider', provider, event.data.providerAmount]])
    case 'EscrowPartlyRefunded': {
      const { n, refundId, amount } = event.data
      const refunded = paid(state, state.status, [[`refund-${n}`, client, amount]])
      const refunds = new Map(state.refunds).set(refundId, BigInt(amount))
      return { ...refunded, refunds, rest: state.rest - BigInt(amount) }
    }
    case 'EscrowRefunded':
      return paid(state, 'refunded', [['refund', client, event.data.amount]])
    case 'EscrowExpired':
      return { ...state, status: 'expired', rest: 0n }
    case 'EscrowDisputed': {
      const { arbiters, dueAt } = event.data
      return { ...state, status: 'disputed', dueAt, dispute: { arbiters, votes: new Map(), evidence: noEvidence } }
    }
    case 'EvidenceAdded':
      return { ...state, dispute: state.dispute && withEvidence(state.dispute, event.data.by) }
    case 'DisputeVoted': {
      const { arbiter, providerAmount } = event.data
      const votes = new Map(state.dispute?.votes).set(arbiter, BigInt(providerAmount))
      return { ...state, dispute: state.dispute && { ...state.dispute, votes } }
    }
    case 'EscrowResolved':
      return paid(state, 'resolved', [
        ['provider', provider, event.data.providerAmount],
        ['refund', client, event.data.clientAmount],
      ])
  }
}

const noEvidence = { client: 0, provider: 0, arbiter: 0 }

function withEvidence(dispute: Dispute, by: EvidenceSide): Dispute {
  return { ...dispute, evidence: { ...dispute.evidence, [by]: dispute.evidence[by] + 1 } }
}

/** The escrow after a payment: what it owes to whom, legs of nothing left out. */
function paid(
  state: EscrowState,
  status: EscrowStatus,
  legs: readonly (readonly [leg: string, to: string, amount: string])[],
): EscrowState {
  const owed = new Map(state.legs)
  for (const [leg, to, amount] of legs) if (amount !== '0') owed.set(leg, { to, amount: BigInt(amount) })
  return { ...state, status, rest: 0n, legs: owed }
}
