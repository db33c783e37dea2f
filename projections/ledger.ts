// The double-entry book: every account's balance, every entry that made it, and what is on its way.
import { type Posting, postingsOf } from '../domain/ledger.ts'
import { appended, keyed, type LogFact, type Projection, type TableRow } from './projection.ts'

const ledgerAccounts = keyed({
  columns: {
    /** `wallet:<id>`, `escrow:<id>`, `clearing:fund`, `outside:chain` … */
    account: 'text',
    /** `credits - debits`. */
    balance: 'amount',
    debits: 'amount',
    credits: 'amount',
    entries: 'integer',
    changedPosition: 'position',
  },
  key: 'account',
  keys: (fact) => [...new Set(postingsOf(fact).map(({ account }) => account))],
  evolve(row, fact, account) {
    const postings = postingsOf(fact).filter((posting) => posting.account === account)
    const figures = summed(row, postings)
    return { account, ...figures, entries: (row?.entries ?? 0) + postings.length, changedPosition: fact.position }
  },
})

/** The same by kind of account, so that a trial balance need not add up all wallets: `wallet`, `escrow`, `shortfall`, `airdrop`, and the others by their names. */
const ledgerTotals = keyed({
  columns: {
    kind: 'text',
    balance: 'amount',
    debits: 'amount',
    credits: 'amount',
    /** Of `clearing:fund`: the sweeps have closed all contributions up to this index in the log. */
    sweptToIndex: 'integer?',
    changedPosition: 'position',
  },
  key: 'kind',
  keys: (fact) => [...new Set(postingsOf(fact).map(kindOf))],
  evolve(row, fact, kind) {
    const postings = postingsOf(fact).filter((posting) => kindOf(posting) === kind)
    const sweptToIndex = sweptBy(fact, kind) ?? row?.sweptToIndex ?? null
    return { kind, ...summed(row, postings), sweptToIndex, changedPosition: fact.position }
  },
})

const ledgerEntries = appended({
  columns: {
    /** Of the event in the log, and of the posting in the event. */
    index: 'integer',
    line: 'integer',
    account: 'text',
    kind: 'text',
    /** A credit when positive. */
    amount: 'amount',
    /** What is on its way, on clearing accounts. */
    item: 'text?',
    /** Of a sweep: what it has closed. */
    sweptToIndex: 'integer?',
    type: 'text',
    stream: 'text',
    revision: 'integer',
    recordedAt: 'instant',
    position: 'position',
  },
  key: ['index', 'line'],
  ascending: true,
  indexes: [['account', 'index'], ['position']],
  rows(fact) {
    const { index, type, stream, revision, position } = fact
    const { recordedAt } = fact.metadata
    return postingsOf(fact).map((posting, line) => {
      const { account, amount, item = null } = posting
      const kind = kindOf(posting)
      const sweptToIndex = sweptBy(fact, kind) ?? null
      return { index, line, account, kind, amount, item, sweptToIndex, type, stream, revision, recordedAt, position }
    })
  },
})

/** Money on its way, until it has arrived. Contributions to the fund are not here: a sweep closes all of a range at once. */
const clearingItems = keyed({
  columns: {
    item: 'text',
    account: 'text',
    /** What of it is still on its way. */
    amount: 'amount',
    openedAt: 'instant',
    openedIndex: 'integer',
    openedPosition: 'position',
  },
  key: 'item',
  indexes: [['account', 'openedIndex']],
  keys: (fact) => postingsOf(fact).flatMap((posting) => (isItem(posting) ? [posting.item] : [])),
  evolve(row, fact, item) {
    const posting = postingsOf(fact).find((posting) => posting.item === item)!
    const amount = (row?.amount ?? 0n) + posting.amount
    if (amount === 0n) return null
    const opened = { openedAt: fact.metadata.recordedAt, openedIndex: fact.index, openedPosition: fact.position }
    return { item, account: posting.account, ...opened, ...row, amount }
  },
})

function isItem(posting: Posting): posting is Posting & { readonly item: string } {
  return posting.item !== undefined && posting.account !== 'clearing:fund'
}

interface Figures {
  readonly balance: bigint
  readonly debits: bigint
  readonly credits: bigint
}

function summed(row: Figures | null, postings: readonly Posting[]): Figures {
  let { balance, debits, credits } = row ?? { balance: 0n, debits: 0n, credits: 0n }
  for (const { amount } of postings) {
    balance += amount
    if (amount < 0n) debits -= amount
    else credits += amount
  }
  return { balance, debits, credits }
}

/** Accounts that there are many of count as one kind. */
function kindOf({ account }: Posting): string {
  return /^(wallet|escrow|shortfall|airdrop):/.exec(account)?.[1] ?? account
}

function sweptBy({ type, data }: LogFact, kind: string): number | undefined {
  return type === 'ContributionsSwept' && kind === 'clearing:fund' ? data.toIndex : undefined
}

export type LedgerAccountRow = TableRow<typeof ledgerAccounts>
export type LedgerTotalRow = TableRow<typeof ledgerTotals>
export type LedgerEntryRow = TableRow<typeof ledgerEntries>
export type ClearingItemRow = TableRow<typeof clearingItems>

export const ledger = {
  name: 'ledger',
  version: 2,
  tables: { ledgerAccounts, ledgerTotals, ledgerEntries, clearingItems },
} satisfies Projection
