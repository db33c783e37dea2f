import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { initialPolicy, type MoneyPolicy, moneyPolicy } from '../../domain/network/policy.ts'
import { type WalletCommand, walletDecider } from '../../domain/wallet/decider.ts'
import type { CreditSource, Signal, WalletEvent } from '../../domain/wallet/events.ts'
import { evolveWallet, ownIdOf, type WalletState, type WithdrawalStatus } from '../../domain/wallet/state.ts'
import type { RequestWithdrawal } from '../../domain/wallet/withdrawals.ts'
import { scenario } from '../support/given.ts'
import { commitment, escrowIds, idOf, keys, txidOf } from './money.ts'

const withdrawals = suite('withdrawals')
const given = scenario<WalletState | undefined, WalletCommand, WalletEvent>(walletDecider)

const { client: owner, chain, steward, stranger, settlement } = keys
const walletId = escrowIds.client
const home = commitment
const abroad = `B${commitment.slice(1)}`
const noon = '2026-01-01T12:00:00.000Z'

const initial = moneyPolicy(initialPolicy)
const policy: MoneyPolicy = {
  ...initial,
  withdrawal: {
    feeMax: '100',
    reviewAmount: '5000',
    newDestinationAmount: '1000',
    velocityWindowSeconds: 3600,
    velocityAmountMax: '6000',
    velocityCountMax: 3,
  },
}

type Request = Extract<WalletEvent, { type: 'WithdrawalRequested' }>['data']

const withdrawalOf = (n: number) => ownIdOf(walletId, idOf(n))
const opened: WalletEvent = { type: 'WalletOpened', data: { walletId, owner } }
const rich: WalletEvent = { type: 'TestDepositIssued', data: { walletId, depositId: idOf(99), amount: '100000', toShortfall: '0' } }

function requested(over: Partial<Request> & { n?: number } = {}): WalletEvent {
  const { n = 1, signals = [], ...rest } = over
  const terms = { walletId, withdrawalId: withdrawalOf(n), amount: '900', feeMax: '100', destination: home }
  return { type: 'WithdrawalRequested', data: { ...terms, signals, review: signals.length > 0, at: noon, ...rest } }
}
const suspicious = requested({ signals: [{ rule: 'amount', limit: '5000' }] })

const withdrawalId = withdrawalOf(1)
const ids = { walletId, withdrawalId }
const [first, second] = [txidOf(1), txidOf(2)]
const block = { blockHash: txidOf(70), height: 70 }
const approved: WalletEvent = { type: 'WithdrawalApproved', data: { ...ids, by: steward } }
const rejected: WalletEvent = { type: 'WithdrawalRejected', data: { ...ids, by: steward, toShortfall: '0' } }
const cancelled: WalletEvent = { type: 'WithdrawalCancelled', data: { ...ids, toShortfall: '0' } }
const failed: WalletEvent = { type: 'WithdrawalFailed', data: { ...ids, reason: 'address_invalid', toShortfall: '0' } }
const signed: WalletEvent = {
  type: 'WithdrawalSigned',
  data: { ...ids, attempt: 1, txid: first, fee: '40', booked: '1000' },
}
const bumped: WalletEvent = { type: 'WithdrawalSigned', data: { ...ids, attempt: 2, txid: second, fee: '90', booked: '0' } }
const paid = (txid: string, fee: string) => ({ ...ids, txid, amount: '900', fee })
const confirmed: WalletEvent = {
  type: 'WithdrawalConfirmed',
  data: { ...paid(first, '40'), feeReturned: '60', toShortfall: '0', feeBorne: '0', ...block },
}
const unconfirmed: WalletEvent = {
  type: 'WithdrawalUnconfirmed',
  data: { ...paid(first, '40'), feeBorne: '0', reason: 'reorg' },
}

const request: RequestWithdrawal = {
  type: 'RequestWithdrawal',
  walletId,
  signer: owner,
  commandId: idOf(1),
  amount: '900',
  feeMax: '100',
  destination: home,
  policy,
  now: noon,
}
const approve: WalletCommand = {
  type: 'ReviewWithdrawal',
  walletId,
  signer: steward,
  stewards: [steward],
  withdrawalId,
  approve: true,
}
const reject: WalletCommand = { ...approve, approve: false }
const cancel: WalletCommand = { type: 'CancelWithdrawal', walletId, signer: owner, withdrawalId }
const byChain = { walletId, signer: chain, serviceKey: chain, withdrawalId }
const fail: WalletCommand = { ...byChain, type: 'FailWithdrawal', reason: 'address_invalid' }
const record: WalletCommand = { ...byChain, type: 'RecordWithdrawalTransaction', attempt: 1, txid: first, fee: '40' }
const bump: WalletCommand = { ...record, attempt: 2, txid: second, fee: '90' }
const confirm: WalletCommand = { ...byChain, type: 'ConfirmWithdrawal', txid: first, ...block }
const unconfirm: WalletCommand = { ...byChain, type: 'UnconfirmWithdrawal', txid: first, reason: 'reorg' }

/** How a withdrawal comes to each of its states. */
const past: Readonly<Record<WithdrawalStatus, readonly WalletEvent[]>> = {
  review: [suspicious],
  approved: [requested()],
  signed: [requested(), signed],
  confirmed: [requested(), signed, confirmed],
  rejected: [suspicious, rejected],
  cancelled: [requested(), cancelled],
  failed: [requested(), failed],
}

const refused = 'WithdrawalNotInStatus'
const unknown = 'WithdrawalTransactionUnknown'

/** What each command makes of each state: an event, nothing, or a refusal. */
type Outcomes = Readonly<Record<WithdrawalStatus, WalletEvent | 'nothing' | typeof refused | typeof unknown>>

// biome-ignore format: a table
const table: readonly [name: string, WalletCommand, Outcomes][] = [
  ['approve', approve, { review: approved, approved: refused, signed: refused, confirmed: refused, rejected: refused, cancelled: refused, failed: refused }],
  ['reject', reject, { review: rejected, approved: refused, signed: refused, confirmed: refused, rejected: refused, cancelled: refused, failed: refused }],
  ['cancel', cancel, { review: cancelled, approved: cancelled, signed: refused, confirmed: refused, rejected: refused, cancelled: 'nothing', failed: refused }],
  ['fail', fail, { review: refused, approved: failed, signed: refused, confirmed: refused, rejected: refused, cancelled: refused, failed: 'nothing' }],
  ['record', record, { review: refused, approved: signed, signed: 'nothing', confirmed: 'nothing', rejected: refused, cancelled: refused, failed: refused }],
  ['bump', bump, { review: refused, approved: refused, signed: bumped, confirmed: refused, rejected: refused, cancelled: refused, failed: refused }],
  ['confirm', confirm, { review: unknown, approved: unknown, signed: confirmed, confirmed: 'nothing', rejected: unknown, cancelled: unknown, failed: unknown }],
  ['unconfirm', unconfirm, { review: unknown, approved: unknown, signed: 'nothing', confirmed: unconfirmed, rejected: unknown, cancelled: unknown, failed: unknown }],
]

for (const [name, command, outcomes] of table)
  for (const [status, outcome] of Object.entries(outcomes) as [WithdrawalStatus, Outcomes[WithdrawalStatus]][])
    withdrawals(`${name} when it is ${status}`, () => {
      const when = given(opened, rich, ...past[status]).when(command)
      if (outcome === 'nothing') when.thenNothing()
      else if (outcome === refused) when.thenRefused(refused, { state: status })
      else if (outcome === unknown) when.thenRefused(unknown)
      else when.then(outcome)
    })

withdrawals('amount and fee are set aside when it is asked for, and come back when it is given up', () => {
  const fold = (...events: WalletEvent[]) => events.reduce<WalletState | undefined>(evolveWallet, undefined)!
  const balance = ({ posted, held }: WalletState) => [posted, held]
  assert.equal(balance(fold(opened, rich, requested())), [100_000n, 1000n])
  for (const end of [rejected, cancelled, failed]) assert.equal(balance(fold(opened, rich, requested(), end)), [100_000n, 0n])
  assert.equal(balance(fold(opened, rich, requested(), signed)), [99_000n, 0n])
  assert.equal(balance(fold(opened, rich, requested(), signed, confirmed)), [99_060n, 0n])
  assert.equal(balance(fold(opened, rich, requested(), signed, confirmed, unconfirmed)), [99_060n, 0n])
})

withdrawals('nobody asks for more than is available, or allows more for fees than the policy', () => {
  given(opened, rich).when(request).then(requested())
  given(opened, rich)
    .when({ ...request, amount: '99901' })
    .thenRefused('FundsInsufficient', { available: '100000', needed: '100001' })
  given(opened, rich)
    .when({ ...request, feeMax: '101' })
    .thenRefused('CommandMalformed', { field: 'command.data.feeMax' })
  given(opened, rich)
    .when({ ...request, signer: stranger })
    .thenRefused('SignerNotAllowed', { needed: 'owner' })
})

withdrawals('the same request happens once, however long ago it was', () => {
  for (const events of Object.values(past))
    given(opened, rich, ...events)
      .when(request)
      .thenNothing()
  given(opened, rich, requested())
    .when({ ...request, amount: '901' })
    .thenRefused('CommandIdReused')
  given(opened, rich, requested())
    .when({ ...request, destination: abroad })
    .thenRefused('CommandIdReused')
})

/** What a request is suspected of. */
function signalsOf(before: WalletEvent[], over: Partial<RequestWithdrawal>): Signal[] {
  const state = [opened, rich, ...before].reduce<WalletState | undefined>(evolveWallet, undefined)
  const [event] = walletDecider.decide({ ...request, commandId: idOf(50), ...over }, state)
  const { signals, review } = event!.data as Request
  assert.is(review, signals.length > 0)
  return signals
}

const windowSeconds = 3600
const known = [requested(), signed, confirmed]
const dayBefore = '2025-12-31T12:00:00.000Z'
const knownLongAgo = [requested({ at: dayBefore }), signed, confirmed]

withdrawals('a large amount is looked at', () => {
  assert.equal(signalsOf(knownLongAgo, { amount: '5000' }), [])
  assert.equal(signalsOf(knownLongAgo, { amount: '5001' }), [{ rule: 'amount', limit: '5000' }])
})

withdrawals('so is one to a destination that was never paid', () => {
  assert.equal(signalsOf([], { amount: '1000' }), [])
  assert.equal(signalsOf([], { amount: '1001' }), [{ rule: 'new_destination', limit: '1000' }])
  assert.equal(signalsOf(knownLongAgo, { amount: '1001', destination: abroad }), [{ rule: 'new_destination', limit: '1000' }])
  assert.equal(signalsOf([requested({ at: dayBefore }), signed], { amount: '1001' }), [{ rule: 'new_destination', limit: '1000' }])
})

withdrawals('so are many, or much, in a short time', () => {
  const three = [requested({ n: 1, amount: '1' }), requested({ n: 2, amount: '2' }), requested({ n: 3, amount: '3' })]
  assert.equal(signalsOf(three.slice(1), {}), [])
  assert.equal(signalsOf(three, {}), [{ rule: 'velocity_count', limit: 3, seen: 4, windowSeconds }])
  assert.equal(signalsOf([...known, requested({ n: 2, amount: '3000' })], { amount: '2100' }), [])
  assert.equal(signalsOf([...known, requested({ n: 2, amount: '3000' })], { amount: '2101' }), [
    { rule: 'velocity_amount', limit: '6000', seen: '6001', windowSeconds },
  ])
})

withdrawals('so is one that looks like another', () => {
  assert.equal(signalsOf([requested()], {}), [{ rule: 'duplicate', of: withdrawalId, windowSeconds }])
  assert.equal(signalsOf([requested()], { destination: abroad }), [])
  assert.equal(signalsOf([requested()], { amount: '899' }), [])
})

withdrawals('what is long ago or was given up is no sign of anything', () => {
  const hourBefore = requested({ at: '2026-01-01T11:00:00.000Z' })
  assert.is(signalsOf([hourBefore], {}).length, 1)
  assert.is(signalsOf([hourBefore], { now: '2026-01-01T12:00:00.001Z' }).length, 0)
  for (const end of [rejected, cancelled, failed]) assert.equal(signalsOf([requested(), end], {}), [])
})

withdrawals('all signs are told', () => {
  const before = [requested({ n: 2 }), requested({ n: 3 }), requested({ n: 4, amount: '6000', destination: abroad })]
  assert.equal(
    signalsOf(before, { amount: '6000', destination: abroad }).map(({ rule }) => rule),
    ['amount', 'new_destination', 'velocity_amount', 'velocity_count', 'duplicate'],
  )
})

withdrawals('only stewards review, only the owner cancels, only the chain pays', () => {
  given(opened, rich, suspicious)
    .when({ ...approve, signer: owner })
    .thenRefused('SignerNotAllowed', { needed: 'steward' })
  given(opened, rich, requested())
    .when({ ...cancel, signer: steward })
    .thenRefused('SignerNotAllowed', { needed: 'owner' })
  for (const command of [fail, record, bump, confirm, unconfirm])
    for (const signer of [owner, steward, settlement])
      given(opened, rich, requested(), signed)
        .when({ ...command, signer } as WalletCommand)
        .thenRefused('SignerNotAllowed', { needed: 'service:chain' })
})

withdrawals('nothing can be done to one that was not asked for', () => {
  for (const [, command] of table) given(opened, rich).when(command).thenRefused('WithdrawalUnknown', { withdrawalId })
})

withdrawals('attempts follow each other, none pays more than was set aside', () => {
  given(opened, rich, requested())
    .when({ ...record, fee: '100' })
    .then({ ...signed, data: { ...signed.data, fee: '100' } } as WalletEvent)
  given(opened, rich, requested())
    .when({ ...record, fee: '101' })
    .thenRefused('CommandMalformed', { field: 'command.data.fee' })
  for (const attempt of [3, 4])
    given(opened, rich, requested(), signed)
      .when({ ...bump, attempt })
      .thenRefused('CommandMalformed', { field: 'command.data.attempt' })
  // A second first transaction would be a second payment.
  given(opened, rich, requested(), signed)
    .when({ ...record, txid: second })
    .thenRefused(refused)
})

withdrawals('of two attempts the chain takes the one that it takes', () => {
  const cheap = { ...paid(first, '40'), feeReturned: '60' }
  const dear = { ...paid(second, '90'), feeReturned: '10' }
  for (const [txid, data] of [
    [first, cheap],
    [second, dear],
  ] as const)
    given(opened, rich, requested(), signed, bumped)
      .when({ ...confirm, txid })
      .then({ type: 'WithdrawalConfirmed', data: { ...data, toShortfall: '0', feeBorne: '0', ...block } })
  given(opened, rich, requested(), signed, bumped)
    .when({ ...confirm, txid: txidOf(3) })
    .thenRefused(unknown)
})

withdrawals('one that is confirmed is not confirmed by another transaction as well', () => {
  given(opened, rich, requested(), signed, bumped, confirmed)
    .when({ ...confirm, txid: second })
    .thenRefused(refused, { state: 'confirmed' })
  given(opened, rich, requested(), signed, bumped, confirmed)
    .when({ ...unconfirm, txid: second })
    .thenRefused(unknown)
})

withdrawals('what came back and is needed after all is borne by the network, and given back when that is undone', () => {
  const reorged = [opened, rich, requested(), signed, bumped, confirmed, unconfirmed]
  const dear: WalletEvent = {
    type: 'WithdrawalConfirmed',
    data: { ...paid(second, '90'), feeReturned: '0', toShortfall: '0', feeBorne: '50', ...block },
  }
  given(...reorged)
    .when({ ...confirm, txid: second })
    .then(dear)
  given(...reorged, dear)
    .when({ ...unconfirm, txid: second })
    .then({ type: 'WithdrawalUnconfirmed', data: { ...paid(second, '90'), feeBorne: '50', reason: 'reorg' } })
  given(...reorged)
    .when(confirm)
    .then({ ...confirmed, data: { ...confirmed.data, feeReturned: '0' } } as WalletEvent)
})

withdrawals('a wallet that owes pays nothing out; what comes free repays its debt', () => {
  const deposit = { txid: txidOf(9), vout: 0 }
  const owing: WalletEvent[] = [
    opened,
    { type: 'DepositCredited', data: { walletId, ...deposit, amount: '1000', toShortfall: '0', ...block } },
    requested(),
    { type: 'DepositReversed', data: { walletId, ...deposit, amount: '1000', fromShortfall: '1000', reason: 'reorg' } },
  ]
  given(...owing)
    .when(record)
    .thenRefused('WalletFrozen', { shortfall: '1000' })
  given(...owing)
    .when(cancel)
    .then({ ...cancelled, data: { ...cancelled.data, toShortfall: '1000' } } as WalletEvent)
  given(...owing)
    .when(fail)
    .then({ ...failed, data: { ...failed.data, toShortfall: '1000' } } as WalletEvent)
  // Once signed, it is on its way: only what it does not need comes back.
  const onItsWay = [...owing.slice(0, 3), signed, owing[3]!]
  given(...onItsWay)
    .when(bump)
    .then(bumped)
  given(...onItsWay)
    .when(confirm)
    .then({ ...confirmed, data: { ...confirmed.data, toShortfall: '60' } } as WalletEvent)
})

const order = { destination: home, feeMax: '100', amountMin: '500' }
const ordered: WalletEvent = { type: 'StandingOrderChanged', data: { walletId, order } }
const change: WalletCommand = { type: 'ChangeStandingOrder', walletId, signer: owner, order, policy }
const source: Extract<CreditSource, { kind: 'airdrop' }> = {
  kind: 'airdrop',
  campaignId: idOf(50),
  nodeId: 'n'.repeat(32),
  leg: 'allotment',
}
const post = { type: 'PostCredit', walletId, signer: settlement, serviceKey: settlement, source, policy, now: noon } as const
const posted = (amount: string, toShortfall = '0', over: CreditSource = source): WalletEvent => ({
  type: 'CreditPosted',
  data: { walletId, source: over, amount, toShortfall },
})
const sentOn = (amount: string, over: Partial<Request> = {}) =>
  requested({ withdrawalId: ownIdOf(walletId, `airdrop:${idOf(50)}:allotment:${'n'.repeat(32)}`), amount, ...over })

withdrawals('a standing order is the owner’s, changes once, and ends', () => {
  given(opened).when(change).then(ordered)
  given(opened, ordered).when(change).thenNothing()
  given(opened)
    .when({ ...change, order: null })
    .thenNothing()
  given(opened, ordered)
    .when({ ...change, order: null })
    .then({ type: 'StandingOrderChanged', data: { walletId, order: null } })
  given(opened, ordered)
    .when({ ...change, order: { ...order, amountMin: '501' } })
    .then({ type: 'StandingOrderChanged', data: { walletId, order: { ...order, amountMin: '501' } } })
  given(opened)
    .when({ ...change, signer: stranger })
    .thenRefused('SignerNotAllowed')
  given(opened)
    .when({ ...change, order: { ...order, feeMax: '101' } })
    .thenRefused('CommandMalformed', { field: 'command.data.order.feeMax' })
  given().when(change).thenRefused('WalletUnknown', { walletId })
})

withdrawals('what an airdrop credits is sent on by the standing order, less its fee, once', () => {
  given(opened, ordered)
    .when({ ...post, owed: 1000n })
    .then(posted('1000'), sentOn('900'))
  given(opened, ordered, posted('1000'), sentOn('900'))
    .when({ ...post, owed: 1000n })
    .thenNothing()
  given(opened, ordered)
    .when({ ...post, owed: 600n })
    .then(posted('600'), sentOn('500'))
  given(opened, ordered)
    .when({ ...post, owed: 1200n })
    .then(posted('1200'), sentOn('1100', { signals: [{ rule: 'new_destination', limit: '1000' }], review: true }))
  const cheaper = { ...policy, withdrawal: { ...policy.withdrawal, feeMax: '40' } }
  given(opened, ordered)
    .when({ ...post, policy: cheaper, owed: 1000n })
    .then(posted('1000'), sentOn('960', { feeMax: '40' }))
})

withdrawals('what is too little, of another source, or a debtor’s stays in the wallet', () => {
  given(opened, ordered)
    .when({ ...post, owed: 599n })
    .then(posted('599'))
  given(opened)
    .when({ ...post, owed: 1000n })
    .then(posted('1000'))
  const refund: CreditSource = { kind: 'escrow', escrowId: idOf(60), leg: 'refund' }
  given(opened, ordered)
    .when({ ...post, source: refund, owed: 1000n })
    .then(posted('1000', '0', refund))
  const deposit = { walletId, txid: txidOf(5), vout: 0, amount: '2000' }
  const indebted: WalletEvent[] = [
    opened,
    { type: 'DepositCredited', data: { ...deposit, toShortfall: '0', ...block } },
    { type: 'TransferSent', data: { walletId, transferId: idOf(61), to: idOf(62), amount: '2000' } },
    { type: 'DepositReversed', data: { ...deposit, fromShortfall: '2000', reason: 'reorganised' } },
    ordered,
  ]
  given(...indebted)
    .when({ ...post, owed: 1000n })
    .then(posted('1000', '1000'))
  given(...indebted)
    .when({ ...post, owed: 2700n })
    .then(posted('2700', '2000'), sentOn('600'))
  given(...indebted)
    .when({ ...post, owed: 2500n })
    .then(posted('2500', '2000'))
})

withdrawals.run()
