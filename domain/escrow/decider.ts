import { z } from 'zod'
import { commitmentSchema } from '../commitment.ts'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { instantSchema, publicKeySchema, signatureSchema, uuidSchema } from '../ids.ts'
import { amountSchema, commandAmountSchema, fundShare, positiveAmountSchema, shareSchema } from '../money.ts'
import type { NetworkState } from '../network/decider.ts'
import { requireSettlement } from '../network/offices.ts'
import { moneyPolicy } from '../network/policy.ts'
import type { WalletState } from '../wallet/state.ts'
import { type EscrowEvent, resultHashSchema, windowsSchema } from './events.ts'
import { type EscrowState, type EscrowStatus, evolveEscrow, isTerminal, waitingStatuses } from './state.ts'

export const openEscrowData = z.strictObject({
  client: uuidSchema.describe('The wallet that pays'),
  provider: uuidSchema.describe('The wallet that is paid'),
  amount: commandAmountSchema,
  terms: commitmentSchema.describe('Commits to what was agreed'),
  verifier: publicKeySchema.optional().describe('The key that says whether a result is right; the client unless given'),
  fallbackProviderPermille: shareSchema.describe('What the provider gets of the rest when a dispute stays undecided'),
  windows: windowsSchema,
})
export const noData = z.strictObject({})
export const deliverResultData = z.strictObject({
  resultHash: resultHashSchema,
  signature: signatureSchema.describe(
    "By the provider's key, over `duxnet-result-v1\\n` and the RFC 8785 text of {networkId, escrowId, resultHash}",
  ),
})
export const verifyResultData = z.strictObject({ resultHash: resultHashSchema, valid: z.boolean() })
export const releaseEscrowData = z.strictObject({ resultHash: resultHashSchema })
export const grantRefundData = z.strictObject({ amount: positiveAmountSchema })
export const openDisputeData = z.strictObject({ reason: commitmentSchema })
export const addEvidenceData = z.strictObject({ evidence: commitmentSchema })
export const voteOnDisputeData = z.strictObject({
  providerAmount: amountSchema.describe("What the provider should get of the rest, the fund's share included"),
})
export const passDeadlineData = z.strictObject({ status: z.enum(waitingStatuses), dueAt: instantSchema })

/** The wallets of an escrow as they stand; whoever owns one speaks for that side. */
export interface Parties {
  readonly client: WalletState | undefined
  readonly provider: WalletState | undefined
}

/** What every command on an escrow is decided with. */
interface Common {
  readonly escrowId: string
  readonly signer: string
  readonly now: string
  readonly network: NetworkState
  readonly parties: Parties
}

export interface OpenEscrow extends Common, z.infer<typeof openEscrowData> {
  readonly type: 'OpenEscrow'
  readonly commandId: string
}

export interface SimpleCommand extends Common {
  readonly type: 'CancelEscrow' | 'RecordFunding' | 'StartEscrow' | 'DeclineEscrow'
}

export interface DeliverResult extends Common, z.infer<typeof deliverResultData> {
  readonly type: 'DeliverResult'
  /** Whether `signature` is the signer's over this result. */
  readonly proven: boolean
}

export interface VerifyResult extends Common, z.infer<typeof verifyResultData> {
  readonly type: 'VerifyResult'
}

export interface ReleaseEscrow extends Common, z.infer<typeof releaseEscrowData> {
  readonly type: 'ReleaseEscrow'
}

export interface GrantRefund extends Common, z.infer<typeof grantRefundData> {
  readonly type: 'GrantRefund'
  readonly commandId: string
}

export interface OpenDispute extends Common, z.infer<typeof openDisputeData> {
  readonly type: 'OpenDispute'
}

export interface AddEvidence extends Common, z.infer<typeof addEvidenceData> {
  readonly type: 'AddEvidence'
}

export interface VoteOnDispute extends Common, z.infer<typeof voteOnDisputeData> {
  readonly type: 'VoteOnDispute'
}

export interface PassDeadline extends Common, z.infer<typeof passDeadlineData> {
  readonly type: 'PassDeadline'
}

export type EscrowCommand =
  | OpenEscrow
  | SimpleCommand
  | DeliverResult
  | VerifyResult
  | ReleaseEscrow
  | GrantRefund
  | OpenDispute
  | AddEvidence
  | VoteOnDispute
  | PassDeadline

/** Pieces of evidence that each side may bring to a dispute, so that none can leave the others no room. */
export const evidenceMax = 64

/** Refunds that a provider may grant in part. */
export const refundsMax = 64

/**
 * open → funded → in_progress → delivered → released, with refunded, disputed → resolved and expired beside. Money is locked before
 * work may start, every waiting state ends by itself at its `dueAt`, and one event fixes all that is paid:
 * provider + fund + refunds = amount.
 */
export const escrowDecider: Decider<EscrowState | undefined, EscrowCommand, EscrowEvent> = {
  rules: 1,
  initialState: undefined,
  evolve: evolveEscrow,
  decide(command, state) {
    if (command.type === 'OpenEscrow') return open(command, state)
    if (!state) throw new DomainError('EscrowUnknown', { escrowId: command.escrowId })
    switch (command.type) {
      case 'CancelEscrow':
        return cancel(command, state)
      case 'RecordFunding':
        return recordFunding(command, state)
      case 'StartEscrow':
        return start(command, state)
      case 'DeclineEscrow':
        return decline(command, state)
      case 'DeliverResult':
        return deliver(command, state)
      case 'VerifyResult':
        return verify(command, state)
      case 'ReleaseEscrow':
        return release(command, state)
      case 'GrantRefund':
        return grantRefund(command, state)
      case 'OpenDispute':
        return dispute(command, state)
      case 'AddEvidence':
        return addEvidence(command, state)
      case 'VoteOnDispute':
        return vote(command, state)
      case 'PassDeadline':
        return passDeadline(command, state)
    }
  },
}

function open(command: OpenEscrow, state: EscrowState | undefined): EscrowEvent[] {
  const { escrowId, commandId, signer, now, network, parties, client, provider, windows } = command
  if (state) throw new DomainError('EscrowAlreadyOpen', { escrowId })
  if (escrowId !== commandId) throw malformed('command.subject', 'must be the id of the command that opens the escrow')
  if (client === provider) throw malformed('command.data.provider', 'is the client itself')
  if (!parties.client) throw new DomainError('WalletUnknown', { walletId: client })
  if (!parties.provider) throw new DomainError('WalletUnknown', { walletId: provider })
  requireParty(command, ['client'])
  const policy = moneyPolicy(network.policy)
  for (const [name, seconds] of Object.entries(windows))
    if (seconds > policy.escrow.windowSecondsMax)
      throw malformed(`command.data.windows.${name}`, `must be at most ${policy.escrow.windowSecondsMax}`)
  const { amount, terms, verifier, fallbackProviderPermille } = command
  const { fundSharePermille } = policy
  const another = verifier === undefined || verifier === signer ? {} : { verifier }
  const agreed = { amount, fundSharePermille, terms, ...another, fallbackProviderPermille, windows }
  return [{ type: 'EscrowOpened', data: { escrowId, client, provider, ...agreed, dueAt: later(now, windows.fund) } }]
}

function cancel(command: SimpleCommand, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['client'])
  requireStatus(state, ['open', 'funded'])
  if (state.status === 'open') return [{ type: 'EscrowExpired', data: { ...idsOf(state), reason: 'cancelled' } }]
  return refund(command, state, 'cancelled')
}

function recordFunding(command: SimpleCommand, state: EscrowState): EscrowEvent[] {
  requireSettlement(command)
  const { escrowId, amount, windows } = state
  // The hold can only end as captured from here on, for this is what it waits for.
  if (!command.parties.client?.holds.get(escrowId)) throw new DomainError('HoldUnknown', { holdId: escrowId })
  if (state.status !== 'open' && state.status !== 'expired') return []
  requireStatus(state, ['open'])
  return [{ type: 'EscrowFunded', data: { ...idsOf(state), amount: String(amount), dueAt: later(command.now, windows.start) } }]
}

function start(command: SimpleCommand, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['provider'])
  if (state.status === 'in_progress') return []
  requireStatus(state, ['funded'])
  requireCaptured(command, state)
  requireInTime(command, state)
  const { windows } = state
  return [{ type: 'EscrowStarted', data: { ...idsOf(state), dueAt: later(command.now, windows.deliver) } }]
}

function decline(command: SimpleCommand, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['provider'])
  requireStatus(state, ['funded', 'in_progress', 'delivered'])
  return refund(command, state, 'declined')
}

function deliver(command: DeliverResult, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['provider'])
  requireStatus(state, ['in_progress', 'delivered'])
  const { escrowId, delivery, windows } = state
  const { resultHash, signature, signer, proven, now } = command
  if (!proven) throw new DomainError('ResultSignatureInvalid', { field: 'command.data.signature' })
  if (delivery?.resultHash === resultHash) return []
  // What was judged stays; until then the provider may mend it.
  if (delivery?.valid !== undefined) throw new DomainError('ResultAlreadyVerified', { escrowId })
  requireInTime(command, state)
  return [
    {
      type: 'EscrowDelivered',
      data: { ...idsOf(state), resultHash, signature, signedBy: signer, dueAt: later(now, windows.accept) },
    },
  ]
}

function verify(command: VerifyResult, state: EscrowState): EscrowEvent[] {
  const { escrowId } = state
  const { signer, resultHash, valid, parties } = command
  const verifier = state.verifier ?? parties.client?.owner
  if (signer !== verifier) throw new DomainError('SignerNotAllowed', { needed: 'verifier', escrowId })
  requireStatus(state, ['delivered'])
  requireSameResult(state, resultHash)
  if (state.delivery?.valid === valid) return []
  if (state.delivery?.valid !== undefined) throw new DomainError('ResultAlreadyVerified', { escrowId })
  return [{ type: 'ResultVerified', data: { ...idsOf(state), resultHash, valid } }]
}

function release(command: ReleaseEscrow, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['client'])
  const { escrowId, verifier, delivery } = state
  const { resultHash } = command
  requireStatus(state, ['delivered'])
  requireSameResult(state, resultHash)
  if (delivery?.valid) return [released(state)]
  if (delivery?.valid === undefined && verifier === undefined)
    return [{ type: 'ResultVerified', data: { ...idsOf(state), resultHash, valid: true } }, released(state)]
  throw new DomainError('ResultNotVerified', { escrowId, valid: delivery?.valid ?? null })
}

function grantRefund(command: GrantRefund, state: EscrowState): EscrowEvent[] {
  requireParty(command, ['provider'])
  const { escrowId, rest, refunds } = state
  const { commandId, amount } = command
  const known = refunds.get(commandId)
  if (known === BigInt(amount)) return []
  if (known !== undefined) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId })
  requireStatus(state, ['in_progress', 'delivered'])
  if (refunds.size >= refundsMax) throw new DomainError('RefundsTooMany', { escrowId, refundsMax })
  if (BigInt(amount) >= rest)
    throw malformed('command.data.amount', `must be less than ${rest}; DeclineEscrow gives all of it back`)
  return [{ type: 'EscrowPartlyRefunded', data: { ...idsOf(state), n: refunds.size + 1, refundId: commandId, amount } }]
}

function dispute(command: OpenDispute, state: EscrowState): EscrowEvent[] {
  const by = requireParty(command, ['client', 'provider'])
  requireStatus(state, ['in_progress', 'delivered'])
  const { arbiters } = command.network
  if (!hasArbiters(command)) throw new DomainError('NoArbiters', { escrowId: state.escrowId })
  const { windows } = state
  return [
    {
      type: 'EscrowDisputed',
      data: { ...idsOf(state), by, reason: command.reason, arbiters, dueAt: later(command.now, windows.resolve) },
    },
  ]
}

function addEvidence(command: AddEvidence, state: EscrowState): EscrowEvent[] {
  requireStatus(state, ['disputed'])
  const { escrowId } = state
  const { arbiters, evidence } = state.dispute!
  const { signer } = command
  const by = arbiters.members.includes(signer) ? 'arbiter' : requireParty(command, ['client', 'provider'])
  if (evidence[by] >= evidenceMax) throw new DomainError('EvidenceTooMuch', { escrowId, evidenceMax })
  return [{ type: 'EvidenceAdded', data: { ...idsOf(state), by, key: signer, evidence: command.evidence } }]
}

function vote(command: VoteOnDispute, state: EscrowState): EscrowEvent[] {
  requireStatus(state, ['disputed'])
  const { escrowId, rest } = state
  const { arbiters, votes } = state.dispute!
  const { signer: arbiter } = command
  if (!arbiters.members.includes(arbiter)) throw new DomainError('SignerNotAllowed', { needed: 'arbiter', escrowId })
  const providerAmount = BigInt(command.providerAmount)
  if (providerAmount > rest) throw malformed('command.data.providerAmount', `must be at most ${rest}`)
  if (votes.get(arbiter) === providerAmount) return []
  const voted: EscrowEvent = { type: 'DisputeVoted', data: { ...idsOf(state), arbiter, providerAmount: command.providerAmount } }
  const others = [...votes].filter(([key, amount]) => key !== arbiter && amount === providerAmount)
  if (others.length + 1 < arbiters.threshold) return [voted]
  return [voted, resolved(state, 'arbiters', providerAmount)]
}

/** What becomes of a state whose time is over. */
function passDeadline(command: PassDeadline, state: EscrowState): EscrowEvent[] {
  requireSettlement(command)
  const { escrowId, dueAt, delivery, verifier } = state
  // It was left in the meantime.
  if (isTerminal(state) || state.status !== command.status || dueAt !== command.dueAt) return []
  if (command.now < dueAt) throw new DomainError('DeadlineNotReached', { escrowId, dueAt, serverTime: command.now })
  switch (command.status) {
    case 'open':
      return [{ type: 'EscrowExpired', data: { ...idsOf(state), reason: 'not_funded' } }]
    case 'funded':
      return refund(command, state, 'not_started')
    case 'in_progress':
      return refund(command, state, 'not_delivered')
    case 'delivered': {
      if (delivery?.valid === false) return refund(command, state, 'invalid_result')
      // Silence of a client who could have looked is acceptance; silence of somebody else is not.
      if (delivery?.valid || verifier === undefined) return [released(state)]
      if (!hasArbiters(command)) return [fallback(state)]
      const { arbiters } = command.network
      const data = { ...idsOf(state), by: 'deadline' as const, arbiters, dueAt: later(command.now, state.windows.resolve) }
      return [{ type: 'EscrowDisputed', data }]
    }
    case 'disputed':
      return [fallback(state)]
  }
}

function released(state: EscrowState): EscrowEvent {
  const { delivery, rest } = state
  return { type: 'EscrowReleased', data: { ...idsOf(state), resultHash: delivery!.resultHash, ...providerSplit(state, rest) } }
}

/** All that is left goes back to the client. It can only once it is there. */
function refund(
  command: Common,
  state: EscrowState,
  reason: 'cancelled' | 'declined' | 'not_started' | 'not_delivered' | 'invalid_result',
): EscrowEvent[] {
  requireCaptured(command, state)
  const { rest } = state
  return [{ type: 'EscrowRefunded', data: { ...idsOf(state), amount: String(rest), reason } }]
}

function fallback(state: EscrowState): EscrowEvent {
  return resolved(state, 'fallback', (state.rest * BigInt(state.fallbackProviderPermille)) / 1000n)
}

function resolved(state: EscrowState, by: 'arbiters' | 'fallback', gross: bigint): EscrowEvent {
  const { rest } = state
  return {
    type: 'EscrowResolved',
    data: { ...idsOf(state), by, ...providerSplit(state, gross), clientAmount: String(rest - gross) },
  }
}

/** What goes to the provider, divided: the fund's share is rounded down, the provider has the remainder. */
function providerSplit(
  { fundSharePermille }: EscrowState,
  gross: bigint,
): { readonly providerAmount: string; readonly fundAmount: string } {
  const fund = fundShare(gross, fundSharePermille)
  return { providerAmount: String(gross - fund), fundAmount: String(fund) }
}

/** What every event names. */
function idsOf({ escrowId, client, provider }: EscrowState) {
  return { escrowId, client, provider }
}

function later(now: string, seconds: number): string {
  return new Date(Date.parse(now) + seconds * 1000).toISOString()
}

function hasArbiters({ network: { arbiters } }: Common): boolean {
  return arbiters.threshold > 0 && arbiters.members.length > 0
}

/** Which of `sides` the signer speaks for. Throws `SignerNotAllowed`. */
function requireParty<Side extends keyof Parties>({ escrowId, signer, parties }: Common, sides: readonly Side[]): Side {
  const side = sides.find((side) => parties[side]?.owner === signer)
  if (!side) throw new DomainError('SignerNotAllowed', { needed: sides.join(' or '), escrowId })
  return side
}

function requireStatus({ escrowId, status }: EscrowState, needed: readonly EscrowStatus[]): void {
  if (!needed.includes(status)) throw new DomainError('EscrowNotInStatus', { escrowId, state: status, needed: needed.join(' or ') })
}

/** Throws `EscrowNotCaptured` until the money has moved from the client's wallet into the escrow. */
function requireCaptured({ parties }: Common, { escrowId }: EscrowState): void {
  if (parties.client?.holds.get(escrowId)?.status !== 'captured')
    throw new DomainError('EscrowNotCaptured', { escrowId, retryAfterSeconds: 1 })
}

function requireInTime({ now }: Common, { escrowId, dueAt }: EscrowState): void {
  if (now >= dueAt) throw new DomainError('DeadlinePassed', { escrowId, dueAt, serverTime: now })
}

function requireSameResult({ escrowId, delivery }: EscrowState, resultHash: string): void {
  if (delivery?.resultHash !== resultHash)
    throw new DomainError('ResultMismatch', { escrowId, delivered: delivery?.resultHash ?? null })
}
