import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EscrowEvent } from '../../domain/escrow/events.ts'
import { type EscrowState, evolveEscrow } from '../../domain/escrow/state.ts'
import { fundDecider } from '../../domain/fund/decider.ts'
import type { FundEvent } from '../../domain/fund/events.ts'
import { initialPolicy, moneyPolicy } from '../../domain/network/policy.ts'
import { owedTo, type WalletCommand, walletDecider } from '../../domain/wallet/decider.ts'
import type { CreditSource, WalletEvent } from '../../domain/wallet/events.ts'
import { available, evolveWallet, ownIdOf, type WalletState } from '../../domain/wallet/state.ts'
import { scenario } from '../support/given.ts'
import { escrowIds, idOf, keys, openedEscrow, txidOf, walletOf } from './money.ts'

const wallet = suite('wallet')
const given = scenario<WalletState | undefined, WalletCommand, WalletEvent>(walletDecider)

const { client: owner, provider, settlement, chain, authority, stranger } = keys
const walletId = escrowIds.client
const other = escrowIds.provider
const { escrowId } = escrowIds

const opened: WalletEvent = { type: 'WalletOpened', data: { walletId, owner } }
const testMoney = (amount: string, n = 1): WalletEvent => ({
  type: 'TestDepositIssued',
  data: { walletId, depositId: ownIdOf(walletId, idOf(n)), amount, toShortfall: '0' },
})
const held = (amount: string): WalletEvent => ({ type: 'HoldPlaced', data: { walletId, holdId: escrowId, amount } })
const sent: WalletEvent = {
  type: 'TransferSent',
  data: { walletId, transferId: ownIdOf(walletId, idOf(9)), to: other, amount: '100' },
}
const block = { blockHash: txidOf(50), height: 50 }
const deposit = { txid: txidOf(1), vout: 0 }
const credited = (amount: string, toShortfall = '0'): WalletEvent => ({
  type: 'DepositCredited',
  data: { walletId, ...deposit, amount, toShortfall, ...block },
})
const reversed = (amount: string, fromShortfall: string): WalletEvent => ({
  type: 'DepositReversed',
  data: { walletId, ...deposit, amount, fromShortfall, reason: 'reorg' },
})

/** The escrow that these events make, as a fact. */
const escrowAfter = (...events: EscrowEvent[]): EscrowState => events.reduce<EscrowState | undefined>(evolveEscrow, undefined)!
const escrowOpen = escrowAfter(openedEscrow)
const funded: EscrowEvent = { type: 'EscrowFunded', data: { ...escrowIds, amount: '1000', dueAt: '2026-01-01T00:20:00.000Z' } }
const escrowFunded = escrowAfter(openedEscrow, funded)
const escrowExpired = escrowAfter(openedEscrow, { type: 'EscrowExpired', data: { ...escrowIds, reason: 'not_funded' } })

const issue: WalletCommand = {
  type: 'IssueTestDeposit',
  walletId,
  signer: owner,
  authority,
  networkKind: 'test',
  commandId: idOf(1),
  amount: '100',
}
const credit: WalletCommand = {
  type: 'CreditDeposit',
  walletId,
  signer: chain,
  serviceKey: chain,
  confirmationsMin: 6,
  confirmations: 6,
  ...deposit,
  amount: '100',
  ...block,
}
const reverse: WalletCommand = { type: 'ReverseDeposit', walletId, signer: chain, serviceKey: chain, ...deposit, reason: 'reorg' }
const hold: WalletCommand = { type: 'PlaceHold', walletId, signer: owner, escrowId, escrow: escrowOpen }
const capture: WalletCommand = {
  type: 'CaptureHold',
  walletId,
  signer: settlement,
  serviceKey: settlement,
  escrowId,
  escrow: escrowFunded,
}
const releaseHold: WalletCommand = { ...capture, type: 'ReleaseHold', escrow: escrowExpired }
const recipient = evolveWallet(undefined, { type: 'WalletOpened', data: { walletId: other, owner: provider } })
const transfer: WalletCommand = {
  type: 'Transfer',
  walletId,
  signer: owner,
  commandId: idOf(9),
  to: other,
  recipient,
  amount: '100',
}
const source: CreditSource = { kind: 'escrow', escrowId, leg: 'refund' }
const post: Extract<WalletCommand, { type: 'PostCredit' }> = {
  type: 'PostCredit',
  walletId,
  signer: settlement,
  serviceKey: settlement,
  source,
  owed: 100n,
  policy: moneyPolicy(initialPolicy),
  now: '2026-01-01T12:00:00.000Z',
}
const creditPosted = (amount: string, toShortfall = '0'): WalletEvent => ({
  type: 'CreditPosted',
  data: { walletId, source, amount, toShortfall },
})

wallet('whoever opens a wallet owns it, once', () => {
  const open: WalletCommand = { type: 'OpenWallet', walletId, commandId: walletId, signer: owner }
  given().when(open).then(opened)
  given(opened).when(open).thenRefused('WalletAlreadyOpen')
  given()
    .when({ ...open, commandId: idOf(7) })
    .thenRefused('CommandMalformed', { field: 'command.subject' })
})

wallet('nothing can be done to a wallet that is not there', () => {
  const { type: _, ...request } = { ...transfer, feeMax: '0', destination: 'A'.repeat(43), now: '', policy: undefined as never }
  const all: WalletCommand[] = [issue, credit, reverse, hold, capture, releaseHold, transfer, post]
  for (const command of [...all, { ...request, type: 'RequestWithdrawal' } as WalletCommand])
    given().when(command).thenRefused('WalletUnknown', { walletId })
})

wallet('its owner gives it another key, which must prove itself', () => {
  const change: WalletCommand = { type: 'ChangeWalletKey', walletId, signer: owner, publicKey: stranger, proven: true }
  const changed: WalletEvent = { type: 'WalletKeyChanged', data: { walletId, previousKey: owner, publicKey: stranger } }
  given(opened).when(change).then(changed)
  given(opened)
    .when({ ...change, proven: false })
    .thenRefused('WalletKeyProofInvalid')
  given(opened)
    .when({ ...change, publicKey: owner, proven: false })
    .thenNothing()
  given(opened, changed).when(change).thenRefused('SignerNotAllowed', { needed: 'owner' })
  given(opened, changed, testMoney('100'))
    .when({ ...transfer, signer: stranger })
    .then(sent)
})

wallet('only its owner spends', () => {
  for (const command of [hold, transfer])
    given(opened, testMoney('5000'))
      .when({ ...command, signer: stranger } as WalletCommand)
      .thenRefused('SignerNotAllowed', { needed: 'owner' })
})

wallet('only the services book what other streams and the chain say', () => {
  for (const [command, needed] of [
    [capture, 'service:settlement'],
    [releaseHold, 'service:settlement'],
    [post, 'service:settlement'],
    [credit, 'service:chain'],
    [reverse, 'service:chain'],
  ] as const) {
    const past = [opened, testMoney('1000'), held('1000'), credited('100')]
    for (const signer of [owner, stranger, authority])
      given(...past)
        .when({ ...command, signer } as WalletCommand)
        .thenRefused('SignerNotAllowed', { needed })
    given(...past)
      .when({ ...command, serviceKey: undefined } as WalletCommand)
      .thenRefused('SignerNotAllowed', { needed })
  }
})

wallet('test money is for test networks, from the owner or the authority, once a command', () => {
  given(opened).when(issue).then(testMoney('100'))
  given(opened)
    .when({ ...issue, signer: authority })
    .then(testMoney('100'))
  given(opened)
    .when({ ...issue, signer: stranger })
    .thenRefused('SignerNotAllowed')
  given(opened)
    .when({ ...issue, networkKind: 'main' })
    .thenRefused('TestMoneyRefused')
  given(opened, testMoney('100')).when(issue).thenNothing()
  given(opened, testMoney('99')).when(issue).thenRefused('CommandIdReused')
})

wallet('a deposit counts once it is confirmed, and once', () => {
  given(opened).when(credit).then(credited('100'))
  given(opened)
    .when({ ...credit, confirmations: 5 })
    .thenRefused('DepositUnconfirmed', { confirmations: 5, confirmationsMin: 6 })
  given(opened, credited('100')).when(credit).thenNothing()
  given(opened, credited('100'))
    .when({ ...credit, confirmations: 0, amount: '7' })
    .thenNothing()
  given(opened, credited('100'))
    .when({ ...credit, vout: 1 })
    .then({ type: 'DepositCredited', data: { walletId, txid: deposit.txid, vout: 1, amount: '100', toShortfall: '0', ...block } })
})

wallet('a deposit that the chain takes back leaves the wallet, and can come again', () => {
  given(opened, credited('100')).when(reverse).then(reversed('100', '0'))
  given(opened, credited('100'), reversed('100', '0')).when(reverse).thenNothing()
  given(opened, credited('100'), reversed('100', '0')).when(credit).then(credited('100'))
  given(opened).when(reverse).thenRefused('DepositUnknown', deposit)
})

wallet('what was spent of it is a debt that freezes the wallet', () => {
  const spent = [opened, credited('1030'), held('1000')]
  given(...spent)
    .when(reverse)
    .then(reversed('1030', '1000'))
  const owing = [...spent, reversed('1030', '1000')]
  given(...owing)
    .when(transfer)
    .thenRefused('WalletFrozen', { shortfall: '1000' })
  given(...owing)
    .when({ ...hold, escrowId: idOf(77), escrow: { ...escrowOpen, escrowId: idOf(77) } })
    .thenRefused('WalletFrozen')
  // What is promised to a provider stays promised.
  given(...owing)
    .when(capture)
    .then({ type: 'HoldCaptured', data: { walletId, holdId: escrowId, amount: '1000' } })
})

wallet('whatever becomes available repays the debt first', () => {
  const owing = [opened, credited('1030'), held('1000'), reversed('1030', '1000')]
  given(...owing)
    .when({ ...issue, amount: '400' })
    .then({ ...testMoney('400'), data: { ...testMoney('400').data, toShortfall: '400' } } as WalletEvent)
  given(...owing)
    .when(releaseHold)
    .then({ type: 'HoldReleased', data: { walletId, holdId: escrowId, amount: '1000', toShortfall: '1000' } })
  given(...owing)
    .when({ ...credit, amount: '1030' })
    .then(credited('1030', '1000'))
  given(...owing)
    .when({ ...post, owed: 1500n })
    .then(creditPosted('1500', '1000'))
  given(...owing, creditPosted('1500', '1000'))
    .when({ ...transfer, amount: '501' })
    .thenRefused('FundsInsufficient', { available: '500', needed: '501' })
})

wallet('a hold is for an open escrow of which this is the client, and of its amount', () => {
  given(opened, testMoney('1000')).when(hold).then(held('1000'))
  given(opened, testMoney('999')).when(hold).thenRefused('FundsInsufficient', { available: '999', needed: '1000' })
  given(opened, testMoney('1000'), held('1000')).when(hold).thenNothing()
  given(opened, testMoney('1000'))
    .when({ ...hold, escrow: undefined })
    .thenRefused('EscrowUnknown', { escrowId })
  given(opened, testMoney('1000'))
    .when({ ...hold, escrow: { ...escrowOpen, client: other } })
    .thenRefused('SignerNotAllowed', { needed: 'client' })
  for (const escrow of [escrowFunded, escrowExpired])
    given(opened, testMoney('1000'))
      .when({ ...hold, escrow })
      .thenRefused('EscrowNotInStatus', { state: escrow.status, needed: 'open' })
})

wallet('a hold ends as its escrow says, and only so', () => {
  const past = [opened, testMoney('1000'), held('1000')]
  const captured: WalletEvent = { type: 'HoldCaptured', data: { walletId, holdId: escrowId, amount: '1000' } }
  const released: WalletEvent = { type: 'HoldReleased', data: { walletId, holdId: escrowId, amount: '1000', toShortfall: '0' } }
  given(...past)
    .when(capture)
    .then(captured)
  given(...past)
    .when(releaseHold)
    .then(released)
  given(...past, captured)
    .when(capture)
    .thenNothing()
  given(...past, released)
    .when(releaseHold)
    .thenNothing()
  given(opened).when(capture).thenRefused('HoldUnknown', { holdId: escrowId })
  given(...past)
    .when({ ...capture, escrow: undefined })
    .thenRefused('EscrowUnknown')
  for (const escrow of [escrowOpen, escrowExpired])
    given(...past)
      .when({ ...capture, escrow })
      .thenRefused('EscrowNotInStatus', { needed: 'funded' })
  for (const escrow of [escrowOpen, escrowFunded])
    given(...past)
      .when({ ...releaseHold, escrow })
      .thenRefused('EscrowNotInStatus', { needed: 'expired' })
})

wallet('a transfer takes what is available, to a wallet that is there', () => {
  given(opened, testMoney('100')).when(transfer).then(sent)
  given(opened, testMoney('99')).when(transfer).thenRefused('FundsInsufficient', { available: '99' })
  given(opened, testMoney('1099'), held('1000')).when(transfer).thenRefused('FundsInsufficient', { available: '99' })
  given(opened, testMoney('100'))
    .when({ ...transfer, recipient: undefined })
    .thenRefused('WalletUnknown', { walletId: other })
  given(opened, testMoney('100'))
    .when({ ...transfer, to: walletId })
    .thenRefused('CommandMalformed', { field: 'command.data.to' })
})

wallet('the same transfer happens once, however long ago it was; its id is of no use to another', () => {
  given(opened, testMoney('1000'), sent).when(transfer).thenNothing()
  for (const change of [{ amount: '101' }, { to: walletOf(7) }])
    given(opened, testMoney('1000'), sent)
      .when({ ...transfer, ...change })
      .thenRefused('CommandIdReused')
  assert.is.not(ownIdOf(walletId, idOf(9)), ownIdOf(other, idOf(9)))
})

wallet('a credit is posted once, of what its source owes', () => {
  given(opened).when(post).then(creditPosted('100'))
  given(opened, creditPosted('100')).when(post).thenNothing()
  given(opened)
    .when({ ...post, owed: undefined })
    .thenRefused('CreditNotOwed', { source: `escrow:${escrowId}:refund`, walletId })
})

wallet('what a source owes is what its own stream says, and to whom it says', () => {
  const refunded = escrowAfter(openedEscrow, funded, {
    type: 'EscrowRefunded',
    data: { ...escrowIds, amount: '1000', reason: 'declined' },
  })
  assert.is(owedTo(walletId, source, refunded), 1000n)
  assert.is(owedTo(other, source, refunded), undefined)
  assert.is(owedTo(walletId, { ...source, leg: 'provider' }, refunded), undefined)
  assert.is(owedTo(walletId, source, escrowFunded), undefined)
  assert.is(owedTo(walletId, source, undefined), undefined)

  const sender = [opened, testMoney('100'), sent].reduce<WalletState | undefined>(evolveWallet, undefined)
  const transferId = ownIdOf(walletId, idOf(9))
  assert.is(owedTo(other, { kind: 'transfer', from: walletId, transferId }, sender), 100n)
  assert.is(owedTo(walletOf(7), { kind: 'transfer', from: walletId, transferId }, sender), undefined)
  assert.is(owedTo(other, { kind: 'transfer', from: walletId, transferId: idOf(9) }, sender), undefined)

  const stewards = { members: [keys.steward], threshold: 1 }
  const terms = { proposalId: idOf(3), to: { kind: 'wallet', id: walletId }, amount: '40', category: 'tools' } as const
  const proposed: FundEvent = {
    type: 'SpendingProposed.v2',
    data: { ...terms, purpose: 'A'.repeat(43), by: keys.steward, expiresAt: '2026-02-01T00:00:00.000Z', stewards },
  }
  const executed: FundEvent = { type: 'SpendingExecuted.v2', data: terms }
  const spending: CreditSource = { kind: 'spending', proposalId: idOf(3) }
  const fundAfter = (...events: FundEvent[]) =>
    events.reduce((state, event) => fundDecider.evolve(state, event, ''), fundDecider.initialState)
  assert.is(owedTo(walletId, spending, fundAfter(proposed)), undefined)
  assert.is(owedTo(walletId, spending, fundAfter(proposed, executed)), 40n)
})

wallet('the balance is what came in less what went out; a hold only speaks for it', () => {
  const events = [opened, testMoney('5000'), held('1000'), sent, creditPosted('30'), credited('7')]
  const state = events.reduce<WalletState | undefined>(evolveWallet, undefined)!
  assert.equal([state.posted, state.held, available(state), state.shortfall], [4937n, 1000n, 3937n, 0n])
})

wallet.run()
