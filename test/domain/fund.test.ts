import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FundCommand, type FundState, fundDecider } from '../../domain/fund/decider.ts'
import type { FundEvent } from '../../domain/fund/events.ts'
import { evolveWallet } from '../../domain/wallet/state.ts'
import { scenario } from '../support/given.ts'
import { commitment, idOf, keys, network, walletOf } from './money.ts'

const fund = suite('community fund')
const given = scenario<FundState, FundCommand, FundEvent>(fundDecider)

const { steward, steward2, settlement, authority, stranger } = keys
const now = '2026-01-01T00:00:00.000Z'
const expiresAt = '2026-01-02T00:00:00.000Z'
const walletId = walletOf(1)
const to = { kind: 'wallet', id: walletId } as const
const proposalId = idOf(3)
const listDigest = 'c'.repeat(64)
const common = { now, network }

const range = { fromIndex: 0, toIndex: 99, count: 3, amount: '150', listDigest }
const swept: FundEvent = { type: 'ContributionsSwept', data: { n: 1, ...range } }
const sweep: FundCommand = { ...common, type: 'SweepContributions', signer: settlement, ...range }

const terms = { to, amount: '100', category: 'tools', purpose: commitment, expiresAt }
const proposed: FundEvent = { type: 'SpendingProposed.v2', data: { ...terms, proposalId, by: steward, stewards: network.stewards } }
const propose: FundCommand = {
  ...common,
  ...terms,
  type: 'ProposeSpending',
  signer: steward,
  proposalId,
  wallet: evolveWallet(undefined, { type: 'WalletOpened', data: { walletId, owner: stranger } }),
  campaign: undefined,
}
const approved = (by: string): FundEvent => ({ type: 'SpendingApproved', data: { proposalId, by } })
const approve = (signer: string): FundCommand => ({ ...common, type: 'ApproveSpending', signer, proposalId })
const executed: FundEvent = { type: 'SpendingExecuted.v2', data: { proposalId, to, amount: '100', category: 'tools' } }
const withdraw: FundCommand = { ...common, type: 'WithdrawProposal', signer: steward, proposalId }
const withdrawn: FundEvent = { type: 'ProposalWithdrawn', data: { proposalId } }

fund('a sweep goes on where the last one ended', () => {
  given().when(sweep).then(swept)
  given(swept).when(sweep).thenRefused('SweepOutOfOrder', { fromIndex: 0, sweptToIndex: 99 })
  given(swept)
    .when({ ...sweep, fromIndex: 101, toIndex: 120 })
    .thenRefused('SweepOutOfOrder')
  given(swept)
    .when({ ...sweep, fromIndex: 100, toIndex: 100 })
    .then({ type: 'ContributionsSwept', data: { ...range, n: 2, fromIndex: 100, toIndex: 100 } })
  given(swept)
    .when({ ...sweep, fromIndex: 100, toIndex: 99 })
    .thenRefused('CommandMalformed', { field: 'command.data.toIndex' })
  for (const signer of [authority, steward, stranger])
    given()
      .when({ ...sweep, signer })
      .thenRefused('SignerNotAllowed', { needed: 'service:settlement' })
})

fund('a steward proposes, for a wallet that is there', () => {
  given().when(propose).then(proposed)
  given(proposed).when(propose).thenNothing()
  given(proposed)
    .when({ ...propose, amount: '101' })
    .thenRefused('CommandIdReused')
  given(proposed)
    .when({ ...propose, signer: steward2 })
    .thenRefused('CommandIdReused')
  given()
    .when({ ...propose, signer: authority })
    .thenRefused('SignerNotAllowed', { needed: 'steward' })
  given()
    .when({ ...propose, wallet: undefined })
    .thenRefused('WalletUnknown', { walletId })
  given()
    .when({ ...propose, now: expiresAt })
    .thenRefused('CommandMalformed', { field: 'command.data.expiresAt' })
})

fund('the last approval that is needed is the payment', () => {
  given(swept, proposed).when(approve(steward)).then(approved(steward))
  given(swept, proposed, approved(steward)).when(approve(steward2)).then(approved(steward2), executed)
  given(swept, proposed, approved(steward)).when(approve(steward)).thenNothing()
  given(swept, proposed, approved(steward), approved(steward2), executed).when(approve(steward2)).thenNothing()
  given(swept, proposed).when(approve(stranger)).thenRefused('SignerNotAllowed', { needed: 'steward' })
  given(swept).when(approve(steward)).thenRefused('ProposalUnknown', { proposalId })
})

fund('stewards decide what was proposed to them, whoever came later', () => {
  const later = { ...network, stewards: { members: [stranger], threshold: 1 } }
  given(swept, proposed)
    .when({ ...approve(stranger), network: later })
    .thenRefused('SignerNotAllowed')
  given(swept, proposed)
    .when({ ...approve(steward), network: later })
    .then(approved(steward))
})

fund('what was not swept is not spent, and the approval can come again', () => {
  given(proposed, approved(steward)).when(approve(steward2)).thenRefused('FundInsufficient', { balance: '0', needed: '100' })
  given(proposed, approved(steward), swept).when(approve(steward2)).then(approved(steward2), executed)
  const other = idOf(4)
  const another: FundEvent = { ...proposed, data: { ...proposed.data, proposalId: other } } as FundEvent
  given(swept, proposed, another, approved(steward), approved(steward2), executed, {
    type: 'SpendingApproved',
    data: { proposalId: other, by: steward },
  })
    .when({ ...approve(steward2), proposalId: other } as FundCommand)
    .thenRefused('FundInsufficient', { balance: '50', needed: '100' })
})

fund('a proposal that is over is not approved', () => {
  given(swept, proposed)
    .when({ ...approve(steward), now: expiresAt })
    .thenRefused('ProposalExpired', { expiresAt })
  given(swept, proposed, withdrawn).when(approve(steward)).thenRefused('ProposalNotInStatus', { state: 'withdrawn' })
})

fund('its proposer takes a proposal back, while it is one', () => {
  given(proposed).when(withdraw).then(withdrawn)
  given(proposed, withdrawn).when(withdraw).thenNothing()
  given(proposed)
    .when({ ...withdraw, signer: steward2 })
    .thenRefused('SignerNotAllowed', { needed: 'proposer' })
  given(swept, proposed, approved(steward), approved(steward2), executed)
    .when(withdraw)
    .thenRefused('ProposalNotInStatus', { state: 'executed' })
  given().when(withdraw).thenRefused('ProposalUnknown')
})

fund('its balance is what was swept less what was spent', () => {
  const past = [swept, proposed, approved(steward), approved(steward2), executed]
  const state = past.reduce((state, event) => fundDecider.evolve(state, event, now), fundDecider.initialState)
  assert.equal([state.balance, state.sweeps, state.sweptToIndex], [50n, 1, 99])
})

fund.run()
