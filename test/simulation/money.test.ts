// Many people and both instances at once: nothing is lost, created or paid twice, whatever they do.

import { setImmediate as turn } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import type { EventStore } from '../../commands/ports.ts'
import { replayDecisions } from '../../commands/replay.ts'
import type { Fact } from '../../domain/catalogue.ts'
import { type EscrowState, evolveEscrow, isTerminal } from '../../domain/escrow/state.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { type Account, mayBeNegative, postingsOf } from '../../domain/ledger.ts'
import { evolveWallet, type WalletState } from '../../domain/wallet/state.ts'
import { type LedgerAccountRow, ledger } from '../../projections/ledger.ts'
import { emptyLog, logReader } from '../../projections/log-reader.ts'
import { memoryTables } from '../../projections/memory-tables.ts'
import { type WalletRow, walletBalances } from '../../projections/wallet-balances.ts'
import { type Auditor, createAuditor } from '../support/auditor.ts'
import { testEventStore } from '../support/engines.ts'
import { namespace } from '../support/money-world.ts'
import { isLong, randomFrom, seed } from '../support/random.ts'
import { type Simulated, simulate } from './run.ts'

const simulation = suite('simulation of money')

/** A store in memory that takes its time, and now and then loses an answer or a question. */
function shaky(random: () => number): EventStore {
  const store = memoryEventStore({ namespace })
  const wait = async () => {
    for (let turns = Math.floor(random() * 3); turns > 0; turns--) await turn()
  }
  return {
    ...store,
    async append(...call) {
      await wait()
      const luck = random()
      if (luck < 0.002) store.loseNextReply()
      else if (luck < 0.004) store.loseNextAppend()
      return store.append(...call)
    },
    async *readStream(...call) {
      await wait()
      yield* store.readStream(...call)
    },
  }
}

/** Sums of the ledger's postings beside an auditor's books, event by event: they must agree wherever an event moved something, and all over at times. */
function audit({ facts }: Simulated): Map<Account, bigint> {
  const auditor = createAuditor()
  const balances = new Map<Account, bigint>()
  const agree = (account: Account, fact: Fact) => {
    const balance = balances.get(account) ?? 0n
    if (auditor.balance(account) !== balance)
      assert.unreachable(
        `${account} after ${fact.type} ${fact.id}: ${balance} by the ledger, ${auditor.balance(account)} by the auditor`,
      )
    if (balance < 0n && !mayBeNegative(account)) assert.unreachable(`${account} has ${balance} after ${fact.type} ${fact.id}`)
  }
  for (const [index, fact] of facts.entries()) {
    auditor.see(fact, index)
    assert.equal(auditor.complaints, [], `${fact.type} ${fact.id}`)
    const postings = postingsOf(fact)
    const sum = postings.reduce((sum, { amount }) => sum + amount, 0n)
    if (sum !== 0n) assert.unreachable(`${fact.type} ${fact.id} sums to ${sum}`)
    for (const { account, amount } of postings) balances.set(account, (balances.get(account) ?? 0n) + amount)
    const isTurn = index % (isLong ? 5000 : 100) === 0 || index === facts.length - 1
    const touched = postings.map(({ account }) => account).filter((account) => !isLong || !account.startsWith('clearing:'))
    for (const account of isTurn ? (auditor.accounts() as Account[]) : touched) agree(account, fact)
    if (isTurn)
      assert.is(
        auditor.accounts().reduce((sum, account) => sum + auditor.balance(account), 0n),
        0n,
      )
  }
  readModelsAgree(facts, balances, auditor)
  return balances
}

/** What the ledger's read model and that of wallets say in the end. */
function readModelsAgree(facts: readonly Fact[], balances: ReadonlyMap<Account, bigint>, auditor: Auditor): void {
  const reader = logReader(emptyLog)
  const tables = [...memoryTables(ledger, false), ...memoryTables(walletBalances, false)]
  for (const fact of facts) {
    const logFact = reader.take(fact as unknown as RecordedEvent)
    for (const table of tables) table.take(logFact)
  }
  const rowsOf = <Found>(name: string) =>
    tables.find((table) => table.name === name)!.rows(reader.state.newest) as unknown as Found[]
  const accounts = rowsOf<LedgerAccountRow>('ledgerAccounts')
  assert.equal(new Map(accounts.map(({ account, balance }) => [account, balance])), balances)
  for (const { walletId, posted, shortfall } of rowsOf<WalletRow>('wallets')) {
    assert.is(posted, auditor.balance(`wallet:${walletId}`))
    assert.is(shortfall, -auditor.balance(`shortfall:${walletId}`))
  }
}

function hold({ facts, wrongs }: Simulated): void {
  assert.equal(wrongs, [])
  const commands = new Set<string>()
  const wallets = new Map<string, WalletState>()
  const escrows = new Map<string, EscrowState>()
  for (const fact of facts) {
    const { command, publicKey } = fact.metadata
    if (command !== undefined) {
      assert.not(commands.has(`${publicKey} ${command}`), `carried out twice: ${command}`)
      commands.add(`${publicKey} ${command}`)
    }
    const { walletId, escrowId } = fact.data as unknown as { walletId: string; escrowId: string }
    if (fact.stream.includes('_wallet-'))
      wallets.set(walletId, evolveWallet(wallets.get(walletId), fact as Parameters<typeof evolveWallet>[1])!)
    if (fact.stream.includes('_escrow-'))
      escrows.set(escrowId, evolveEscrow(escrows.get(escrowId), fact as Parameters<typeof evolveEscrow>[1])!)
  }
  for (const { posted, held, shortfall } of wallets.values()) {
    assert.ok(held >= 0n && posted >= held && shortfall >= 0n)
    assert.ok(shortfall === 0n || posted === held)
  }
  const unfinished = [...escrows.values()].filter((escrow) => !isTerminal(escrow))
  assert.equal(unfinished, [])
  assert.ok(new Set(facts.map(({ type }) => type)).size > 10, 'nothing much happened')
}

async function decidedAgain({ facts }: Simulated): Promise<void> {
  async function* log(): AsyncGenerator<RecordedEvent> {
    yield* facts as unknown as RecordedEvent[]
  }
  const replayed = await replayDecisions(log(), { namespace, verify: verifySignature })
  assert.equal(replayed, { events: facts.length, difference: undefined })
}

function nothingIsOnItsWay(balances: ReadonlyMap<Account, bigint>): void {
  for (const [account, balance] of balances)
    if (account.startsWith('clearing:') || account.startsWith('escrow:')) assert.is(balance, 0n, account)
}

simulation('64 people on two instances, the log in memory', async () => {
  const simulated = await simulate({ seed, actors: 64, operations: isLong ? 10_000 : 40, store: shaky(randomFrom(seed + 1)) })
  hold(simulated)
  nothingIsOnItsWay(audit(simulated))
  await decidedAgain(simulated)
})

simulation('16 people on two instances and the real settlement twice, the log in the embedded event store', async () => {
  const engine = await testEventStore()
  const store = connectEventStore({ connectionString: engine.connectionString, namespace })
  try {
    const simulated = await simulate({ seed: seed + 2, actors: 16, operations: isLong ? 300 : 40, store, realSettlement: true })
    hold(simulated)
    nothingIsOnItsWay(audit(simulated))
    await decidedAgain(simulated)
  } finally {
    await store.close()
    await engine.close()
  }
})

simulation.run()
