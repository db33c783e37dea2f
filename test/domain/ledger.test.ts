// What every event of money books, from the frozen log, whose story is in test/support/frozen-money.ts.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DomainEvent, decode } from '../../domain/catalogue.ts'
import { type Account, clearingAccounts, mayBeNegative, postingsOf } from '../../domain/ledger.ts'

const ledger = suite('ledger')

const log: DomainEvent[] = readFileSync(new URL('../frozen/log.v2.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => decode({ ...JSON.parse(line), position: 0n, created: new Date(0) }))

/** The nth event of a type, in few words: names for the ids that it holds, and what it books. */
function booked(type: DomainEvent['type'], n = 1): string[] {
  const event = log.filter((event) => event.type === type)[n - 1]!
  const names = new Map(Object.entries(event.data).map(([name, value]) => [value, name]))
  const { source } = event.data as { source?: object }
  for (const [name, value] of Object.entries(source ?? {})) names.set(value, name)
  const named = (text: string) => text.replace(/[0-9a-f-]{36}/, (id) => names.get(id) ?? id)
  return postingsOf(event).map(({ account, amount, item }) => `${named(account)} ${amount}${item ? ` ${named(item)}` : ''}`)
}

/** `+` is a credit to the account. Ids are written by the names that they have in the event. */
const table: readonly [DomainEvent['type'], n: number, ...string[]][] = [
  ['TestDepositIssued', 1, 'outside:test -1000000', 'wallet:walletId 1000000'],
  ['DepositCredited', 1, 'outside:chain -3000', 'wallet:walletId 3000'],
  ['DepositReversed', 1, 'wallet:walletId -500', 'shortfall:walletId -2500', 'outside:chain 3000'],
  ['HoldReleased', 1],
  ['HoldReleased', 2, 'wallet:walletId -2500', 'shortfall:walletId 2500'],
  ['DepositCredited', 2, 'outside:chain -3000', 'wallet:walletId 3000'],
  ['HoldPlaced', 1],
  ['HoldCaptured', 1, 'wallet:walletId -10001', 'escrow:holdId 10001'],
  ['EscrowPartlyRefunded', 1, 'escrow:escrowId -1000', 'clearing:escrows 1000 escrow:escrowId:refund-1'],
  [
    'EscrowReleased',
    1,
    'escrow:escrowId -9001',
    'clearing:escrows 8551 escrow:escrowId:provider',
    'clearing:fund 450 contribution:escrowId',
  ],
  [
    'EscrowResolved',
    1,
    'escrow:escrowId -10001',
    'clearing:escrows 5701 escrow:escrowId:provider',
    'clearing:escrows 4000 escrow:escrowId:refund',
    'clearing:fund 300 contribution:escrowId',
  ],
  ['EscrowRefunded', 1, 'escrow:escrowId -10001', 'clearing:escrows 10001 escrow:escrowId:refund'],
  ['CreditPosted', 1, 'clearing:escrows -1000 escrow:escrowId:refund-1', 'wallet:walletId 1000'],
  ['TransferSent', 1, 'wallet:walletId -20000', 'clearing:transfers 20000 transfer:transferId'],
  ['CreditPosted', 9, 'clearing:transfers -20000 transfer:transferId', 'wallet:walletId 20000'],
  ['ContributionsSwept', 1, 'clearing:fund -900', 'fund 900'],
  ['SpendingExecuted.v2', 1, 'fund -500', 'clearing:spending 500 spending:proposalId'],
  ['CreditPosted', 10, 'clearing:spending -500 spending:proposalId', 'wallet:walletId 500'],
  ['WithdrawalSigned', 1, 'wallet:walletId -3100', 'clearing:withdrawals 3100 withdrawal:withdrawalId'],
  ['WithdrawalSigned', 2],
  [
    'WithdrawalConfirmed',
    1,
    'clearing:withdrawals -3100 withdrawal:withdrawalId',
    'outside:chain 3000',
    'fees:chain 40',
    'wallet:walletId 60',
  ],
  ['WithdrawalUnconfirmed', 1, 'outside:chain -3000', 'fees:chain -40', 'clearing:withdrawals 3040 withdrawal:withdrawalId'],
  [
    'WithdrawalConfirmed',
    2,
    'clearing:withdrawals -3040 withdrawal:withdrawalId',
    'outside:chain 3000',
    'fees:chain 90',
    'losses:chain -50',
  ],
  ['WithdrawalRejected', 1],
  ['WithdrawalCancelled', 1],
  ['WithdrawalFailed', 1],
]

for (const [type, n, ...postings] of table)
  ledger(`${type}${n > 1 ? `, the ${n}. time,` : ''} books ${postings.length ? 'what it moves' : 'nothing'}`, () =>
    assert.equal(booked(type, n), postings),
  )

ledger('all that moves money is in this table', () => {
  const moving = new Set(log.filter((event) => postingsOf(event).length).map(({ type }) => type))
  const tested = new Set(table.map(([type]) => type))
  for (const type of moving) assert.ok(tested.has(type), type)
})

ledger(
  'every event sums to zero, no account is negative that may not be, and an account of what is on its way is its open items',
  () => {
    const balances = new Map<Account, bigint>()
    const items = new Map<string, bigint>()
    for (const event of log) {
      const postings = postingsOf(event)
      assert.is(
        postings.reduce((sum, { amount }) => sum + amount, 0n),
        0n,
        event.type,
      )
      for (const { account, amount, item } of postings) {
        assert.is.not(amount, 0n)
        balances.set(account, (balances.get(account) ?? 0n) + amount)
        if (item) items.set(item, (items.get(item) ?? 0n) + amount)
      }
      for (const [account, balance] of balances)
        assert.ok(balance >= 0n || mayBeNegative(account), `${account} after ${event.type}`)
    }
    for (const account of clearingAccounts) assert.is(balances.get(account) ?? 0n, 0n, account)
    for (const [item, amount] of items) if (!item.startsWith('contribution:')) assert.is(amount, 0n, item)
    const all = Object.fromEntries([...balances].filter(([, balance]) => balance !== 0n).map(([name, n]) => [name, String(n)]))
    const [alice, bob, carol, dave] = log.flatMap(({ type, data }) => (type === 'WalletOpened' ? [data.walletId] : []))
    // Alice: 1,000,000 less escrows (9001, 6001, 3000), a transfer (20,000) and a withdrawal (3040). Bob: 8551 + 5701 + 2850.
    assert.equal(all, {
      'outside:test': '-1000000',
      [`wallet:${alice}`]: '958958',
      [`wallet:${bob}`]: '17102',
      [`wallet:${carol}`]: '20500',
      [`wallet:${dave}`]: '3000',
      fund: '400',
      'fees:chain': '90',
      'losses:chain': '-50',
    })
  },
)

ledger.run()
