// The double-entry book of every movement of money. An event is booked as a whole, and what it books sums to zero, so the whole ledger does
// after every event. Amounts are credits to the account when positive; only `outside:`, `shortfall:` and `losses:` accounts fall below zero.
import type { DomainEvent } from './catalogue.ts'
import type { CreditSource } from './wallet/events.ts'
import { sourceKey } from './wallet/state.ts'

/** Money on its way: each has items, and is zero when none is open. */
export const clearingAccounts = [
  'clearing:escrows',
  'clearing:fund',
  'clearing:spending',
  'clearing:transfers',
  'clearing:withdrawals',
  'clearing:airdrops',
  'clearing:returns',
] as const
export type ClearingAccount = (typeof clearingAccounts)[number]

export type Account =
  | `wallet:${string}`
  | `escrow:${string}`
  | `shortfall:${string}`
  | `airdrop:${string}`
  | 'fund'
  | 'fees:chain'
  | 'losses:chain'
  | 'outside:chain'
  | 'outside:test'
  | ClearingAccount

export interface Posting {
  readonly account: Account
  /** In minor units, never 0. */
  readonly amount: bigint
  /** On a clearing account: what is on its way; a credit opens it, debits of as much close it. A sweep closes all of its range and names none. */
  readonly item?: string
}

/** Whether an account may be below zero: what is outside is what came in, a shortfall is owed to the network, a loss is the network's. */
export function mayBeNegative(account: string): boolean {
  return /^(outside|shortfall|losses):/.test(account)
}

/** What an event books; nothing for most. */
export function postingsOf(event: DomainEvent): readonly Posting[] {
  switch (event.type) {
    case 'TestDepositIssued':
      return [posting('outside:test', -BigInt(event.data.amount)), ...intoWallet(event.data)]
    case 'DepositCredited':
      return [posting('outside:chain', -BigInt(event.data.amount)), ...intoWallet(event.data)]
    case 'DepositReversed': {
      const { walletId } = event.data
      const [amount, owed] = [BigInt(event.data.amount), BigInt(event.data.fromShortfall)]
      return booked([
        posting(`wallet:${walletId}`, owed - amount),
        posting(`shortfall:${walletId}`, -owed),
        posting('outside:chain', amount),
      ])
    }
    case 'HoldCaptured': {
      const { walletId, holdId } = event.data
      const amount = BigInt(event.data.amount)
      return [posting(`wallet:${walletId}`, -amount), posting(`escrow:${holdId}`, amount)]
    }
    case 'HoldReleased':
    case 'WithdrawalRejected':
    case 'WithdrawalCancelled':
    case 'WithdrawalFailed':
      // Money that was only spoken for has not moved, but for what repays the wallet's debt.
      return intoWallet({ ...event.data, amount: '0' })
    case 'TransferSent': {
      const { walletId, transferId } = event.data
      const amount = BigInt(event.data.amount)
      return [posting(`wallet:${walletId}`, -amount), posting('clearing:transfers', amount, `transfer:${transferId}`)]
    }
    case 'CreditPosted': {
      const { source, amount } = event.data
      return [posting(clearingOf[source.kind], -BigInt(amount), sourceKey(source)), ...intoWallet(event.data)]
    }
    case 'EscrowReleased':
      return fromEscrow(event.data.escrowId, { provider: event.data.providerAmount }, event.data.fundAmount)
    case 'EscrowPartlyRefunded':
      return fromEscrow(event.data.escrowId, { [`refund-${event.data.n}`]: event.data.amount })
    case 'EscrowRefunded':
      return fromEscrow(event.data.escrowId, { refund: event.data.amount })
    case 'EscrowResolved':
      return fromEscrow(
        event.data.escrowId,
        { provider: event.data.providerAmount, refund: event.data.clientAmount },
        event.data.fundAmount,
      )
    case 'ContributionsSwept':
      return booked([posting('clearing:fund', -BigInt(event.data.amount)), posting('fund', BigInt(event.data.amount))])
    case 'SpendingExecuted.v2': {
      const amount = BigInt(event.data.amount)
      return [posting('fund', -amount), posting('clearing:spending', amount, `spending:${event.data.proposalId}`)]
    }
    case 'SpendingReturned': {
      const amount = BigInt(event.data.amount)
      return [posting('clearing:returns', -amount, returnOf(event.data)), posting('fund', amount)]
    }
    case 'CampaignFunded': {
      const amount = BigInt(event.data.amount)
      return [
        posting('clearing:spending', -amount, `spending:${event.data.proposalId}`),
        posting(`airdrop:${event.data.campaignId}`, amount),
      ]
    }
    case 'FundingReturned': {
      const amount = BigInt(event.data.amount)
      return [
        posting('clearing:spending', -amount, `spending:${event.data.proposalId}`),
        posting('clearing:returns', amount, returnOf(event.data)),
      ]
    }
    case 'PayoutsReleased': {
      const { campaignId, payouts } = event.data
      const paid = payouts.map(({ nodeId, leg, amount }) =>
        posting('clearing:airdrops', BigInt(amount), sourceKey({ kind: 'airdrop', campaignId, nodeId, leg })),
      )
      return [posting(`airdrop:${campaignId}`, -paid.reduce((sum, { amount }) => sum + amount, 0n)), ...paid]
    }
    case 'CampaignSettled': {
      const { campaignId } = event.data
      const returned = BigInt(event.data.returned)
      return booked([posting(`airdrop:${campaignId}`, -returned), posting('clearing:returns', returned, returnOf(event.data))])
    }
    case 'WithdrawalSigned': {
      const { walletId, withdrawalId } = event.data
      const amount = BigInt(event.data.booked)
      return booked([posting(`wallet:${walletId}`, -amount), posting('clearing:withdrawals', amount, itemOf(withdrawalId))])
    }
    case 'WithdrawalConfirmed': {
      const { walletId, withdrawalId } = event.data
      const [returned, paid] = [BigInt(event.data.feeReturned), settled(event.data)]
      return [
        posting('clearing:withdrawals', -paid.booked - returned, itemOf(withdrawalId)),
        ...booked(paid.postings),
        ...intoWallet({ walletId, amount: event.data.feeReturned, toShortfall: event.data.toShortfall }),
      ]
    }
    case 'WithdrawalUnconfirmed': {
      const paid = settled(event.data)
      const back = paid.postings.map(({ account, amount }) => posting(account, -amount))
      return booked([...back, posting('clearing:withdrawals', paid.booked, itemOf(event.data.withdrawalId))])
    }
    case 'NetworkFounded':
    case 'ServiceKeyChanged':
    case 'QuorumChanged':
    case 'NodeRegistered':
    case 'NodeUpdated':
    case 'NodeKeyChanged':
    case 'NodeDeregistered':
    case 'HeartbeatRecorded':
    case 'NodeHealthChanged':
    case 'ReputationChanged':
    case 'WalletOpened':
    case 'WalletKeyChanged':
    case 'StandingOrderChanged':
    case 'HoldPlaced':
    case 'WithdrawalRequested':
    case 'WithdrawalApproved':
    case 'EscrowOpened':
    case 'EscrowFunded':
    case 'EscrowStarted':
    case 'EscrowDelivered':
    case 'ResultVerified':
    case 'EscrowExpired':
    case 'EscrowDisputed':
    case 'EvidenceAdded':
    case 'DisputeVoted':
    case 'SpendingProposed.v2':
    case 'SpendingApproved':
    case 'ProposalWithdrawn':
    case 'DifferenceFound':
    case 'DifferenceClosed':
    case 'DigestsRecorded':
    case 'ComputationProved':
    case 'SybilSignalRaised':
    case 'SybilSignalWithdrawn':
    case 'CampaignAnnounced':
    case 'CampaignCancelled':
    case 'WindowClosed':
    case 'AllotmentsListed':
    case 'AllotmentsPublished':
    case 'AllotmentClaimed':
    case 'AppealFiled':
    case 'AppealVoted':
    case 'AppealAnswered':
      return []
  }
}

/** Where a credit rests between the event that owes it and the one that pays it. */
const clearingOf: Readonly<Record<CreditSource['kind'], ClearingAccount>> = {
  escrow: 'clearing:escrows',
  transfer: 'clearing:transfers',
  spending: 'clearing:spending',
  airdrop: 'clearing:airdrops',
}

/** A leg of 0 does not exist. */
function fromEscrow(escrowId: string, legs: Readonly<Record<string, string>>, contribution = '0'): readonly Posting[] {
  const fund = BigInt(contribution)
  const paid = Object.entries(legs).map(([leg, amount]) =>
    posting('clearing:escrows', BigInt(amount), sourceKey({ kind: 'escrow', escrowId, leg })),
  )
  const sum = paid.reduce((sum, { amount }) => sum + amount, fund)
  return booked([posting(`escrow:${escrowId}`, -sum), ...paid, posting('clearing:fund', fund, `contribution:${escrowId}`)])
}

function intoWallet(data: {
  readonly walletId: string
  readonly amount: string
  readonly toShortfall: string
}): readonly Posting[] {
  const debt = BigInt(data.toShortfall)
  return booked([posting(`wallet:${data.walletId}`, BigInt(data.amount) - debt), posting(`shortfall:${data.walletId}`, debt)])
}

/** What a confirmed withdrawal costs: the amount left, the miners got the fee, and what was not booked for it is the network's loss. */
function settled(data: { readonly amount: string; readonly fee: string; readonly feeBorne: string }) {
  const [amount, fee, borne] = [BigInt(data.amount), BigInt(data.fee), BigInt(data.feeBorne)]
  const postings = [posting('outside:chain', amount), posting('fees:chain', fee), posting('losses:chain', -borne)]
  return { booked: amount + fee - borne, postings }
}

const returnOf = ({ proposalId }: { readonly proposalId: string }) => `return:${proposalId}`

const itemOf = (withdrawalId: string) => `withdrawal:${withdrawalId}`

function posting(account: Account, amount: bigint, item?: string): Posting {
  return item === undefined ? { account, amount } : { account, amount, item }
}

function booked(postings: readonly Posting[]): readonly Posting[] {
  return postings.filter(({ amount }) => amount !== 0n)
}
