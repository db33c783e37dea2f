// Money that leaves over the chain. Signed first, then recorded, then broadcast: what a lost reply leaves in the dark is settled by
// sending the same bytes again, never by a second payment.
import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import { DomainError, malformed } from '../errors.ts'
import { uuidSchema } from '../ids.ts'
import { amountSchema, commandAmountSchema, smaller } from '../money.ts'
import { requireService } from '../network/offices.ts'
import type { MoneyPolicy } from '../network/policy.ts'
import {
  type CreditSource,
  type Signal,
  standingOrderChangedSchema,
  type WalletEvent,
  withdrawalConfirmedSchema,
  withdrawalFailedSchema,
  withdrawalSignedSchema,
  withdrawalUnconfirmedSchema,
} from './events.ts'
import { requireAvailable, requireNoDebt, requireOwner, requireSame } from './require.ts'
import { available, debtShare, ownIdOf, sourceKey, type WalletState, type Withdrawal, type WithdrawalStatus } from './state.ts'

export const requestWithdrawalData = z.strictObject({
  amount: commandAmountSchema,
  feeMax: amountSchema.describe('The most that the chain may cost; what is not needed comes back'),
  destination: commitmentSchema.describe('Commits to the address, which is handed in by `POST /v1/disclosures` before'),
})
export const changeStandingOrderData = standingOrderChangedSchema.shape.data.pick({ order: true })
export const reviewWithdrawalData = z.strictObject({ withdrawalId: uuidSchema, approve: z.boolean() })
export const cancelWithdrawalData = z.strictObject({ withdrawalId: uuidSchema })
export const failWithdrawalData = withdrawalFailedSchema.shape.data.omit({ walletId: true, toShortfall: true })
export const recordWithdrawalTransactionData = withdrawalSignedSchema.shape.data.omit({ walletId: true, booked: true })
export const confirmWithdrawalData = withdrawalConfirmedSchema.shape.data.pick({
  withdrawalId: true,
  txid: true,
  blockHash: true,
  height: true,
})
export const unconfirmWithdrawalData = withdrawalUnconfirmedSchema.shape.data.pick({ withdrawalId: true, txid: true, reason: true })

export interface RequestWithdrawal extends z.infer<typeof requestWithdrawalData> {
  readonly type: 'RequestWithdrawal'
  readonly walletId: string
  readonly signer: string
  readonly commandId: string
  readonly policy: MoneyPolicy
  readonly now: string
}

export interface ChangeStandingOrder extends z.infer<typeof changeStandingOrderData> {
  readonly type: 'ChangeStandingOrder'
  readonly walletId: string
  readonly signer: string
  readonly policy: MoneyPolicy
}

export interface ReviewWithdrawal extends z.infer<typeof reviewWithdrawalData> {
  readonly type: 'ReviewWithdrawal'
  readonly walletId: string
  readonly signer: string
  readonly stewards: readonly string[]
}

export interface CancelWithdrawal extends z.infer<typeof cancelWithdrawalData> {
  readonly type: 'CancelWithdrawal'
  readonly walletId: string
  readonly signer: string
}

/** What the chain's process says; `serviceKey` is the network's key `chain`. */
interface ByChain {
  readonly walletId: string
  readonly signer: string
  readonly serviceKey: string | undefined
}

export interface RecordWithdrawalTransaction extends ByChain, z.infer<typeof recordWithdrawalTransactionData> {
  readonly type: 'RecordWithdrawalTransaction'
}

export interface ConfirmWithdrawal extends ByChain, z.infer<typeof confirmWithdrawalData> {
  readonly type: 'ConfirmWithdrawal'
}

export interface UnconfirmWithdrawal extends ByChain, z.infer<typeof unconfirmWithdrawalData> {
  readonly type: 'UnconfirmWithdrawal'
}

export interface FailWithdrawal extends ByChain, z.infer<typeof failWithdrawalData> {
  readonly type: 'FailWithdrawal'
}

export function requestWithdrawal(command: RequestWithdrawal, state: WalletState): WalletEvent[] {
  const { signer, commandId, amount, feeMax, destination, policy, now } = command
  requireOwner(state, signer)
  const { walletId } = state
  const withdrawalId = ownIdOf(walletId, commandId)
  const known = state.withdrawals.get(withdrawalId)
  if (known) return requireSame(commandId, known.amount === BigInt(amount) && known.destination === destination)
  requireFeeMax('command.data.feeMax', feeMax, policy)
  requireAvailable(state, BigInt(amount) + BigInt(feeMax))
  return [requested({ withdrawalId, amount, feeMax, destination, policy, now }, state)]
}

type Wanted = Pick<RequestWithdrawal, 'amount' | 'feeMax' | 'destination' | 'policy' | 'now'> & { readonly withdrawalId: string }

function requested({ policy, ...wanted }: Wanted, state: WalletState): WalletEvent {
  const { withdrawalId, amount, feeMax, destination, now: at } = wanted
  const signals = signalsOf({ policy, ...wanted }, state)
  const review = signals.length > 0
  const data = { walletId: state.walletId, withdrawalId, amount, feeMax, destination, signals, review, at }
  return { type: 'WithdrawalRequested', data }
}

export function changeStandingOrder({ signer, order, policy }: ChangeStandingOrder, state: WalletState): WalletEvent[] {
  requireOwner(state, signer)
  if (order) requireFeeMax('command.data.order.feeMax', order.feeMax, policy)
  const { walletId, standingOrder } = state
  const isSame = order
    ? standingOrder && Object.entries(order).every(([name, value]) => standingOrder[name as keyof typeof order] === value)
    : !standingOrder
  return isSame ? [] : [{ type: 'StandingOrderChanged', data: { walletId, order } }]
}

function requireFeeMax(field: string, feeMax: string, { withdrawal }: MoneyPolicy): void {
  if (BigInt(feeMax) > BigInt(withdrawal.feeMax)) throw malformed(field, `must be at most ${withdrawal.feeMax}`)
}

/** What the wallet's standing order makes of a credit of `amount` units that has just come into `state`; nothing where it has none, owes, or too little came. */
export function byStandingOrder(
  { source, amount, policy, now }: { source: CreditSource; amount: bigint; policy: MoneyPolicy; now: string },
  state: WalletState,
): WalletEvent[] {
  const { walletId, standingOrder, shortfall } = state
  if (!standingOrder || source.kind !== 'airdrop' || shortfall > 0n) return []
  const { destination, amountMin } = standingOrder
  // The network may have lowered what a withdrawal may cost since the order was given.
  const feeMax = smaller(BigInt(standingOrder.feeMax), BigInt(policy.withdrawal.feeMax))
  const left = smaller(amount, available(state)) - feeMax
  if (left < BigInt(amountMin)) return []
  const withdrawalId = ownIdOf(walletId, sourceKey(source))
  return [requested({ withdrawalId, amount: String(left), feeMax: String(feeMax), destination, policy, now }, state)]
}

/** Why a person should look at a withdrawal before it is paid; none for most. */
function signalsOf({ amount, destination, policy, now }: Omit<Wanted, 'withdrawalId'>, state: WalletState): Signal[] {
  const { reviewAmount, newDestinationAmount, velocityAmountMax, velocityCountMax } = policy.withdrawal
  const windowSeconds = policy.withdrawal.velocityWindowSeconds
  const recent = [...requestedSince(state, Date.parse(now) - windowSeconds * 1000)]
  const value = BigInt(amount)
  const seen = recent.reduce((sum, request) => sum + request.amount, value)
  const same = recent.find((request) => request.amount === value && request.destination === destination)
  const isNew = !state.destinations.get(destination)
  const signals: Signal[] = []
  if (value > BigInt(reviewAmount)) signals.push({ rule: 'amount', limit: reviewAmount })
  if (isNew && value > BigInt(newDestinationAmount)) signals.push({ rule: 'new_destination', limit: newDestinationAmount })
  if (seen > BigInt(velocityAmountMax))
    signals.push({ rule: 'velocity_amount', limit: velocityAmountMax, seen: String(seen), windowSeconds })
  if (recent.length >= velocityCountMax)
    signals.push({ rule: 'velocity_count', limit: velocityCountMax, seen: recent.length + 1, windowSeconds })
  if (same) signals.push({ rule: 'duplicate', of: same.withdrawalId, windowSeconds })
  return signals
}

/** Withdrawals asked for since `fromMs` that were not given up, the newest first. */
function* requestedSince({ lastWithdrawal, withdrawals }: WalletState, fromMs: number): IterableIterator<Withdrawal> {
  for (let request = lastWithdrawal; request && request.atMs >= fromMs; request = request.previous) {
    const { status } = withdrawals.get(request.withdrawalId)!
    if (status !== 'rejected' && status !== 'cancelled' && status !== 'failed') yield request
  }
}

export function reviewWithdrawal({ signer, stewards, withdrawalId, approve }: ReviewWithdrawal, state: WalletState): WalletEvent[] {
  if (!stewards.includes(signer)) throw new DomainError('SignerNotAllowed', { needed: 'steward' })
  const { walletId } = state
  const withdrawal = find(state, withdrawalId)
  requireStatus(withdrawal, ['review'])
  const data = { walletId, withdrawalId, by: signer }
  if (approve) return [{ type: 'WithdrawalApproved', data }]
  return [{ type: 'WithdrawalRejected', data: { ...data, ...repayment(state, withdrawal) } }]
}

export function cancelWithdrawal({ signer, withdrawalId }: CancelWithdrawal, state: WalletState): WalletEvent[] {
  requireOwner(state, signer)
  const withdrawal = find(state, withdrawalId)
  if (withdrawal.status === 'cancelled') return []
  requireStatus(withdrawal, ['review', 'approved'])
  return [{ type: 'WithdrawalCancelled', data: { walletId: state.walletId, withdrawalId, ...repayment(state, withdrawal) } }]
}

export function failWithdrawal({ signer, serviceKey, withdrawalId, reason }: FailWithdrawal, state: WalletState): WalletEvent[] {
  requireService(signer, serviceKey, 'chain')
  const withdrawal = find(state, withdrawalId)
  if (withdrawal.status === 'failed') return []
  requireStatus(withdrawal, ['approved'])
  return [{ type: 'WithdrawalFailed', data: { walletId: state.walletId, withdrawalId, reason, ...repayment(state, withdrawal) } }]
}

export function recordTransaction(command: RecordWithdrawalTransaction, state: WalletState): WalletEvent[] {
  const { signer, serviceKey, withdrawalId, attempt, txid, fee } = command
  requireService(signer, serviceKey, 'chain')
  const withdrawal = find(state, withdrawalId)
  const { attempts, amount, reserved } = withdrawal
  if (attempts[attempt - 1]?.txid === txid) return []
  requireStatus(withdrawal, attempt === 1 ? ['approved'] : ['signed'])
  // One transaction an attempt, and the attempts in their order: what is not recorded here is never broadcast.
  if (attempt !== attempts.length + 1) throw malformed('command.data.attempt', `must be ${attempts.length + 1}`)
  // What is still here when the wallet comes to owe does not leave it.
  if (attempt === 1) requireNoDebt(state)
  if (amount + BigInt(fee) > reserved) throw malformed('command.data.fee', `must be at most ${reserved - amount}`)
  const booked = String(attempt === 1 ? reserved : 0n)
  return [{ type: 'WithdrawalSigned', data: { walletId: state.walletId, withdrawalId, attempt, txid, fee, booked } }]
}

export function confirmWithdrawal(command: ConfirmWithdrawal, state: WalletState): WalletEvent[] {
  const { signer, serviceKey, withdrawalId, txid, blockHash, height } = command
  requireService(signer, serviceKey, 'chain')
  const withdrawal = find(state, withdrawalId)
  const { fee } = attemptOf(withdrawal, txid)
  if (withdrawal.confirmedBy === txid) return []
  requireStatus(withdrawal, ['signed'])
  const left = withdrawal.reserved - withdrawal.amount - fee
  const returned = left > 0n ? left : 0n
  const fees = { feeReturned: String(returned), toShortfall: debtShare(state, returned), feeBorne: String(returned - left) }
  return [{ type: 'WithdrawalConfirmed', data: { ...paidBy(state, withdrawal, txid, fee), ...fees, blockHash, height } }]
}

export function unconfirmWithdrawal(command: UnconfirmWithdrawal, state: WalletState): WalletEvent[] {
  const { signer, serviceKey, withdrawalId, txid, reason } = command
  requireService(signer, serviceKey, 'chain')
  const withdrawal = find(state, withdrawalId)
  const { fee } = attemptOf(withdrawal, txid)
  if (withdrawal.status === 'signed') return []
  if (withdrawal.confirmedBy !== txid) throw new DomainError('WithdrawalTransactionUnknown', { withdrawalId, txid })
  const feeBorne = String(withdrawal.amount + fee - withdrawal.reserved)
  return [{ type: 'WithdrawalUnconfirmed', data: { ...paidBy(state, withdrawal, txid, fee), feeBorne, reason } }]
}

function paidBy({ walletId }: WalletState, { withdrawalId, amount }: Withdrawal, txid: string, fee: bigint) {
  return { walletId, withdrawalId, txid, amount: String(amount), fee: String(fee) }
}

/** Of what a withdrawal that is given up leaves in the wallet, what repays its debt. */
function repayment(state: WalletState, { reserved }: Withdrawal) {
  return { toShortfall: debtShare(state, reserved) }
}

function find({ walletId, withdrawals }: WalletState, withdrawalId: string): Withdrawal {
  const withdrawal = withdrawals.get(withdrawalId)
  if (!withdrawal) throw new DomainError('WithdrawalUnknown', { walletId, withdrawalId })
  return withdrawal
}

function attemptOf({ withdrawalId, attempts }: Withdrawal, txid: string): { readonly fee: bigint } {
  const attempt = attempts.find((attempt) => attempt.txid === txid)
  if (!attempt) throw new DomainError('WithdrawalTransactionUnknown', { withdrawalId, txid })
  return attempt
}

function requireStatus({ withdrawalId, status }: Withdrawal, needed: readonly WithdrawalStatus[]): void {
  if (!needed.includes(status))
    throw new DomainError('WithdrawalNotInStatus', { withdrawalId, state: status, needed: needed.join(' or ') })
}
