import { z } from 'zod'
import { type CampaignState, releasedPayout } from '../airdrop/state.ts'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { type EscrowState, wasFunded } from '../escrow/state.ts'
import type { FundState } from '../fund/decider.ts'
import { publicKeySchema, signatureSchema, uuidSchema } from '../ids.ts'
import { commandAmountSchema } from '../money.ts'
import { requireService } from '../network/offices.ts'
import type { MoneyPolicy } from '../network/policy.ts'
import { type CreditSource, creditSourceSchema, depositCreditedSchema, depositReversedSchema, type WalletEvent } from './events.ts'
import { requireAvailable, requireOwner, requireSame } from './require.ts'
import { walletSnapshots } from './snapshot.ts'
import { available, debtShare, depositKey, evolveWallet, ownIdOf, sourceKey, type WalletState, walletBytes } from './state.ts'
import {
  byStandingOrder,
  type CancelWithdrawal,
  type ChangeStandingOrder,
  type ConfirmWithdrawal,
  cancelWithdrawal,
  changeStandingOrder,
  confirmWithdrawal,
  type FailWithdrawal,
  failWithdrawal,
  type RecordWithdrawalTransaction,
  type RequestWithdrawal,
  type ReviewWithdrawal,
  recordTransaction,
  requestWithdrawal,
  reviewWithdrawal,
  type UnconfirmWithdrawal,
  unconfirmWithdrawal,
} from './withdrawals.ts'

export const openWalletData = z.strictObject({})
export const changeWalletKeyData = z.strictObject({
  publicKey: publicKeySchema.describe('The new key'),
  proof: signatureSchema.describe(
    'By the new key, over `duxnet-wallet-key-v1\\n` and the RFC 8785 text of {networkId, walletId, publicKey, commandId}',
  ),
})
export const issueTestDepositData = z.strictObject({ amount: commandAmountSchema })
export const creditDepositData = depositCreditedSchema.shape.data.omit({ walletId: true, toShortfall: true }).extend({
  amount: commandAmountSchema,
  confirmations: z.int().nonnegative().describe('Blocks from the one that holds it to the tip, both included'),
})
export const reverseDepositData = depositReversedSchema.shape.data.pick({ txid: true, vout: true, reason: true })
export const holdData = z.strictObject({ escrowId: uuidSchema })
export const transferData = z.strictObject({ to: uuidSchema, amount: commandAmountSchema })
export const postCreditData = z.strictObject({ source: creditSourceSchema })

export interface OpenWallet {
  readonly type: 'OpenWallet'
  readonly walletId: string
  readonly commandId: string
  readonly signer: string
}

export interface ChangeWalletKey {
  readonly type: 'ChangeWalletKey'
  readonly walletId: string
  readonly signer: string
  /** The new key, and whether its proof was verified. */
  readonly publicKey: string
  readonly proven: boolean
}

export interface IssueTestDeposit {
  readonly type: 'IssueTestDeposit'
  readonly walletId: string
  readonly signer: string
  readonly authority: string
  readonly networkKind: 'test' | 'main'
  readonly commandId: string
  readonly amount: string
}

export interface CreditDeposit extends z.infer<typeof creditDepositData> {
  readonly type: 'CreditDeposit'
  readonly walletId: string
  readonly signer: string
  /** The network's service key `chain`; undefined when it has none. */
  readonly serviceKey: string | undefined
  /** Of the chain, that the network asks for. */
  readonly confirmationsMin: number
}

export interface ReverseDeposit extends z.infer<typeof reverseDepositData> {
  readonly type: 'ReverseDeposit'
  readonly walletId: string
  readonly signer: string
  readonly serviceKey: string | undefined
}

/** Speaks for the money of an escrow; the escrow says how much. */
export interface PlaceHold {
  readonly type: 'PlaceHold'
  readonly walletId: string
  readonly signer: string
  readonly escrowId: string
  readonly escrow: EscrowState | undefined
}

/** Ends a hold as its escrow says: `CaptureHold` once it was funded, `ReleaseHold` once it never will be. */
export interface EndHold {
  readonly type: 'CaptureHold' | 'ReleaseHold'
  readonly walletId: string
  readonly signer: string
  /** The network's service key `settlement`; undefined when it has none. */
  readonly serviceKey: string | undefined
  readonly escrowId: string
  readonly escrow: EscrowState | undefined
}

export interface Transfer {
  readonly type: 'Transfer'
  readonly walletId: string
  readonly signer: string
  readonly commandId: string
  readonly to: string
  readonly recipient: WalletState | undefined
  readonly amount: string
}

export interface PostCredit {
  readonly type: 'PostCredit'
  readonly walletId: string
  readonly signer: string
  readonly serviceKey: string | undefined
  readonly source: CreditSource
  /** What `source` owes this wallet; undefined when it owes it nothing. */
  readonly owed: bigint | undefined
  readonly policy: MoneyPolicy
  readonly now: string
}

export type WalletCommand =
  | OpenWallet
  | ChangeWalletKey
  | IssueTestDeposit
  | CreditDeposit
  | ReverseDeposit
  | PlaceHold
  | EndHold
  | Transfer
  | PostCredit
  | ChangeStandingOrder
  | RequestWithdrawal
  | ReviewWithdrawal
  | CancelWithdrawal
  | RecordWithdrawalTransaction
  | ConfirmWithdrawal
  | UnconfirmWithdrawal
  | FailWithdrawal

/** No overdraft: whatever takes from a wallet is decided on its own stream, against what is available there. */
export const walletDecider: Decider<WalletState | undefined, WalletCommand, WalletEvent> = {
  rules: 1,
  initialState: undefined,
  sizeOf: walletBytes,
  snapshots: walletSnapshots,
  evolve: evolveWallet,
  decide(command, state) {
    switch (command.type) {
      case 'OpenWallet':
        return open(command, state)
      case 'ChangeWalletKey':
        return changeKey(command, known(command, state))
      case 'IssueTestDeposit':
        return issueTestDeposit(command, known(command, state))
      case 'CreditDeposit':
        return creditDeposit(command, known(command, state))
      case 'ReverseDeposit':
        return reverseDeposit(command, known(command, state))
      case 'PlaceHold':
        return placeHold(command, known(command, state))
      case 'CaptureHold':
      case 'ReleaseHold':
        return endHold(command, known(command, state))
      case 'Transfer':
        return transfer(command, known(command, state))
      case 'PostCredit':
        return postCredit(command, known(command, state))
      case 'ChangeStandingOrder':
        return changeStandingOrder(command, known(command, state))
      case 'RequestWithdrawal':
        return requestWithdrawal(command, known(command, state))
      case 'ReviewWithdrawal':
        return reviewWithdrawal(command, known(command, state))
      case 'CancelWithdrawal':
        return cancelWithdrawal(command, known(command, state))
      case 'RecordWithdrawalTransaction':
        return recordTransaction(command, known(command, state))
      case 'ConfirmWithdrawal':
        return confirmWithdrawal(command, known(command, state))
      case 'UnconfirmWithdrawal':
        return unconfirmWithdrawal(command, known(command, state))
      case 'FailWithdrawal':
        return failWithdrawal(command, known(command, state))
    }
  },
}

function known({ walletId }: { readonly walletId: string }, state: WalletState | undefined): WalletState {
  if (!state) throw new DomainError('WalletUnknown', { walletId })
  return state
}

function open({ walletId, commandId, signer }: OpenWallet, state: WalletState | undefined): WalletEvent[] {
  if (state) throw new DomainError('WalletAlreadyOpen', { walletId })
  if (walletId !== commandId) throw malformed('command.subject', 'must be the id of the command that opens the wallet')
  return [{ type: 'WalletOpened', data: { walletId, owner: signer } }]
}

function changeKey({ signer, publicKey, proven }: ChangeWalletKey, state: WalletState): WalletEvent[] {
  requireOwner(state, signer)
  if (publicKey === state.owner) return []
  if (!proven) throw new DomainError('WalletKeyProofInvalid', { field: 'command.data.proof' })
  return [{ type: 'WalletKeyChanged', data: { walletId: state.walletId, previousKey: state.owner, publicKey } }]
}

function issueTestDeposit(
  { signer, authority, networkKind, commandId, amount }: IssueTestDeposit,
  state: WalletState,
): WalletEvent[] {
  if (networkKind !== 'test') throw new DomainError('TestMoneyRefused')
  if (signer !== authority) requireOwner(state, signer)
  const { walletId } = state
  const depositId = ownIdOf(walletId, commandId)
  const known = state.deposits.get(depositId)
  if (known) return requireSame(commandId, known.amount === BigInt(amount))
  return [{ type: 'TestDepositIssued', data: { walletId, depositId, amount, toShortfall: repaid(state, amount) } }]
}

function creditDeposit(command: CreditDeposit, state: WalletState): WalletEvent[] {
  const { type: _, signer, serviceKey, confirmations, confirmationsMin, ...deposit } = command
  requireService(signer, serviceKey, 'chain')
  if (state.deposits.get(depositKey(deposit))?.credited) return []
  if (confirmations < confirmationsMin) throw new DomainError('DepositUnconfirmed', { confirmations, confirmationsMin })
  return [{ type: 'DepositCredited', data: { ...deposit, toShortfall: repaid(state, deposit.amount) } }]
}

function reverseDeposit({ signer, serviceKey, txid, vout, reason }: ReverseDeposit, state: WalletState): WalletEvent[] {
  requireService(signer, serviceKey, 'chain')
  const deposit = state.deposits.get(depositKey({ txid, vout }))
  if (!deposit) throw new DomainError('DepositUnknown', { txid, vout })
  if (!deposit.credited) return []
  const { amount } = deposit
  const there = available(state)
  const fromShortfall = String(amount > there ? amount - there : 0n)
  const { walletId } = state
  return [{ type: 'DepositReversed', data: { walletId, txid, vout, amount: String(amount), fromShortfall, reason } }]
}

function placeHold({ signer, escrowId, escrow }: PlaceHold, state: WalletState): WalletEvent[] {
  requireOwner(state, signer)
  const { walletId } = state
  if (!escrow) throw new DomainError('EscrowUnknown', { escrowId })
  if (escrow.client !== walletId) throw new DomainError('SignerNotAllowed', { needed: 'client', escrowId })
  if (state.holds.get(escrowId)) return []
  if (escrow.status !== 'open') throw new DomainError('EscrowNotInStatus', { escrowId, state: escrow.status, needed: 'open' })
  requireAvailable(state, escrow.amount)
  return [{ type: 'HoldPlaced', data: { walletId, holdId: escrowId, amount: String(escrow.amount) } }]
}

function endHold({ type, signer, serviceKey, escrowId, escrow }: EndHold, state: WalletState): WalletEvent[] {
  requireService(signer, serviceKey, 'settlement')
  const { walletId } = state
  const hold = state.holds.get(escrowId)
  if (!hold) throw new DomainError('HoldUnknown', { holdId: escrowId })
  if (!escrow) throw new DomainError('EscrowUnknown', { escrowId })
  const capture = type === 'CaptureHold'
  if (hold.status === (capture ? 'captured' : 'released')) return []
  // Each of the two is for ever once it is so: the answer cannot change while it is on its way here.
  const due = capture ? wasFunded(escrow) : escrow.status === 'expired'
  if (!due) throw new DomainError('EscrowNotInStatus', { escrowId, state: escrow.status, needed: capture ? 'funded' : 'expired' })
  const data = { walletId, holdId: escrowId, amount: String(hold.amount) }
  if (capture) return [{ type: 'HoldCaptured', data }]
  return [{ type: 'HoldReleased', data: { ...data, toShortfall: debtShare(state, hold.amount) } }]
}

function transfer({ signer, commandId, to, recipient, amount }: Transfer, state: WalletState): WalletEvent[] {
  requireOwner(state, signer)
  const { walletId } = state
  const transferId = ownIdOf(walletId, commandId)
  const known = state.transfers.get(transferId)
  if (known) return requireSame(commandId, known.to === to && known.amount === BigInt(amount))
  if (to === walletId) throw malformed('command.data.to', 'is the wallet itself')
  if (!recipient) throw new DomainError('WalletUnknown', { walletId: to })
  requireAvailable(state, BigInt(amount))
  return [{ type: 'TransferSent', data: { walletId, transferId, to, amount } }]
}

function postCredit({ signer, serviceKey, source, owed, policy, now }: PostCredit, state: WalletState): WalletEvent[] {
  requireService(signer, serviceKey, 'settlement')
  const key = sourceKey(source)
  if (state.credits.get(key)) return []
  if (owed === undefined) throw new DomainError('CreditNotOwed', { source: key, walletId: state.walletId })
  const amount = String(owed)
  const { walletId } = state
  const posted: WalletEvent = { type: 'CreditPosted', data: { walletId, source, amount, toShortfall: repaid(state, amount) } }
  return [posted, ...byStandingOrder({ source, amount: owed, policy, now }, evolveWallet(state, posted)!)]
}

/** The states of streams that can owe a wallet something. */
type Debtor = EscrowState | WalletState | FundState | CampaignState | undefined

/** What the stream of a credit's source, `source`'s own, owes a wallet; undefined when it owes it nothing. */
export function owedTo(walletId: string, source: CreditSource, state: Debtor): bigint | undefined {
  const debt = debtOf(source, state)
  return debt?.to === walletId ? debt.amount : undefined
}

function debtOf(source: CreditSource, state: Debtor) {
  switch (source.kind) {
    case 'escrow':
      return (state as EscrowState | undefined)?.legs.get(source.leg)
    case 'transfer':
      return (state as WalletState | undefined)?.transfers.get(source.transferId)
    case 'spending': {
      const proposal = (state as FundState | undefined)?.proposals.get(source.proposalId)
      return proposal?.status === 'executed' && proposal.to.kind === 'wallet'
        ? { to: proposal.to.id, amount: proposal.amount }
        : undefined
    }
    case 'airdrop':
      return releasedPayout(state as CampaignState | undefined, source.leg, source.nodeId)
  }
}

const repaid = (state: WalletState, amount: string) => debtShare(state, BigInt(amount))
