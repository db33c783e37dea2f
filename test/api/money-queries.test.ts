// The queries of money, over the read models of a small history: an escrow that was disputed, decided, credited and swept.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rootByInclusion } from '../../domain/merkle.ts'
import { type Api, newSigner, type Reply, startWhole } from './harness.ts'
import { commitment, type Disputed, disputedEscrow, play, windows } from './money.ts'

const queries = suite<{ api: Api; close(): Promise<void>; made: Disputed }>('api/money-queries')
queries.before(async (context) => {
  const { api, readSide } = await startWhole()
  const made = await disputedEscrow(api)
  Object.assign(context, {
    api,
    made,
    async close() {
      await readSide.close()
      await api.close()
    },
  })
  // Every read model is as far as the history.
  for (const path of [`/v1/escrows/${made.escrowId}`, '/v1/ledger/entries', '/v1/fund', `/v1/escrows/${made.escrowId}/events`])
    assert.is((await api.get(`${path}?after=${made.position}`)).status, 200)
})
queries.after(({ close }) => close())

/** A page after the other, each with a cursor of the one before. */
async function pages(api: Api, path: string, field: string): Promise<unknown[]> {
  const found: unknown[] = []
  for (let cursor = ''; ; ) {
    const { body } = await api.get(`${path}${path.includes('?') ? '&' : '?'}limit=1${cursor && `&cursor=${cursor}`}`)
    found.push(...body[field])
    if (body.next === null) return found
    cursor = body.next
  }
}

async function isCached(api: Api, path: string, reply: Reply): Promise<void> {
  assert.is((await api.get(path, { 'if-none-match': reply.headers.get('etag')! })).status, 304, path)
}

queries('an escrow says what was agreed, where it stands and what was paid', async ({ api, made }) => {
  const path = `/v1/escrows/${made.escrowId}`
  const reply = await api.get(path)
  const { status, reason, amount, providerAmount, fundAmount, refundedAmount, credited, dispute } = reply.body
  assert.equal(
    [status, reason, amount, providerAmount, fundAmount, refundedAmount],
    ['resolved', 'arbiters', '1000', '570', '30', '400'],
  )
  assert.equal(credited, { 'refund-1': '100', provider: '570', refund: '300' })
  assert.equal(dispute.votes, { [api.authority.publicKey]: '600' })
  await isCached(api, path, reply)
  const unknown = await api.get(`/v1/escrows/${made.from}`)
  assert.equal([unknown.status, unknown.body.code, unknown.body.escrowId], [404, 'EscrowUnknown', made.from])
  assert.ok(unknown.headers.get('duxnet-position'))
})

queries('escrows are listed by wallet and status, in pages', async ({ api, made }) => {
  const [client, provider] = [newSigner(), newSigner()]
  const [from, to, ...ids] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const terms = { client: from, provider: to, amount: '5', terms: commitment, fallbackProviderPermille: 0, windows }
  const { position } = await play(api, [
    [client, 'OpenWallet', from, {}, from],
    [provider, 'OpenWallet', to, {}, to],
    ...ids.map((id): Parameters<typeof play>[1][number] => [client, 'OpenEscrow', id, terms, id]),
  ])
  await api.get(`/v1/escrows?after=${position}`)
  const idsOf = async (query: string) =>
    ((await pages(api, `/v1/escrows?${query}`, 'escrows')) as { escrowId: string }[]).map(({ escrowId }) => escrowId).sort()
  assert.equal(await idsOf(`wallet=${to}`), [...ids].sort())
  assert.equal(await idsOf(`wallet=${made.to}`), [made.escrowId])
  assert.equal(await idsOf(`wallet=${from}&status=resolved`), [])
  assert.equal(await idsOf('status=resolved'), [made.escrowId])
  assert.is((await idsOf('')).length, 3)
})

queries('an escrow explains itself: what happened, and who was paid what', async ({ api, made }) => {
  const { body } = await api.get(`/v1/escrows/${made.escrowId}/explain`)
  const { subject, value, contributions, policyVersion, events: story, log } = body
  assert.equal([subject, policyVersion], [`escrow:${made.escrowId}`, 1])
  assert.equal(value, { escrowId: made.escrowId, status: 'resolved', waitsFor: [], until: null, otherwise: null })
  assert.equal(contributions, [
    { to: 'provider', amount: '570', arrived: '570' },
    { to: 'client', amount: '400', arrived: '400' },
    { to: 'fund', amount: '30', arrived: null },
  ])
  for (const { index, leaf, proof } of story) {
    const root = rootByInclusion(
      Buffer.from(leaf, 'hex'),
      index,
      log.size,
      proof.map((hash: string) => Buffer.from(hash, 'hex')),
    )
    assert.is(root!.toString('hex'), log.root)
  }
  assert.is(story.length, 14)
  assert.ok(
    story.every(({ text }: { text: string }) => /^[A-Z0-9].*[.]$/.test(text)),
    JSON.stringify(story),
  )
  assert.match(story.at(-4).text, "570 are the provider's")
  assert.is((await api.get(`/v1/escrows/${made.from}/explain`)).body.code, 'EscrowUnknown')
})

queries('an escrow that waits says for whom, until when and what happens then', async ({ api }) => {
  const [client, provider, verifier] = [newSigner(), newSigner(), newSigner()]
  const [from, to, escrowId] = [randomUUID(), randomUUID(), randomUUID()]
  const terms = { client: from, provider: to, amount: '100', terms: commitment, fallbackProviderPermille: 300, windows }
  const { settlement } = api.services
  const steps: [steps: Parameters<typeof play>[1], waitsFor: string[], otherwise: string][] = [
    [
      [
        [client, 'OpenWallet', from, {}, from],
        [provider, 'OpenWallet', to, {}, to],
        [client, 'IssueTestDeposit', from, { amount: '100' }],
        [client, 'OpenEscrow', escrowId, { ...terms, verifier: verifier.publicKey }, escrowId],
      ],
      ['client PlaceHold'],
      'It expires',
    ],
    [[[client, 'PlaceHold', from, { escrowId }]], ['network RecordFunding'], 'It expires'],
    [[[settlement, 'RecordFunding', escrowId, {}]], ['network CaptureHold'], 'goes back'],
    [
      [[settlement, 'CaptureHold', from, { escrowId }]],
      ['provider StartEscrow', 'provider DeclineEscrow', 'client CancelEscrow'],
      'goes back',
    ],
    [[[provider, 'StartEscrow', escrowId, {}]], ['provider DeliverResult'], 'nothing was delivered'],
  ]
  for (const [commands, waitsFor, otherwise] of steps) {
    const { position } = await play(api, commands)
    const { body } = await api.get(`/v1/escrows/${escrowId}/explain?after=${position}`)
    assert.equal(
      body.value.waitsFor.map(({ who, does }: { who: string; does: string }) => `${who} ${does}`),
      waitsFor,
    )
    assert.match(body.value.otherwise, otherwise)
    assert.ok(body.value.until)
  }
})

queries('the events of an escrow are all there, raw', async ({ api, made }) => {
  const all = (await pages(api, `/v1/escrows/${made.escrowId}/events`, 'events')) as { event: { type: string } }[]
  assert.is(all.length, 14)
  assert.equal([all[0]!.event.type, all.at(-1)!.event.type], ['EscrowOpened', 'CreditPosted'])
  assert.is((await api.get(`/v1/escrows/${made.to}/events`)).body.code, 'EscrowUnknown')
})

queries('the ledger adds up to zero, now and at every position before', async ({ api, made }) => {
  const path = '/v1/ledger/trial-balance'
  const reply = await api.get(path)
  assert.match(reply.text, /^{"total":"0","debits":"\d+","credits":"\d+",/)
  await isCached(api, path, reply)
  const entries = (await pages(api, '/v1/ledger/entries', 'entries')) as { position: string; recordedAt: string }[]
  for (const position of new Set(entries.map(({ position }) => position))) {
    const { body } = await api.get(`${path}?asOf=${position}`)
    assert.equal([body.total, body.debits === body.credits, body.position], ['0', true, position])
  }
  const captured = entries.findLast((entry) => 'type' in entry && entry.type === 'HoldCaptured')!
  const then = await api.get(`${path}?asOf=${captured.position}`)
  assert.is(then.body.accounts.find(({ kind }: { kind: string }) => kind === 'escrow').balance, '1000')
  assert.is((await api.get(`${path}?asOf=${BigInt(made.position) + 1_000_000n}`)).body.code, 'ReadModelBehind')
})

queries('a trial balance as of an instant has all that was recorded until then', async ({ api }) => {
  const path = '/v1/ledger/trial-balance'
  const before = await api.get(`${path}?asOf=2000-01-01T00:00:00.000Z`)
  assert.equal([before.body.total, before.body.debits, before.body.position], ['0', '0', '-1'])
  const after = await api.get(`${path}?asOf=2999-01-01T00:00:00.000Z`)
  assert.is(after.body.debits, (await api.get(path)).body.debits)
})

queries('money on its way is named with its age', async ({ api }) => {
  const [one, other] = [newSigner(), newSigner()]
  const [from, to] = [randomUUID(), randomUUID()]
  const { position, events } = await play(api, [
    [one, 'OpenWallet', from, {}, from],
    [other, 'OpenWallet', to, {}, to],
    [one, 'IssueTestDeposit', from, { amount: '100' }],
    [one, 'Transfer', from, { to, amount: '60' }],
  ])
  const { body } = await api.get(`/v1/ledger/trial-balance?after=${position}`)
  const line = body.clearing.find(({ account }: { account: string }) => account === 'clearing:transfers')
  assert.equal([line.balance, line.openCount, line.openItems[0].item], ['60', 1, `transfer:${events[0].data.transferId}`])
  assert.type(line.openItems[0].ageSeconds, 'number')
})

queries('accounts and their entries are listed', async ({ api, made }) => {
  const accounts = (await pages(api, '/v1/ledger/accounts', 'accounts')) as { account: string }[]
  const names = accounts.map(({ account }) => account)
  assert.equal(names, [...names].sort())
  assert.ok(names.includes(`wallet:${made.from}`) && names.includes('fund'))
  const wallets = (await pages(api, '/v1/ledger/accounts?prefix=wallet:', 'accounts')) as { account: string }[]
  assert.equal(
    wallets.map(({ account }) => account),
    names.filter((name) => name.startsWith('wallet:')),
  )
  const account = await api.get(`/v1/ledger/accounts/wallet:${made.to}`)
  assert.equal([account.body.balance, account.body.entries], ['570', 1])
  const entries = (await pages(api, `/v1/ledger/accounts/wallet:${made.from}/entries`, 'entries')) as { amount: string }[]
  assert.equal(
    entries.map(({ amount }) => amount),
    ['1', '300', '100', '-1000', '5000'],
  )
  assert.is((await api.get(`/v1/ledger/accounts/wallet:${randomUUID()}`)).body.code, 'AccountUnknown')
  assert.is((await api.get('/v1/ledger/accounts/Nobody')).body.code, 'ParameterInvalid')
})

queries('the fund shows what it has, its contributions, sweeps, proposals and allocations', async ({ api, made }) => {
  const { fund, ...figures } = (await api.get('/v1/fund')).body
  const { balance, swept, pending, contributions, sweeps } = figures
  assert.equal([fund, balance, swept, pending, contributions, sweeps], ['community', '30', '30', '0', 1, 1])
  assert.is((await api.get('/v1/fund/contributions')).body.contributions[0].escrowId, made.escrowId)
  assert.is((await api.get('/v1/fund/sweeps')).body.sweeps[0].amount, '30')
  const expiresAt = new Date(api.clock.now.getTime() + 3_600_000).toISOString()
  const proposalId = randomUUID()
  const spending = { to: made.to, amount: '20', category: 'audits', purpose: commitment, expiresAt }
  const { position } = await play(api, [
    [api.authority, 'ProposeSpending', 'community', spending, proposalId],
    [api.authority, 'ApproveSpending', 'community', { proposalId }],
  ])
  const proposal = await api.get(`/v1/fund/proposals/${proposalId}?after=${position}`)
  assert.equal([proposal.body.status, proposal.body.approvals], ['executed', [api.authority.publicKey]])
  assert.is((await api.get('/v1/fund/proposals?status=executed')).body.proposals.length, 1)
  assert.is((await api.get('/v1/fund/proposals?status=proposed')).body.proposals.length, 0)
  assert.equal((await api.get('/v1/fund/allocations')).body.allocations[0].amount, '20')
  assert.is((await api.get(`/v1/fund/proposals/${made.to}`)).body.code, 'ProposalUnknown')
})

queries('the report of the fund is the same for whoever asks, and of a range', async ({ api }) => {
  const whole = await api.get('/v1/fund/report')
  assert.equal([whole.body.contributions, whole.body.sweeps[0].holds], [{ count: 1, amount: '30' }, true])
  await isCached(api, '/v1/fund/report', whole)
  const { toIndex } = whole.body.sweeps[0]
  const later = await api.get(`/v1/fund/report?from=${toIndex + 1}`)
  assert.equal([later.body.contributions.count, later.body.opening], [0, { balance: '0', pending: '30' }])
  assert.is((await api.get(`/v1/fund/report?to=${toIndex}`)).body.range.to, toIndex)
})

queries('wallets say what is in them, and are found by their keys', async ({ api, made }) => {
  const path = `/v1/wallets/${made.from}`
  const reply = await api.get(path)
  const { posted, held, available, shortfall, frozen, owner } = reply.body
  assert.equal([posted, held, available, shortfall, frozen, owner], ['4401', '0', '4401', '0', false, made.client.publicKey])
  await isCached(api, path, reply)
  const owned = (await api.get(`/v1/wallets?owner=${made.provider.publicKey}`)).body.wallets
  assert.equal(
    owned.map(({ walletId }: { walletId: string }) => walletId),
    [made.to],
  )
  const all = (await pages(api, '/v1/wallets', 'wallets')) as { walletId: string }[]
  assert.is(new Set(all.map(({ walletId }) => walletId)).size, all.length)
  assert.is((await api.get(`/v1/wallets/${made.escrowId}`)).body.code, 'WalletUnknown')
  assert.equal((await api.get(`${path}/escrows?status=resolved`)).body.escrows[0].escrowId, made.escrowId)
  assert.equal((await api.get(`${path}/escrows?status=open`)).body.escrows, [])
})

queries('a statement has every change with the balance after it, and adds up as of any position', async ({ api, made }) => {
  const path = `/v1/wallets/${made.from}/statement`
  const reply = await api.get(path)
  assert.equal(reply.body.balance, { posted: '4401', held: '0', shortfall: '0', available: '4401' })
  await isCached(api, path, reply)
  const entries = (await pages(api, `${path}?order=asc`, 'entries')) as {
    type: string
    position: string
    recordedAt: string
    change: { posted: string; held: string }
    balance: object
  }[]
  assert.equal(
    entries.map(({ type, change }) => [type, change.posted, change.held]),
    [
      ['TestDepositIssued', '5000', '0'],
      ['HoldPlaced', '0', '1000'],
      ['HoldCaptured', '-1000', '-1000'],
      ['CreditPosted', '100', '0'],
      ['CreditPosted', '300', '0'],
      ['TestDepositIssued', '1', '0'],
    ],
  )
  for (const { position, balance } of entries) {
    const then = await api.get(`${path}?asOf=${position}`)
    assert.equal([then.body.balance, then.body.entries[0].position], [balance, position])
  }
  const { recordedAt } = entries[0]!
  assert.is((await api.get(`${path}?to=${recordedAt}`)).body.entries.length, 0)
  assert.is((await api.get(`${path}?from=${recordedAt}&limit=200`)).body.entries.length, 6)
  assert.is((await api.get(`/v1/wallets/${made.escrowId}/statement`)).body.code, 'WalletUnknown')
  assert.is((await api.get(`${path}?asOf=1999-01-01T00:00:00.000Z`)).body.code, 'WalletUnknown')
})

queries('a balance says of which events it is made', async ({ api, made }) => {
  const { body } = await api.get(`/v1/wallets/${made.from}/explain`)
  assert.is(body.value.balance.available, '4401')
  assert.ok(body.events.length > 0 && body.events.every(({ proof }: { proof: unknown }) => proof))
  assert.equal(
    body.contributions.map(({ type, events, posted, held }: Record<string, unknown>) => [type, events, posted, held]),
    [
      ['TestDepositIssued', 2, '5001', '0'],
      ['HoldPlaced', 1, '0', '1000'],
      ['HoldCaptured', 1, '-1000', '-1000'],
      ['CreditPosted', 2, '400', '0'],
    ],
  )
  assert.is((await api.get(`/v1/wallets/${made.escrowId}/explain`)).body.code, 'WalletUnknown')
})

queries('transfers show on both sides', async ({ api }) => {
  const [one, other] = [newSigner(), newSigner()]
  const [from, to] = [randomUUID(), randomUUID()]
  const { position } = await play(api, [
    [one, 'OpenWallet', from, {}, from],
    [other, 'OpenWallet', to, {}, to],
    [one, 'IssueTestDeposit', from, { amount: '100' }],
    [one, 'Transfer', from, { to, amount: '60' }],
    [one, 'Transfer', from, { to, amount: '7' }],
  ])
  await api.get(`/v1/wallets/${from}/transfers?after=${position}`)
  for (const wallet of [from, to]) {
    const sent = (await pages(api, `/v1/wallets/${wallet}/transfers`, 'transfers')) as {
      amount: string
      from: string
      to: string
    }[]
    assert.equal(
      sent.map((transfer) => [transfer.from, transfer.to, transfer.amount]),
      [
        [from, to, '7'],
        [from, to, '60'],
      ],
    )
  }
})

queries('withdrawals and deposits are found by wallet, status and id', async ({ api, made }) => {
  const destination = commitment
  const ask = { amount: '4000', feeMax: '1', destination }
  const { position, events } = await play(api, [[made.client, 'RequestWithdrawal', made.from, ask]])
  const { withdrawalId } = events[0].data
  const path = `/v1/withdrawals/${withdrawalId}`
  const { body } = await api.get(`${path}?after=${position}`)
  assert.equal([body.walletId, body.status, body.amount, body.signals, body.attempts], [made.from, 'approved', '4000', [], []])
  await isCached(api, path, await api.get(path))
  const listed = async (address: string) =>
    (await api.get(address)).body.withdrawals.map((one: { withdrawalId: string }) => one.withdrawalId)
  assert.equal(await listed(`/v1/wallets/${made.from}/withdrawals`), [withdrawalId])
  assert.equal(await listed(`/v1/wallets/${made.to}/withdrawals`), [])
  assert.equal(await listed('/v1/withdrawals?status=approved'), [withdrawalId])
  assert.equal(await listed('/v1/withdrawals?status=review'), [])
  assert.is((await api.get(`/v1/withdrawals/${made.from}`)).body.code, 'WithdrawalUnknown')
  const deposits = (await pages(api, `/v1/wallets/${made.from}/deposits`, 'deposits')) as { deposit: string; amount: string }[]
  // They came at one instant, of the clock that stands still here.
  assert.equal(deposits.map(({ amount }) => amount).sort(), ['1', '5000'])
  assert.is((await api.get(`/v1/deposits/${deposits[0]!.deposit}`)).body.origin, 'test')
  assert.is((await api.get(`/v1/deposits/${'0'.repeat(64)}:0`)).body.code, 'DepositUnknown')
})

queries('there are no differences where nobody found any', async ({ api }) => {
  assert.equal((await api.get('/v1/differences?open=true')).body.differences, [])
})

queries.run()
