// The read models of money over what many people did with theirs: after every event they are what the deciders and the books say, and
// Postgres holds the same rows however the log is cut into batches and lives.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { clearingAccounts, mayBeNegative } from '../../domain/ledger.ts'
import type { WalletEvent } from '../../domain/wallet/events.ts'
import { evolveWallet, type WalletState } from '../../domain/wallet/state.ts'
import { type DepositRow, deposits } from '../../projections/deposits.ts'
import {
  type ClearingItemRow,
  type LedgerAccountRow,
  type LedgerEntryRow,
  type LedgerTotalRow,
  ledger,
} from '../../projections/ledger.ts'
import { emptyLog, logReader } from '../../projections/log-reader.ts'
import { memoryTables } from '../../projections/memory-tables.ts'
import type { LogFact, Projection } from '../../projections/projection.ts'
import { type WalletEntryRow, type WalletRow, walletBalances } from '../../projections/wallet-balances.ts'
import { type WithdrawalRow, withdrawals } from '../../projections/withdrawals.ts'
import { simulate } from '../simulation/run.ts'
import { isLong, seed } from '../support/random.ts'
import { closeStages, openStage, type Stage } from './harness.ts'

const books = suite('books')
books.after.each(closeStages)
console.log(`SEED=${seed}`)

/** What people and services did, from the founding on. */
async function history(operations = isLong ? 400 : 40): Promise<readonly RecordedEvent[]> {
  const store = memoryEventStore()
  const { wrongs } = await simulate({ seed, actors: 8, operations, store })
  assert.equal(wrongs, [])
  const events: RecordedEvent[] = []
  for await (const event of store.readAll()) events.push(event)
  return events
}

/** The rows of some read models, in memory, as they grow. */
function folding(...projections: readonly Projection[]) {
  const reader = logReader(emptyLog)
  const tables = projections.flatMap((projection) => memoryTables(projection, true))
  return {
    take(event: RecordedEvent): LogFact {
      const fact = reader.take(event)
      for (const table of tables) table.take(fact)
      return fact
    },
    rows: <Found>(name: string) => tables.find((table) => table.name === name)!.rows(reader.state.newest) as unknown as Found[],
  }
}

/** Wallets as their decider sees them; answers the one that an event was about. */
function deciding() {
  const states = new Map<string, WalletState>()
  function see({ stream, ...event }: LogFact): WalletState | undefined {
    if (!stream.includes('_wallet-')) return undefined
    const { walletId } = event.data as { readonly walletId: string }
    const state = evolveWallet(states.get(walletId), event as WalletEvent)!
    states.set(walletId, state)
    return state
  }
  return { states, see }
}

books('after every event a wallet, its last line and its accounts say what its decider does', async () => {
  const { take, rows } = folding(walletBalances, ledger)
  const { states, see } = deciding()
  for (const event of await history()) {
    const { type, walletId, owner, posted, held, shortfall, withdrawals } = { type: event.type, ...see(take(event)) }
    if (walletId === undefined) continue
    const wallet = rows<WalletRow>('wallets').find((row) => row.walletId === walletId)!
    assert.equal([wallet.owner, wallet.posted, wallet.held, wallet.shortfall], [owner, posted, held, shortfall], type)
    const unsigned = [...withdrawals!.entries()].filter(([, { status }]) => status === 'review' || status === 'approved')
    assert.equal(Object.keys(wallet.reserved).sort(), unsigned.map(([id]) => id).sort(), type)
    const line = rows<WalletEntryRow>('walletEntries').findLast((row) => row.walletId === walletId)
    const after = line ? [line.postedAfter, line.heldAfter, line.shortfallAfter] : [0n, 0n, 0n]
    assert.equal(after, [posted, held, shortfall], type)
    const accounts = rows<LedgerAccountRow>('ledgerAccounts')
    const balance = (name: string) => accounts.find(({ account }) => account === name)?.balance ?? 0n
    assert.equal([balance(`wallet:${walletId}`), balance(`shortfall:${walletId}`)], [posted, -shortfall!], type)
  }
  assert.is(states.size, 8)
})

books('after every event the ledger is zero, and clearing accounts are what is on its way', async () => {
  const { take, rows } = folding(ledger)
  let lines = 0
  for (const event of await history()) {
    const { type } = take(event)
    const entries = rows<LedgerEntryRow>('ledgerEntries')
    if (entries.length === lines) continue
    lines = entries.length
    const accounts = rows<LedgerAccountRow>('ledgerAccounts')
    assert.is(sumOf(accounts.map(({ balance }) => balance)), 0n, type)
    for (const { account, balance } of accounts)
      assert.ok(balance >= 0n || mayBeNegative(account), `${account} ${balance} after ${type}`)
    const items = rows<ClearingItemRow>('clearingItems')
    const swept = rows<LedgerTotalRow>('ledgerTotals').find(({ kind }) => kind === 'clearing:fund')?.sweptToIndex ?? -1
    for (const name of clearingAccounts) {
      // A sweep closes a range of contributions: those behind it are open.
      const unswept = entries.filter(({ account, index, item }) => account === 'clearing:fund' && item !== null && index > swept)
      const open = name === 'clearing:fund' ? unswept : items.filter(({ account }) => account === name)
      const balance = accounts.find(({ account }) => account === name)?.balance ?? 0n
      assert.is(sumOf(open.map(({ amount }) => amount)), balance, `${name} after ${type}`)
    }
  }
  assert.ok(lines > 100, 'money moved')
})

books('withdrawals and deposits are where their wallets know them to be', async () => {
  const { take, rows } = folding(withdrawals, deposits)
  const { states, see } = deciding()
  for (const event of await history()) see(take(event))
  const wallets = [...states.values()]
  const asked = wallets.flatMap(({ walletId, withdrawals }) =>
    [...withdrawals.entries()].map(([withdrawalId, { status, amount, destination, attempts, confirmedBy }]) => {
      const signed = attempts.map(({ txid, fee }) => ({ txid, fee: String(fee) }))
      return { withdrawalId, walletId, status, amount, destination, transactions: { attempts: signed }, txid: confirmedBy }
    }),
  )
  assert.ok(asked.length > 3)
  for (const withdrawal of asked) {
    const row = rows<WithdrawalRow>('withdrawals').find(({ withdrawalId }) => withdrawalId === withdrawal.withdrawalId)
    assert.equal({ ...row, ...withdrawal }, row)
  }
  assert.is(rows('withdrawals').length, asked.length)
  const received = wallets.flatMap(({ walletId, deposits }) =>
    [...deposits.entries()].map(([deposit, { amount, credited }]) => ({
      ...{ deposit, walletId, amount },
      status: credited ? 'credited' : 'reversed',
    })),
  )
  for (const deposit of received) {
    const row = rows<DepositRow>('deposits').find((row) => row.deposit === deposit.deposit)
    assert.equal({ ...row, ...deposit }, row)
  }
  assert.is(rows('deposits').length, received.length)
})

async function agrees(stage: Stage): Promise<void> {
  for (const { name, difference } of await stage.verify()) assert.is(difference, undefined, name)
}

books('any batch sizes and any interruptions make the same rows in Postgres', async () => {
  const events = await history()
  const session = fc.record({
    events: fc.integer({ min: 1, max: events.length }),
    batchMax: fc.integer({ min: 1, max: 200 }),
    isHasty: fc.boolean(),
  })
  const sessions = fc.array(session, { minLength: 2, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(sessions, async (sessions) => {
      const stage = await openStage()
      let next = 0
      const add = async (count: number) => {
        for (const { stream, type, data, metadata } of events.slice(next, (next += count)))
          await stage.log.addRaw(stream, { type, data, metadata })
      }
      try {
        await add(1)
        const first = stage.start()
        await first.caughtUp()
        await first.stop()
        for (const { events, batchMax, isHasty } of sessions) {
          const running = stage.start({ batchMax })
          await add(events)
          if (!isHasty) await running.caughtUp()
          await running.stop()
        }
        const last = stage.start()
        await last.caughtUp()
        assert.is((await stage.queries.trialBalance()).value.total, 0n)
        await agrees(stage)
        assert.is((await stage.queries.trialBalance()).generation, 1, 'it was built once and followed since')
        await last.projector.rebuild('all')
        await last.caughtUp()
        await agrees(stage)
      } finally {
        await stage.close()
      }
    }),
    { seed, numRuns: isLong ? 30 : 3, endOnFailure: !isLong },
  )
})

function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n)
}

books.run()
