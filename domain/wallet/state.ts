import { uuidV5 } from '../ids.ts'
import { smaller } from '../money.ts'
import { type VersionedMap, versionedMap } from '../versioned-map.ts'
import type { CreditSource, StandingOrder, WalletEvent } from './events.ts'

/** Money that is spoken for; `status` says whether it still is. */
export interface Hold {
  readonly amount: bigint
  readonly status: 'held' | 'captured' | 'released'
}

export type WithdrawalStatus = 'review' | 'approved' | 'signed' | 'confirmed' | 'rejected' | 'cancelled' | 'failed'

export interface Withdrawal {
  readonly withdrawalId: string
  readonly status: WithdrawalStatus
  readonly amount: bigint
  readonly destination: string
  /** Amount and the most that its fee may be; what is held, then in clearing. */
  readonly reserved: bigint
  /** Signed transactions, in the order of their attempts; one of them confirms. */
  readonly attempts: readonly { readonly txid: string; readonly fee: bigint }[]
  /** The transaction that did, while the chain holds it. */
  readonly confirmedBy: string | null
  /** When it was asked for, in milliseconds since 1970, and the request before it: what velocity is judged by. */
  readonly atMs: number
  readonly previous: Withdrawal | undefined
}

/** A wallet. What was ever applied is kept for ever (design.md 10), so that nothing is applied twice. */
export interface WalletState {
  readonly walletId: string
  /** The key that speaks for it now. */
  readonly owner: string
  readonly standingOrder: StandingOrder | null
  readonly posted: bigint
  /** Of `posted`, what holds and unsigned withdrawals have spoken for. */
  readonly held: bigint
  /** Owed to the network: deposits that the chain took back after they were spent. While there is any, nothing is available. */
  readonly shortfall: bigint
  /** By the escrow that they are for. */
  readonly holds: VersionedMap<Hold>
  /** By `txid:vout`, test money by its deposit id; whether it counts now. */
  readonly deposits: VersionedMap<{ readonly amount: bigint; readonly credited: boolean }>
  /** By transfer. */
  readonly transfers: VersionedMap<{ readonly to: string; readonly amount: bigint }>
  /** By `sourceKey`. */
  readonly credits: VersionedMap<true>
  readonly withdrawals: VersionedMap<Withdrawal>
  readonly lastWithdrawal: Withdrawal | undefined
  /** Commitments to addresses that were paid before. */
  readonly destinations: VersionedMap<true>
}

export function available({ posted, held }: Pick<WalletState, 'posted' | 'held'>): bigint {
  return posted - held
}

/**
 * The id of what a command on a wallet begins: a transfer, a withdrawal, a test deposit. Command ids are the signers' choice, and somebody
 * could choose one that another wallet used before; with the wallet in it, what is keyed by such an id is keyed by nothing else.
 */
export function ownIdOf(walletId: string, commandId: string): string {
  return uuidV5(walletId, commandId)
}

export const depositKey = ({ txid, vout }: { readonly txid: string; readonly vout: number }) => `${txid}:${vout}`

/** What makes a credit the same credit. */
export function sourceKey(source: CreditSource): string {
  switch (source.kind) {
    case 'escrow':
      return `escrow:${source.escrowId}:${source.leg}`
    case 'transfer':
      return `transfer:${source.transferId}`
    case 'spending':
      return `spending:${source.proposalId}`
    case 'airdrop':
      return `airdrop:${source.campaignId}:${source.leg}:${source.nodeId}`
  }
}

/** Of what becomes available, what repays the wallet's debt. */
export function debtShare({ shortfall }: WalletState, amount: bigint): string {
  return String(smaller(shortfall, amount))
}

/** Bytes that a state takes in memory, roughly. */
export function walletBytes(state: WalletState | undefined): number {
  if (!state) return 0
  const { holds, deposits, transfers, credits, withdrawals, destinations } = state
  const entries = holds.size + deposits.size + transfers.size + credits.size + destinations.size + 4 * withdrawals.size
  return 1024 + 256 * entries
}

export function evolveWallet(state: WalletState | undefined, event: WalletEvent): WalletState | undefined {
  if (event.type === 'WalletOpened') return opened(event.data)
  return state && next(state, event)
}

function opened({ walletId, owner }: { readonly walletId: string; readonly owner: string }): WalletState {
  return {
    walletId,
    owner,
    standingOrder: null,
    posted: 0n,
    held: 0n,
    shortfall: 0n,
    holds: versionedMap(),
    deposits: versionedMap(),
    transfers: versionedMap(),
    credits: versionedMap(),
    withdrawals: versionedMap(),
    lastWithdrawal: undefined,
    destinations: versionedMap(),
  }
}

function next(state: WalletState, event: Exclude<WalletEvent, { type: 'WalletOpened' }>): WalletState {
  const { posted, held, shortfall, holds, deposits, transfers, credits } = state
  switch (event.type) {
    case 'WalletKeyChanged':
      return { ...state, owner: event.data.publicKey }
    case 'StandingOrderChanged':
      return { ...state, standingOrder: event.data.order }
    case 'TestDepositIssued':
      return { ...received(state, event.data), deposits: deposits.with(event.data.depositId, { amount: BigInt(event.data.amount), credited: true }) } // biome-ignore format: one step a line
    case 'DepositCredited':
      return { ...received(state, event.data), deposits: deposits.with(depositKey(event.data), { amount: BigInt(event.data.amount), credited: true }) } // biome-ignore format: one step a line
    case 'DepositReversed': {
      const [amount, fromShortfall] = [BigInt(event.data.amount), BigInt(event.data.fromShortfall)]
      return {
        ...state,
        posted: posted - (amount - fromShortfall),
        shortfall: shortfall + fromShortfall,
        deposits: deposits.with(depositKey(event.data), { amount, credited: false }),
      }
    }
    case 'HoldPlaced': {
      const amount = BigInt(event.data.amount)
      return { ...state, held: held + amount, holds: holds.with(event.data.holdId, { amount, status: 'held' }) }
    }
    case 'HoldCaptured': {
      const amount = BigInt(event.data.amount)
      const captured = holds.with(event.data.holdId, { amount, status: 'captured' })
      return { ...state, posted: posted - amount, held: held - amount, holds: captured }
    }
    case 'HoldReleased': {
      const amount = BigInt(event.data.amount)
      const released = holds.with(event.data.holdId, { amount, status: 'released' })
      return { ...repaid(state, event.data), held: held - amount, holds: released }
    }
    case 'TransferSent': {
      const { transferId, to } = event.data
      const amount = BigInt(event.data.amount)
      return { ...state, posted: posted - amount, transfers: transfers.with(transferId, { to, amount }) }
    }
    case 'CreditPosted':
      return { ...received(state, event.data), credits: credits.with(sourceKey(event.data.source), true) }
    case 'WithdrawalRequested': {
      const { withdrawalId, destination, review, at } = event.data
      const amount = BigInt(event.data.amount)
      const withdrawal: Withdrawal = {
        withdrawalId,
        status: review ? 'review' : 'approved',
        amount,
        destination,
        reserved: amount + BigInt(event.data.feeMax),
        attempts: [],
        confirmedBy: null,
        atMs: Date.parse(at),
        previous: state.lastWithdrawal,
      }
      return { ...changed(state, withdrawal), held: held + withdrawal.reserved, lastWithdrawal: withdrawal }
    }
    case 'WithdrawalApproved':
      return changed(state, { ...withdrawalOf(state, event.data), status: 'approved' })
    case 'WithdrawalRejected':
      return givenUp(state, event.data, 'rejected')
    case 'WithdrawalCancelled':
      return givenUp(state, event.data, 'cancelled')
    case 'WithdrawalFailed':
      return givenUp(state, event.data, 'failed')
    case 'WithdrawalSigned': {
      const { txid } = event.data
      const [fee, booked] = [BigInt(event.data.fee), BigInt(event.data.booked)]
      const withdrawal = withdrawalOf(state, event.data)
      const attempts = [...withdrawal.attempts, { txid, fee }]
      return { ...changed(state, { ...withdrawal, status: 'signed', attempts }), posted: posted - booked, held: held - booked }
    }
    case 'WithdrawalConfirmed': {
      const withdrawal = withdrawalOf(state, event.data)
      const destinations = state.destinations.with(withdrawal.destination, true)
      const { txid, feeReturned, toShortfall } = event.data
      // What is booked for it now, should the chain take it back.
      const reserved = withdrawal.reserved - BigInt(feeReturned)
      const confirmed: Withdrawal = { ...withdrawal, status: 'confirmed', confirmedBy: txid, reserved }
      return { ...changed(received(state, { amount: feeReturned, toShortfall }), confirmed), destinations }
    }
    case 'WithdrawalUnconfirmed':
      return changed(state, { ...withdrawalOf(state, event.data), status: 'signed', confirmedBy: null })
  }
}

function received(state: WalletState, data: { readonly amount: string; readonly toShortfall: string }): WalletState {
  return repaid({ ...state, posted: state.posted + BigInt(data.amount) }, data)
}

/** The wallet after part of what it has repaid its debt. */
function repaid(state: WalletState, data: { readonly toShortfall: string }): WalletState {
  const debt = BigInt(data.toShortfall)
  return { ...state, posted: state.posted - debt, shortfall: state.shortfall - debt }
}

/** The withdrawal that an event of this stream is about: one that is not there cannot have been decided. */
function withdrawalOf({ walletId, withdrawals }: WalletState, { withdrawalId }: { readonly withdrawalId: string }): Withdrawal {
  const withdrawal = withdrawals.get(withdrawalId)
  if (!withdrawal) throw new Error(`wallet ${walletId} knows no withdrawal ${withdrawalId}`)
  return withdrawal
}

function changed(state: WalletState, withdrawal: Withdrawal): WalletState {
  return { ...state, withdrawals: state.withdrawals.with(withdrawal.withdrawalId, withdrawal) }
}

function givenUp(
  state: WalletState,
  data: { readonly withdrawalId: string; readonly toShortfall: string },
  status: WithdrawalStatus,
): WalletState {
  const withdrawal = withdrawalOf(state, data)
  return { ...changed(repaid(state, data), { ...withdrawal, status }), held: state.held - withdrawal.reserved }
}
