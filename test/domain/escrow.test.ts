import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DomainError, type RefusalCode } from '../../domain/errors.ts'
import { type EscrowCommand, escrowDecider, evidenceMax, type Parties, refundsMax } from '../../domain/escrow/decider.ts'
import type { EscrowEvent } from '../../domain/escrow/events.ts'
import { type EscrowState, type EscrowStatus, escrowStatuses, evolveEscrow, isTerminal } from '../../domain/escrow/state.ts'
import { evolveWallet, type WalletState } from '../../domain/wallet/state.ts'
import { scenario } from '../support/given.ts'
import { property } from '../support/property.ts'
import { commitment, escrowIds, idOf, keys, network, openedEscrow, windows } from './money.ts'

const escrow = suite('escrow')
const given = scenario<EscrowState | undefined, EscrowCommand, EscrowEvent>(escrowDecider)

const { escrowId, client: clientWallet, provider: providerWallet } = escrowIds
const { client, provider, verifier, settlement, arbiter, arbiter2, stranger } = keys
const resultHash = 'a'.repeat(64)
const otherHash = 'b'.repeat(64)
const signature = `${'A'.repeat(85)}A`
const at = (time: string) => `2026-01-01T${time}.000Z`

// The clock stands at 00:05 where the tests do not say otherwise. What is to be done is to be done by 00:10.
const dueAt = at('00:10:00')
const later = at('00:15:00')
const { data: terms } = openedEscrow as Extract<EscrowEvent, { type: 'EscrowOpened' }>
const openedByThree: EscrowEvent = { type: 'EscrowOpened', data: { ...terms, verifier } }
const funded: EscrowEvent = { type: 'EscrowFunded', data: { ...escrowIds, amount: '1000', dueAt } }
const started: EscrowEvent = { type: 'EscrowStarted', data: { ...escrowIds, dueAt } }
const delivered: EscrowEvent = {
  type: 'EscrowDelivered',
  data: { ...escrowIds, resultHash, signature, signedBy: provider, dueAt },
}
const judged = (valid: boolean): EscrowEvent => ({ type: 'ResultVerified', data: { ...escrowIds, resultHash, valid } })
const arbiters = network.arbiters
const disputed: EscrowEvent = {
  type: 'EscrowDisputed',
  data: { ...escrowIds, by: 'client', reason: commitment, arbiters, dueAt },
}
const voted = (by: string, providerAmount: string): EscrowEvent => ({
  type: 'DisputeVoted',
  data: { ...escrowIds, arbiter: by, providerAmount },
})
const released: EscrowEvent = {
  type: 'EscrowReleased',
  data: { ...escrowIds, resultHash, providerAmount: '950', fundAmount: '50' },
}
type Reason = Extract<EscrowEvent, { type: 'EscrowRefunded' }>['data']['reason']
const refunded = (reason: Reason, amount = '1000'): EscrowEvent => ({
  type: 'EscrowRefunded',
  data: { ...escrowIds, amount, reason },
})
const expired = (reason: 'cancelled' | 'not_funded'): EscrowEvent => ({ type: 'EscrowExpired', data: { ...escrowIds, reason } })
const resolved = (by: 'arbiters' | 'fallback', providerAmount: string, fundAmount: string, clientAmount: string): EscrowEvent => ({
  type: 'EscrowResolved',
  data: { ...escrowIds, by, providerAmount, fundAmount, clientAmount },
})
const partly = (n: number, amount: string): EscrowEvent => ({
  type: 'EscrowPartlyRefunded',
  data: { ...escrowIds, n, refundId: idOf(600 + n), amount },
})

/** How an escrow comes to each of its states, its client verifying. */
const past: Readonly<Record<EscrowStatus, readonly EscrowEvent[]>> = {
  open: [openedEscrow],
  funded: [openedEscrow, funded],
  in_progress: [openedEscrow, funded, started],
  delivered: [openedEscrow, funded, started, delivered],
  disputed: [openedEscrow, funded, started, delivered, disputed],
  released: [openedEscrow, funded, started, delivered, judged(true), released],
  refunded: [openedEscrow, funded, refunded('declined')],
  resolved: [openedEscrow, funded, started, delivered, disputed, resolved('arbiters', '950', '50', '0')],
  expired: [openedEscrow, expired('not_funded')],
}

function walletWith(walletId: string, owner: string, hold?: 'held' | 'captured'): WalletState {
  const events = [
    { type: 'WalletOpened', data: { walletId, owner } },
    { type: 'HoldPlaced', data: { walletId, holdId: escrowId, amount: '1000' } },
    { type: 'HoldCaptured', data: { walletId, holdId: escrowId, amount: '1000' } },
  ] as const
  const count = hold === 'captured' ? 3 : hold === 'held' ? 2 : 1
  return events.slice(0, count).reduce<WalletState | undefined>(evolveWallet, undefined)!
}
const partiesWith = (hold?: 'held' | 'captured'): Parties => ({
  client: walletWith(clientWallet, client, hold),
  provider: walletWith(providerWallet, provider),
})

const common = { escrowId, now: at('00:05:00'), network, parties: partiesWith('captured') }
const open: EscrowCommand = {
  ...common,
  type: 'OpenEscrow',
  commandId: escrowId,
  signer: client,
  client: clientWallet,
  provider: providerWallet,
  amount: '1000',
  terms: commitment,
  fallbackProviderPermille: 300,
  windows,
}
const cancel: EscrowCommand = { ...common, type: 'CancelEscrow', signer: client }
const recordFunding: EscrowCommand = { ...common, type: 'RecordFunding', signer: settlement, parties: partiesWith('held') }
const start: EscrowCommand = { ...common, type: 'StartEscrow', signer: provider }
const decline: EscrowCommand = { ...common, type: 'DeclineEscrow', signer: provider }
const deliver: EscrowCommand = { ...common, type: 'DeliverResult', signer: provider, resultHash, signature, proven: true }
const verify: EscrowCommand = { ...common, type: 'VerifyResult', signer: client, resultHash, valid: true }
const release: EscrowCommand = { ...common, type: 'ReleaseEscrow', signer: client, resultHash }
const grant: EscrowCommand = { ...common, type: 'GrantRefund', commandId: idOf(601), signer: provider, amount: '400' }
const dispute: EscrowCommand = { ...common, type: 'OpenDispute', signer: client, reason: commitment }
const evidence: EscrowCommand = { ...common, type: 'AddEvidence', signer: client, evidence: commitment }
const vote: EscrowCommand = { ...common, type: 'VoteOnDispute', signer: arbiter, providerAmount: '600' }
const pass = (status: 'open' | 'funded' | 'in_progress' | 'delivered' | 'disputed'): EscrowCommand => ({
  ...common,
  type: 'PassDeadline',
  signer: settlement,
  status,
  dueAt,
  now: dueAt,
})

const no = 'EscrowNotInStatus'
type Outcome = RefusalCode | 'nothing' | readonly string[]

/**
 * What each command, from whoever may send it and in time, makes of each state: the types of its events, nothing, or a refusal. `null` is
 * the escrow that is not there. Compare the table of states in docs/money.md.
 */
// biome-ignore format: a table
const table: readonly [EscrowCommand, Readonly<Record<EscrowStatus | 'null', Outcome>>][] = [
  [open, { null: ['EscrowOpened'], open: 'EscrowAlreadyOpen', funded: 'EscrowAlreadyOpen', in_progress: 'EscrowAlreadyOpen', delivered: 'EscrowAlreadyOpen', disputed: 'EscrowAlreadyOpen', released: 'EscrowAlreadyOpen', refunded: 'EscrowAlreadyOpen', resolved: 'EscrowAlreadyOpen', expired: 'EscrowAlreadyOpen' }],
  [cancel, { null: 'EscrowUnknown', open: ['EscrowExpired'], funded: ['EscrowRefunded'], in_progress: no, delivered: no, disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [recordFunding, { null: 'EscrowUnknown', open: ['EscrowFunded'], funded: 'nothing', in_progress: 'nothing', delivered: 'nothing', disputed: 'nothing', released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: no }],
  [start, { null: 'EscrowUnknown', open: no, funded: ['EscrowStarted'], in_progress: 'nothing', delivered: no, disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [decline, { null: 'EscrowUnknown', open: no, funded: ['EscrowRefunded'], in_progress: ['EscrowRefunded'], delivered: ['EscrowRefunded'], disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [deliver, { null: 'EscrowUnknown', open: no, funded: no, in_progress: ['EscrowDelivered'], delivered: 'nothing', disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [verify, { null: 'EscrowUnknown', open: no, funded: no, in_progress: no, delivered: ['ResultVerified'], disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [release, { null: 'EscrowUnknown', open: no, funded: no, in_progress: no, delivered: ['ResultVerified', 'EscrowReleased'], disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [grant, { null: 'EscrowUnknown', open: no, funded: no, in_progress: ['EscrowPartlyRefunded'], delivered: ['EscrowPartlyRefunded'], disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [dispute, { null: 'EscrowUnknown', open: no, funded: no, in_progress: ['EscrowDisputed'], delivered: ['EscrowDisputed'], disputed: no, released: no, refunded: no, resolved: no, expired: no }],
  [evidence, { null: 'EscrowUnknown', open: no, funded: no, in_progress: no, delivered: no, disputed: ['EvidenceAdded'], released: no, refunded: no, resolved: no, expired: no }],
  [vote, { null: 'EscrowUnknown', open: no, funded: no, in_progress: no, delivered: no, disputed: ['DisputeVoted'], released: no, refunded: no, resolved: no, expired: no }],
  [pass('open'), { null: 'EscrowUnknown', open: ['EscrowExpired'], funded: 'nothing', in_progress: 'nothing', delivered: 'nothing', disputed: 'nothing', released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: 'nothing' }],
  [pass('funded'), { null: 'EscrowUnknown', open: 'nothing', funded: ['EscrowRefunded'], in_progress: 'nothing', delivered: 'nothing', disputed: 'nothing', released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: 'nothing' }],
  [pass('in_progress'), { null: 'EscrowUnknown', open: 'nothing', funded: 'nothing', in_progress: ['EscrowRefunded'], delivered: 'nothing', disputed: 'nothing', released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: 'nothing' }],
  [pass('delivered'), { null: 'EscrowUnknown', open: 'nothing', funded: 'nothing', in_progress: 'nothing', delivered: ['EscrowReleased'], disputed: 'nothing', released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: 'nothing' }],
  [pass('disputed'), { null: 'EscrowUnknown', open: 'nothing', funded: 'nothing', in_progress: 'nothing', delivered: 'nothing', disputed: ['EscrowResolved'], released: 'nothing', refunded: 'nothing', resolved: 'nothing', expired: 'nothing' }],
]

for (const [command, outcomes] of table)
  for (const status of [...escrowStatuses, 'null'] as const) {
    const name = command.type === 'PassDeadline' ? `the end of ${command.status}` : command.type
    escrow(`${name} when it is ${status === 'null' ? 'not there' : status}`, () => {
      const events = status === 'null' ? [] : past[status]
      const outcome = outcomes[status]
      if (typeof outcome === 'object') assert.equal(typesOf(events, command), outcome)
      else if (outcome === 'nothing')
        given(...events)
          .when(command)
          .thenNothing()
      else
        given(...events)
          .when(command)
          .thenRefused(outcome)
    })
  }

function typesOf(events: readonly EscrowEvent[], command: EscrowCommand): string[] {
  const state = events.reduce<EscrowState | undefined>(evolveEscrow, undefined)
  return escrowDecider.decide(command, state).map(({ type }) => type)
}

escrow('every state that waits can be left, and what is over stays over', () => {
  for (const status of escrowStatuses) {
    const moving = table.filter(([, outcomes]) => typeof outcomes[status] === 'object').length
    assert.is(moving > 0, !isTerminal({ status } as EscrowState), status)
  }
})

escrow('opening fixes what is agreed, with the share that the policy has now', () => {
  const event = openedEscrow as Extract<EscrowEvent, { type: 'EscrowOpened' }>
  given()
    .when(open)
    .then({ ...event, data: { ...event.data, dueAt: at('00:15:00') } })
  given()
    .when({ ...open, verifier })
    .then({ ...event, data: { ...event.data, verifier, dueAt: at('00:15:00') } })
  // A client that names its own key is the client, whichever key it has later.
  given()
    .when({ ...open, verifier: client })
    .then({ ...event, data: { ...event.data, dueAt: at('00:15:00') } })
})

escrow('opening needs two wallets, the signature of one, and patience within limits', () => {
  const { parties } = open
  const refusals: [Partial<typeof open>, RefusalCode, Record<string, unknown>][] = [
    [{ commandId: idOf(1) }, 'CommandMalformed', { field: 'command.subject' }],
    [{ provider: clientWallet }, 'CommandMalformed', { field: 'command.data.provider' }],
    [{ parties: { ...parties, client: undefined } }, 'WalletUnknown', { walletId: clientWallet }],
    [{ parties: { ...parties, provider: undefined } }, 'WalletUnknown', { walletId: providerWallet }],
    [{ signer: provider }, 'SignerNotAllowed', { needed: 'client' }],
    [{ windows: { ...windows, accept: 90 * 86_400 + 1 } }, 'CommandMalformed', { field: 'command.data.windows.accept' }],
  ]
  for (const [change, code, details] of refusals)
    given()
      .when({ ...open, ...change } as EscrowCommand)
      .thenRefused(code, details)
})

/** Who may send what. */
const allowed: readonly [EscrowCommand, EscrowStatus, readonly string[], needed: string][] = [
  [cancel, 'open', [client], 'client'],
  [recordFunding, 'open', [settlement], 'service:settlement'],
  [start, 'funded', [provider], 'provider'],
  [decline, 'funded', [provider], 'provider'],
  [deliver, 'in_progress', [provider], 'provider'],
  [verify, 'delivered', [client], 'verifier'],
  [release, 'delivered', [client], 'client'],
  [grant, 'in_progress', [provider], 'provider'],
  [dispute, 'delivered', [client, provider], 'client or provider'],
  [evidence, 'disputed', [client, provider, arbiter, arbiter2], 'client or provider'],
  [vote, 'disputed', [arbiter, arbiter2], 'arbiter'],
  [pass('open'), 'open', [settlement], 'service:settlement'],
]

for (const [command, status, signers, needed] of allowed)
  escrow(`${command.type} is for ${signers.length} of all keys`, () => {
    for (const signer of Object.values(keys))
      if (signers.includes(signer)) assert.ok(typesOf(past[status], { ...command, signer } as EscrowCommand).length)
      else
        given(...past[status])
          .when({ ...command, signer } as EscrowCommand)
          .thenRefused('SignerNotAllowed', { needed })
  })

escrow('whoever has the key of a wallet speaks for it, now', () => {
  const parties = { ...common.parties, client: walletWith(clientWallet, stranger, 'captured') }
  given(...past.delivered)
    .when({ ...release, parties })
    .thenRefused('SignerNotAllowed')
  given(...past.delivered)
    .when({ ...release, parties, signer: stranger })
    .then(judged(true), released)
  // Nor does a new key make the client's silence somebody else's.
  given(...past.delivered)
    .when({ ...pass('delivered'), parties })
    .then(released)
})

escrow('it is funded by the hold, and the money is there before work starts or goes back', () => {
  given(...past.open)
    .when(recordFunding)
    .then({ ...funded, data: { ...escrowIds, amount: '1000', dueAt: later } } as EscrowEvent)
  given(...past.open)
    .when({ ...recordFunding, parties: partiesWith() })
    .thenRefused('HoldUnknown', { holdId: escrowId })
  for (const command of [start, cancel, decline, pass('funded')])
    given(...past.funded)
      .when({ ...command, parties: partiesWith('held') } as EscrowCommand)
      .thenRefused('EscrowNotCaptured', { retryAfterSeconds: 1 })
})

escrow('each waiting state lasts as long as its window', () => {
  const states = [
    [past.open, recordFunding],
    [past.funded, start],
    [past.in_progress, deliver],
    [past.delivered, dispute],
  ] as const
  for (const [events, command] of states) {
    const state = events.reduce<EscrowState | undefined>(evolveEscrow, undefined)
    const [event] = escrowDecider.decide(command, state)
    assert.is((event!.data as { dueAt: string }).dueAt, later)
  }
})

escrow('who is late is told so; nobody passes a deadline early', () => {
  for (const [events, command] of [
    [past.funded, start],
    [past.in_progress, deliver],
  ] as const) {
    given(...events)
      .when({ ...command, now: dueAt } as EscrowCommand)
      .thenRefused('DeadlinePassed', { dueAt })
    assert.ok(typesOf(events, { ...command, now: at('00:09:59') } as EscrowCommand).length)
  }
  given(...past.open)
    .when({ ...pass('open'), now: at('00:09:59') })
    .thenRefused('DeadlineNotReached', { dueAt })
  // One that is for a time before: the state has been left and entered again.
  given(...past.open)
    .when({ ...pass('open'), dueAt: at('00:09:00') } as EscrowCommand)
    .thenNothing()
})

/** What becomes of a state whose time is over. */
const deadlines: readonly [what: string, past: readonly EscrowEvent[], command: EscrowCommand, ...EscrowEvent[]][] = [
  ['not funded', past.open, pass('open'), expired('not_funded')],
  ['not started', past.funded, pass('funded'), refunded('not_started')],
  ['not delivered', past.in_progress, pass('in_progress'), refunded('not_delivered')],
  ['its client is silent', past.delivered, pass('delivered'), released],
  ['verified', [...past.delivered, judged(true)], pass('delivered'), released],
  ['found wrong', [...past.delivered, judged(false)], pass('delivered'), refunded('invalid_result')],
  [
    'another verifier is silent',
    [openedByThree, funded, started, delivered],
    pass('delivered'),
    { type: 'EscrowDisputed', data: { ...escrowIds, by: 'deadline', arbiters, dueAt: at('00:20:00') } },
  ],
  [
    'another verifier is silent and there are no arbiters',
    [openedByThree, funded, started, delivered],
    { ...pass('delivered'), network: { ...network, arbiters: { members: [], threshold: 0 } } },
    resolved('fallback', '285', '15', '700'),
  ],
  ['undecided', [...past.disputed, voted(arbiter, '0')], pass('disputed'), resolved('fallback', '285', '15', '700')],
]

for (const [what, events, command, ...outcome] of deadlines)
  escrow(`when time is over: ${what}`, () =>
    given(...events)
      .when(command)
      .then(...outcome),
  )

escrow('a result is signed by its provider and can be mended until it is judged', () => {
  given(...past.in_progress)
    .when({ ...deliver, proven: false })
    .thenRefused('ResultSignatureInvalid')
  given(...past.delivered)
    .when({ ...deliver, resultHash: otherHash })
    .then({ ...delivered, data: { ...delivered.data, resultHash: otherHash, dueAt: later } } as EscrowEvent)
  for (const valid of [true, false]) {
    given(...past.delivered, judged(valid))
      .when({ ...deliver, resultHash: otherHash })
      .thenRefused('ResultAlreadyVerified')
    given(...past.delivered, judged(valid))
      .when(deliver)
      .thenNothing()
  }
})

escrow('a judgement is of the result that was delivered, and stays', () => {
  given(...past.delivered)
    .when({ ...verify, resultHash: otherHash })
    .thenRefused('ResultMismatch', { delivered: resultHash })
  given(...past.delivered, judged(true))
    .when(verify)
    .thenNothing()
  given(...past.delivered, judged(false))
    .when(verify)
    .thenRefused('ResultAlreadyVerified')
  given(openedByThree, funded, started, delivered)
    .when({ ...verify, signer: verifier, valid: false })
    .then(judged(false))
  given(openedByThree, funded, started, delivered).when(verify).thenRefused('SignerNotAllowed', { needed: 'verifier' })
})

escrow('nothing is released that is not verified', () => {
  given(...past.delivered)
    .when({ ...release, resultHash: otherHash })
    .thenRefused('ResultMismatch', { delivered: resultHash })
  given(openedByThree, funded, started, delivered).when(release).thenRefused('ResultNotVerified', { valid: null })
  given(...past.delivered, judged(false))
    .when(release)
    .thenRefused('ResultNotVerified', { valid: false })
  given(openedByThree, funded, started, delivered, judged(true)).when(release).then(released)
})

escrow('a provider gives back part of it, less than all, each time once', () => {
  given(...past.in_progress)
    .when(grant)
    .then(partly(1, '400'))
  given(...past.in_progress, partly(1, '400'))
    .when(grant)
    .thenNothing()
  given(...past.released.slice(0, 3), partly(1, '400'))
    .when({ ...grant, amount: '401' })
    .thenRefused('CommandIdReused')
  given(...past.in_progress, partly(1, '400'))
    .when({ ...grant, commandId: idOf(602), amount: '599' })
    .then(partly(2, '599'))
  given(...past.in_progress, partly(1, '400'))
    .when({ ...grant, commandId: idOf(602), amount: '600' })
    .thenRefused('CommandMalformed', { field: 'command.data.amount' })
  const many = Array.from({ length: refundsMax }, (_, n) => partly(n + 1, '1'))
  given(...past.in_progress, ...many)
    .when({ ...grant, commandId: idOf(999), amount: '1' })
    .thenRefused('RefundsTooMany', { refundsMax })
  given(...past.in_progress, partly(1, '400'), delivered)
    .when(release)
    .then(judged(true), { ...released, data: { ...released.data, providerAmount: '570', fundAmount: '30' } } as EscrowEvent)
  given(...past.in_progress, partly(1, '400'))
    .when(decline)
    .then(refunded('declined', '600'))
})

escrow('a dispute needs arbiters, and keeps those it began with', () => {
  given(...past.delivered)
    .when(dispute)
    .then({ ...disputed, data: { ...disputed.data, dueAt: later } } as EscrowEvent)
  given(...past.delivered)
    .when({ ...dispute, signer: provider })
    .then({ ...disputed, data: { ...disputed.data, by: 'provider', dueAt: later } } as EscrowEvent)
  for (const nobody of [
    { members: [], threshold: 0 },
    { members: [arbiter], threshold: 0 },
  ])
    given(...past.delivered)
      .when({ ...dispute, network: { ...network, arbiters: nobody } })
      .thenRefused('NoArbiters')
  const others = { ...network, arbiters: { members: [stranger], threshold: 1 } }
  given(...past.disputed)
    .when({ ...vote, network: others })
    .then(voted(arbiter, '600'))
  given(...past.disputed)
    .when({ ...vote, network: others, signer: stranger })
    .thenRefused('SignerNotAllowed', { needed: 'arbiter' })
})

escrow('each side brings its own evidence, and leaves the others room', () => {
  const brought = (by: 'client' | 'provider' | 'arbiter', key: string): EscrowEvent => ({
    type: 'EvidenceAdded',
    data: { ...escrowIds, by, key, evidence: commitment },
  })
  for (const [signer, by] of [
    [client, 'client'],
    [provider, 'provider'],
    [arbiter2, 'arbiter'],
  ] as const)
    given(...past.disputed)
      .when({ ...evidence, signer })
      .then(brought(by, signer))
  const flood = Array.from({ length: evidenceMax }, () => brought('client', client))
  given(...past.disputed, ...flood)
    .when(evidence)
    .thenRefused('EvidenceTooMuch', { evidenceMax })
  given(...past.disputed, ...flood)
    .when({ ...evidence, signer: provider })
    .then(brought('provider', provider))
})

escrow('as many arbiters as are needed decide, each by its last word', () => {
  given(...past.disputed, voted(arbiter2, '600'))
    .when(vote)
    .then(voted(arbiter, '600'), resolved('arbiters', '570', '30', '400'))
  given(...past.disputed, voted(arbiter2, '601'))
    .when(vote)
    .then(voted(arbiter, '600'))
  given(...past.disputed, voted(arbiter, '600'))
    .when(vote)
    .thenNothing()
  given(...past.disputed, voted(arbiter, '0'))
    .when(vote)
    .then(voted(arbiter, '600'))
  // Who changed its mind agrees with nobody any more.
  given(...past.disputed, voted(arbiter2, '600'), voted(arbiter2, '0'))
    .when(vote)
    .then(voted(arbiter, '600'))
  given(...past.disputed)
    .when({ ...vote, providerAmount: '1001' })
    .thenRefused('CommandMalformed', { field: 'command.data.providerAmount' })
})

escrow('all or nothing is a decision too, and a leg of nothing does not exist', () => {
  const legsOf = (...events: EscrowEvent[]) => [
    ...[...past.disputed, ...events].reduce<EscrowState | undefined>(evolveEscrow, undefined)!.legs,
  ]
  given(...past.disputed, voted(arbiter2, '0'))
    .when({ ...vote, providerAmount: '0' })
    .then(voted(arbiter, '0'), resolved('arbiters', '0', '0', '1000'))
  assert.equal(legsOf(resolved('arbiters', '0', '0', '1000')), [['refund', { to: clientWallet, amount: 1000n }]])
  assert.equal(legsOf(resolved('arbiters', '950', '50', '0')), [['provider', { to: providerWallet, amount: 950n }]])
})

const units = fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(1n, 10n ** 15n), fc.bigInt(10n ** 15n, 10n ** 20n))

escrow('whatever is refunded and however it is divided, all that was locked is paid, to the unit', () =>
  property(
    fc.property(
      units,
      fc.array(units, { maxLength: 5 }),
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 0, max: 1000 }),
      fc.constantFrom('release', 'decline', 'arbiters', 'fallback'),
      units,
      (amount, refunds, fundSharePermille, fallbackProviderPermille, end, award) => {
        const agreed = { ...terms, amount: String(amount), fundSharePermille, fallbackProviderPermille }
        let state = [{ type: 'EscrowOpened', data: agreed } as const, funded, started, delivered].reduce<EscrowState | undefined>(
          evolveEscrow,
          undefined,
        )!
        const events: EscrowEvent[] = []
        const decide = (command: EscrowCommand) => {
          for (const event of escrowDecider.decide(command, state)) {
            events.push(event)
            state = evolveEscrow(state, event)!
          }
        }
        for (const [n, refund] of refunds.entries())
          if (refund < state.rest) decide({ ...grant, commandId: idOf(700 + n), amount: String(refund) })
          else
            assert.throws(
              () => decide({ ...grant, amount: String(refund) }),
              (error: unknown) => error instanceof DomainError,
            )
        const { rest } = state
        if (end === 'release') decide(release)
        if (end === 'decline') decide(decline)
        if (end === 'arbiters' || end === 'fallback') decide(dispute)
        if (end === 'arbiters')
          for (const signer of [arbiter, arbiter2]) decide({ ...vote, signer, providerAmount: String(award % (rest + 1n)) })
        if (end === 'fallback') decide({ ...pass('disputed'), dueAt: later, now: later } as EscrowCommand)
        let [provided, fund, back] = [0n, 0n, 0n]
        for (const { data } of events) {
          const paid = data as { amount?: string; providerAmount?: string; fundAmount?: string; clientAmount?: string }
          if (paid.fundAmount === undefined) back += BigInt(paid.amount ?? 0)
          else [provided, fund, back] = [provided + BigInt(paid.providerAmount!), fund + BigInt(paid.fundAmount), back + BigInt(paid.clientAmount ?? 0)] // biome-ignore format: one sum each
        }
        assert.is(provided + fund + back, amount)
        assert.is(fund, ((provided + fund) * BigInt(fundSharePermille)) / 1000n)
        const owed = [...state.legs.values()].reduce((sum, leg) => sum + leg.amount, 0n)
        assert.is(owed, provided + back)
        assert.ok([...state.legs.values()].every((leg) => leg.amount > 0n))
        assert.is(state.rest, 0n)
        assert.ok(isTerminal(state))
      },
    ),
  ),
)

escrow.run()
