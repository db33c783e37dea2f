// The addresses of money take their own commands, about what their path names, and refuse with the codes that the document promises.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import { proveWalletKey, signResult } from '../../commands/sign.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { type Api, newSigner, startApi } from './harness.ts'

const money = suite<{ api: Api }>('api/money-commands')
money.before.each(async (context) => {
  context.api = await startApi()
})
money.after.each(({ api }) => api.close())

const windows = { fund: 60, start: 60, deliver: 60, accept: 60, resolve: 60 }
const commitment = commitmentOf(Buffer.alloc(32), Buffer.from('terms'))
const resultHash = '5a'.repeat(32)

/** Sends a command to an address of its own; what it answers. */
function sender(api: Api) {
  return async (path: string, signer: Signer, type: string, subject: string, data: object, commandId: string = randomUUID()) =>
    api.post(path, api.sign(signer, type, subject, data, { commandId }))
}

async function opened(api: Api, owner: Signer): Promise<string> {
  const walletId = randomUUID()
  assert.is((await sender(api)('/v1/wallets', owner, 'OpenWallet', walletId, {}, walletId)).status, 201)
  return walletId
}

money('every address takes its command, from two keys to a paid provider', async ({ api }) => {
  const send = sender(api)
  const [client, provider, next] = [newSigner(), newSigner(), newSigner()]
  const { settlement } = api.services
  const [from, to] = [await opened(api, client), await opened(api, provider)]
  const escrowId = randomUUID()
  const of = (name: string) => `/v1/escrows/${escrowId}/${name}`
  const { networkId } = api.network
  const terms = { client: from, provider: to, amount: '1000', terms: commitment, fallbackProviderPermille: 500, windows }
  const signature = signResult(provider, { networkId, escrowId, resultHash })
  const steps: [path: string, signer: Signer, type: string, subject: string, data: object, commandId?: string][] = [
    [`/v1/wallets/${from}/test-deposits`, client, 'IssueTestDeposit', from, { amount: '5000' }],
    ['/v1/escrows', client, 'OpenEscrow', escrowId, terms, escrowId],
    [`/v1/wallets/${from}/holds`, client, 'PlaceHold', from, { escrowId }],
    ['/v1/commands', settlement, 'RecordFunding', escrowId, {}],
    ['/v1/commands', settlement, 'CaptureHold', from, { escrowId }],
    [of('start'), provider, 'StartEscrow', escrowId, {}],
    [of('refunds'), provider, 'GrantRefund', escrowId, { amount: '100' }],
    [of('deliver'), provider, 'DeliverResult', escrowId, { resultHash, signature }],
    [of('verify'), client, 'VerifyResult', escrowId, { resultHash, valid: true }],
    [of('disputes'), client, 'OpenDispute', escrowId, { reason: commitment }],
    [of('evidence'), provider, 'AddEvidence', escrowId, { evidence: commitment }],
    [of('votes'), api.authority, 'VoteOnDispute', escrowId, { providerAmount: '900' }],
    [`/v1/wallets/${from}/transfers`, client, 'Transfer', from, { to, amount: '10' }],
  ]
  for (const [path, ...command] of steps) {
    const reply = await send(path, ...command)
    assert.is(reply.status, 201, `${command[1]}: ${reply.text}`)
  }
  const commandId = randomUUID()
  const proof = proveWalletKey(next, { networkId, walletId: from, commandId })
  assert.is((await send(`/v1/wallets/${from}/key`, client, 'ChangeWalletKey', from, proof, commandId)).status, 201)
})

money('withdrawals are asked for, reviewed and taken back at addresses below their wallet', async ({ api }) => {
  const send = sender(api)
  const owner = newSigner()
  const walletId = await opened(api, owner)
  await send(`/v1/wallets/${walletId}/test-deposits`, owner, 'IssueTestDeposit', walletId, { amount: '900000000000' })
  const path = `/v1/wallets/${walletId}/withdrawals`
  const ask = async (amount: string) => {
    const asked = await send(path, owner, 'RequestWithdrawal', walletId, { amount, feeMax: '1000', destination: commitment })
    return asked.body.events[0].data
  }
  const { withdrawalId: large, review: isReviewed } = await ask('400000000000')
  assert.is(isReviewed, true)
  const { withdrawalId: small } = await ask('1')
  const review = { withdrawalId: large, approve: true }
  assert.is(
    (await send(`${path}/${small}/review`, api.authority, 'ReviewWithdrawal', walletId, review)).body.code,
    'CommandNotForThisRoute',
  )
  assert.is((await send(`${path}/${large}/review`, owner, 'ReviewWithdrawal', walletId, review)).body.code, 'SignerNotAllowed')
  assert.is((await send(`${path}/${large}/review`, api.authority, 'ReviewWithdrawal', walletId, review)).status, 201)
  assert.is(
    (await send(`${path}/${large}/review`, api.authority, 'ReviewWithdrawal', walletId, review)).body.code,
    'WithdrawalNotInStatus',
  )
  assert.is((await send(`${path}/${small}/cancel`, owner, 'CancelWithdrawal', walletId, { withdrawalId: small })).status, 201)
})

money('spending is proposed, approved and taken back', async ({ api }) => {
  const send = sender(api)
  const to = await opened(api, newSigner())
  const proposalId = randomUUID()
  const expiresAt = new Date(api.clock.now.getTime() + 60_000).toISOString()
  const spending = { to, amount: '10', category: 'infrastructure', purpose: commitment, expiresAt }
  const propose = await send('/v1/fund/proposals', api.authority, 'ProposeSpending', 'community', spending, proposalId)
  assert.is(propose.status, 201, propose.text)
  const path = `/v1/fund/proposals/${proposalId}`
  const approve = await send(`${path}/approvals`, api.authority, 'ApproveSpending', 'community', { proposalId })
  assert.equal([approve.status, approve.body.code, approve.body.balance], [409, 'FundInsufficient', '0'])
  const other = await send(`${path}/approvals`, api.authority, 'ApproveSpending', 'community', { proposalId: randomUUID() })
  assert.is(other.body.code, 'CommandNotForThisRoute')
  assert.is((await send(`${path}/withdraw`, api.authority, 'WithdrawProposal', 'community', { proposalId })).status, 201)
})

money('an escrow is called off, declined and released at its addresses, and says why not', async ({ api }) => {
  const send = sender(api)
  const [client, provider] = [newSigner(), newSigner()]
  const [from, to] = [await opened(api, client), await opened(api, provider)]
  const terms = { client: from, provider: to, amount: '1000', terms: commitment, fallbackProviderPermille: 500, windows }
  const escrowId = randomUUID()
  const of = (name: string) => `/v1/escrows/${escrowId}/${name}`
  await send('/v1/escrows', client, 'OpenEscrow', escrowId, terms, escrowId)
  const refused: [name: string, signer: Signer, type: string, data: object, code: string][] = [
    ['start', provider, 'StartEscrow', {}, 'EscrowNotInStatus'],
    ['decline', provider, 'DeclineEscrow', {}, 'EscrowNotInStatus'],
    ['release', client, 'ReleaseEscrow', { resultHash }, 'EscrowNotInStatus'],
    ['cancel', provider, 'CancelEscrow', {}, 'SignerNotAllowed'],
  ]
  for (const [name, signer, type, data, code] of refused)
    assert.is((await send(of(name), signer, type, escrowId, data)).body.code, code, name)
  assert.is(
    (await send(`/v1/escrows/${randomUUID()}/cancel`, client, 'CancelEscrow', escrowId, {})).body.code,
    'CommandNotForThisRoute',
  )
  assert.is((await send(of('cancel'), client, 'CancelEscrow', escrowId, {})).body.events[0].type, 'EscrowExpired')
  const hold = await send(`/v1/wallets/${from}/holds`, client, 'PlaceHold', from, { escrowId })
  assert.equal([hold.status, hold.body.code, hold.body.state], [409, 'EscrowNotInStatus', 'expired'])
})

money.run()
