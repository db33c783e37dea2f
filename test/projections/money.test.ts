// The books as read models: every prefix of a log of money balances, and what Postgres answers is what the fold says.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DomainEvent, decode } from '../../domain/catalogue.ts'
import { mayBeNegative } from '../../domain/ledger.ts'
import type { WalletEvent } from '../../domain/wallet/events.ts'
import { evolveWallet, type WalletState } from '../../domain/wallet/state.ts'
import type { Place } from '../../projections/read.ts'
import type { WalletView } from '../../projections/wallet-balances.query.ts'
import { closeStages, openStage, type Stage } from './harness.ts'
import { founded } from './history.ts'

const money = suite('read models of money')
money.after.each(closeStages)

/** A log that holds every kind of movement. */
const history: readonly DomainEvent[] = readFileSync(new URL('../frozen/log.v2.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as DomainEvent)

async function populated(): Promise<Stage> {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  for (const [n, { type, data }] of history.slice(1).entries()) await stage.log.add({ type, data } as DomainEvent, n)
  await stage.start().caughtUp()
  return stage
}

money('the trial balance is zero at every position, and every clearing account is its open items', async () => {
  const { queries, log } = await populated()
  const now = (await queries.trialBalance()).value
  let last: bigint | undefined
  for await (const { position } of log.store.readAll()) {
    const { value } = await queries.trialBalance(position)
    assert.is(value.total, 0n)
    assert.is(value.debits, value.credits)
    for (const { kind, balance } of value.accounts) assert.ok(balance >= 0n || mayBeNegative(`${kind}:`), `${kind} ${balance}`)
    for (const { kind, balance, openItems, openCount } of value.clearing) {
      assert.is(openItems.length, openCount)
      assert.is(
        openItems.reduce((sum, { amount }) => sum + amount, 0n),
        balance,
        kind,
      )
    }
    last = position
  }
  const asOfLast = (await queries.trialBalance(last)).value
  assert.equal(asOfLast.accounts, now.accounts)
  assert.equal(
    asOfLast.clearing.map(({ kind, balance, openCount }) => ({ kind, balance, openCount })),
    now.clearing.map(({ kind, balance, openCount }) => ({ kind, balance, openCount })),
  )
})

money('a statement is what the deciders say after every event, as of every position and in any page', async () => {
  const { queries, log } = await populated()
  const states = new Map<string, WalletState | undefined>()
  for await (const recorded of log.store.readAll()) {
    const { walletId } = recorded.data as { readonly walletId?: string }
    if (walletId === undefined) continue
    const state = evolveWallet(states.get(walletId), decode(recorded) as unknown as WalletEvent)!
    states.set(walletId, state)
    const { value } = await queries.walletStatement(walletId, { limit: 1, descending: true }, { asOf: recorded.position })
    const balance = { posted: state.posted, held: state.held, shortfall: state.shortfall }
    assert.equal(value?.balance, balance, recorded.type)
    assert.equal(value?.entries.items[0]?.balance ?? nothing, balance)
    assert.equal((await queries.explainBalance(walletId, recorded.position)).value?.balance, balance)
  }
  assert.ok(states.size > 1)
  for (const [walletId, state] of states) {
    const changes: bigint[] = []
    let after: number | undefined
    do {
      const { entries } = (await queries.walletStatement(walletId, { limit: 2, after })).value!
      changes.push(...entries.items.map(({ change }) => change.posted))
      after = entries.next
    } while (after !== undefined)
    assert.is(
      changes.reduce((sum, amount) => sum + amount, 0n),
      state!.posted,
    )
  }
  assert.is((await queries.walletStatement('nobody', { limit: 1 })).value, undefined)
})

const nothing = { posted: 0n, held: 0n, shortfall: 0n }

money('accounts are the sum of their entries, paged without a gap', async () => {
  const { queries } = await populated()
  const found: string[] = []
  let after: string | undefined
  do {
    const { value } = await queries.listAccounts({ limit: 3, after })
    found.push(...value.accounts.map(({ account }) => account))
    after = value.next
    for (const { account, balance, entries } of value.accounts) {
      let sum = 0n
      let count = 0
      let from: number | undefined
      do {
        const page = (await queries.accountEntries(account, { limit: 2, after: from })).value
        for (const { amount } of page.items) sum += amount
        count += page.items.length
        from = page.next
      } while (from !== undefined)
      assert.equal([account, sum, count], [account, balance, entries])
      assert.is((await queries.accountBalance(account, 10n ** 15n)).value, balance)
    }
  } while (after !== undefined)
  assert.equal(found, [...new Set(found)].sort())
  const wallets = (await queries.listAccounts({ prefix: 'wallet:', limit: 200 })).value.accounts
  assert.equal(
    wallets.map(({ account }) => account),
    found.filter((account) => account.startsWith('wallet:')),
  )
})

money('an escrow shows where it stands, and both sides find it', async () => {
  const { queries } = await populated()
  const all = (await queries.listEscrows({ limit: 200 })).value.items
  assert.ok(all.length > 3)
  for (const escrow of all) {
    const { escrowId, client, provider, status, amount, providerAmount, fundAmount, refundedAmount } = escrow
    assert.equal((await queries.findEscrow(escrowId)).value, escrow)
    for (const wallet of [client, provider]) {
      const ids = new Set<string>()
      let after: Place | undefined
      do {
        const { value } = await queries.listEscrows({ wallet, status: status as 'open', limit: 1, after })
        for (const found of value.items) ids.add(found.escrowId)
        after = value.next
      } while (after)
      assert.ok(ids.has(escrowId))
    }
    if (['released', 'refunded', 'resolved'].includes(status)) assert.is(providerAmount + fundAmount + refundedAmount, amount)
  }
})

money('the fund is what was contributed less what was spent', async () => {
  const { queries } = await populated()
  const fund = (await queries.fund()).value!
  const contributions = (await queries.fundContributions({ limit: 200 })).value.items
  const sweeps = (await queries.fundSweeps({ limit: 200 })).value.items
  const given = contributions.reduce((sum, { amount }) => sum + amount, 0n)
  assert.is(fund.swept + fund.pending, given)
  assert.is(fund.balance, fund.swept - fund.spent)
  assert.is(
    sweeps.reduce((sum, { amount }) => sum + amount, 0n),
    fund.swept,
  )
  const allocations = (await queries.allocations()).value
  assert.is(
    allocations.reduce((sum, { amount }) => sum + amount, 0n),
    fund.spent,
  )
  const proposals = (await queries.listProposals({ limit: 200 })).value.items
  for (const proposal of proposals) assert.equal((await queries.findProposal(proposal.proposalId)).value, proposal)
  assert.is(
    proposals.filter(({ status }) => status === 'executed').reduce((sum, { amount }) => sum + amount, 0n),
    fund.spent,
  )
  const differences = (await queries.listDifferences({ limit: 200 })).value.items
  assert.equal(
    (await queries.listDifferences({ limit: 200, open: true })).value.items,
    differences.filter(({ open }) => open),
  )
})

money('a wallet is the balance of its account, and its owner finds it', async () => {
  const { queries } = await populated()
  const found: WalletView[] = []
  let after: Place | undefined
  do {
    const { value } = await queries.listWallets({ limit: 2, after })
    found.push(...value.items)
    after = value.next
  } while (after)
  assert.is(found.length, history.filter(({ type }) => type === 'WalletOpened').length)
  for (const wallet of found) {
    const { walletId, owner, posted, held, shortfall, available } = wallet
    assert.equal((await queries.findWallet(walletId)).value, wallet)
    assert.ok((await queries.listWallets({ owner, limit: 9 })).value.items.some((other) => other.walletId === walletId))
    assert.is((await queries.findAccount(`wallet:${walletId}`)).value?.balance ?? 0n, posted)
    assert.is((await queries.findAccount(`shortfall:${walletId}`)).value?.balance ?? 0n, -shortfall)
    assert.is(available, posted - held)
    assert.ok(available >= 0n && held >= 0n)
  }
  assert.is((await queries.findWallet('nobody')).value, undefined)
})

money('withdrawals and deposits are found one by one and by wallet', async () => {
  const { queries } = await populated()
  const all = (await queries.listWithdrawals({ limit: 200 })).value.items
  assert.equal(new Set(all.map(({ status }) => status)).has('confirmed'), true)
  for (const withdrawal of all) {
    const { withdrawalId, walletId: wallet, status } = withdrawal
    assert.equal((await queries.findWithdrawal(withdrawalId)).value, withdrawal)
    const { items } = (await queries.listWithdrawals({ limit: 200, wallet, status: status as 'review' })).value
    assert.ok(items.some((item) => item.withdrawalId === withdrawalId))
  }
  const deposits = (await queries.listDeposits({ limit: 200 })).value.items
  assert.ok(deposits.length > 1)
  for (const deposit of deposits) {
    assert.equal((await queries.findDeposit(deposit.deposit)).value, deposit)
    const { items } = (await queries.listDeposits({ limit: 200, wallet: deposit.walletId })).value
    assert.ok(items.some((item) => item.deposit === deposit.deposit))
  }
})

money('Postgres holds what the fold without it says', async () => {
  const { verify } = await populated()
  for (const { name, difference } of await verify()) assert.is(difference, undefined, name)
})

money.run()
