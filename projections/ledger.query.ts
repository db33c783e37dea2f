import { sql } from 'kysely'
import { clearingAccounts } from '../domain/ledger.ts'
import { type LedgerAccountRow, type LedgerEntryRow, ledger } from './ledger.ts'
import { type Answer, answer, home, type Page, type Paging, pageOf, type ReadDatabase } from './read.ts'

/** Money on its way. */
export interface OpenItem {
  /** `escrow:<id>:<leg>`, `transfer:<id>`, `spending:<proposalId>`, `withdrawal:<id>`, `contribution:<escrowId>`. */
  readonly item: string
  readonly amount: bigint
  readonly openedAt: string
  /** Of the event that opened it, in the log. */
  readonly openedIndex: number
  readonly openedPosition: bigint
}

/** All accounts of a kind. */
export interface TrialBalanceLine {
  /** `wallet`, `escrow` and `shortfall` are all accounts of that kind; the others are accounts by their names. */
  readonly kind: string
  readonly balance: bigint
  readonly debits: bigint
  readonly credits: bigint
}

export interface ClearingLine extends TrialBalanceLine {
  readonly openCount: number
  /** The oldest, `openItemsMax` of them at most. */
  readonly openItems: readonly OpenItem[]
}

export interface TrialBalance {
  /** The sum of all balances: 0. */
  readonly total: bigint
  readonly debits: bigint
  readonly credits: bigint
  readonly accounts: readonly TrialBalanceLine[]
  readonly clearing: readonly ClearingLine[]
}

/** Open items that a trial balance shows of each clearing account. */
export const openItemsMax = 100

/** An account's last place in a page. */
export interface AccountPage {
  readonly accounts: readonly LedgerAccountRow[]
  readonly next: string | undefined
}

export interface LedgerQueries {
  findAccount(account: string): Promise<Answer<LedgerAccountRow | undefined>>
  /** By name; those that begin with `prefix` where it is given. */
  listAccounts(listing: {
    readonly prefix?: string | undefined
    readonly limit: number
    readonly after?: string | undefined
  }): Promise<Answer<AccountPage>>
  /** An account's entries, paged by the index of their events: all entries of an event stand on one page. */
  accountEntries(account: string, paging: Paging): Promise<Answer<Page<LedgerEntryRow>>>
  /** Entries of all accounts, likewise. */
  ledgerEntries(paging: Paging): Promise<Answer<Page<LedgerEntryRow>>>
  /** Of an account, with all entries up to `asOf`. */
  accountBalance(account: string, asOf: bigint): Promise<Answer<bigint>>
  /** As it stands, or as it stood at a position. */
  trialBalance(asOf?: bigint): Promise<Answer<TrialBalance>>
}

export function ledgerQueries(db: ReadDatabase): LedgerQueries {
  async function entries(
    query: EntryQuery,
    { limit, after, descending = false, asOf }: Paging,
  ): Promise<Answer<Page<LedgerEntryRow>>> {
    const direction = descending ? 'desc' : 'asc'
    let wanted = query
    if (after !== undefined) wanted = wanted.where('index', descending ? '<' : '>', after)
    if (asOf !== undefined) wanted = wanted.where('position', '<=', asOf)
    // An event may book a hundred lines: what is counted are events.
    const events = wanted
      .clearSelect()
      .select('index')
      .distinct()
      .orderBy('index', direction)
      .limit(limit + 1)
    const { value, ...place } = await answer(db, ledger, query.where('index', 'in', events), [
      ['index', direction],
      ['line', 'asc'],
    ])
    const indexes = [...new Set(value.map(({ index }) => index))]
    const { items, next } = pageOf(indexes, limit, (index) => index)
    const last = items.at(-1)
    const shown = last === undefined ? [] : value.filter(({ index }) => (descending ? index >= last : index <= last))
    return { value: { items: shown, next }, ...place }
  }

  return {
    async findAccount(account) {
      const { value, ...place } = await answer(
        db,
        ledger,
        db.selectFrom('ledgerAccounts').selectAll().where('account', '=', account),
      )
      return { value: value[0], ...place }
    },
    async listAccounts({ prefix, limit, after }) {
      let query = db.selectFrom('ledgerAccounts').selectAll()
      // Names sort by bytes and hold no byte above `z`, so those with a prefix are a range.
      if (prefix) query = query.where('account', '>=', prefix).where('account', '<', `${prefix}\u{10ffff}`)
      if (after !== undefined) query = query.where('account', '>', after)
      const { value, ...place } = await answer(db, ledger, query.orderBy('account').limit(limit + 1), [['account', 'asc']])
      const accounts = value.slice(0, limit)
      return { value: { accounts, next: value.length > limit ? accounts.at(-1)!.account : undefined }, ...place }
    },
    accountEntries: (account, paging) => entries(entriesOf(db).where('account', '=', account), paging),
    ledgerEntries: (paging) => entries(entriesOf(db), paging),
    async accountBalance(account, asOf) {
      const query = entriesOf(db)
        .clearSelect()
        .select(sql<string>`coalesce(sum(amount), 0)::text`.as('sum'))
        .where('account', '=', account)
        .where('position', '<=', asOf)
      const { value, ...place } = await answer(db, ledger, query)
      return { value: BigInt(value[0]!.sum), ...place }
    },
    trialBalance: (asOf) => trialBalance(db, asOf),
  }
}

const entriesOf = (db: ReadDatabase) => db.selectFrom('ledgerEntries').selectAll()
type EntryQuery = ReturnType<typeof entriesOf>

/** A line of the statement below. */
interface Line extends TrialBalanceLine {
  readonly openCount: string | null
  /** As JSON: amounts and positions as text. */
  readonly openItems: readonly (Pick<OpenItem, 'item' | 'openedAt' | 'openedIndex'> & {
    readonly amount: string
    readonly openedPosition: string
  })[]
}

async function trialBalance(db: ReadDatabase, asOf: bigint | undefined): Promise<Answer<TrialBalance>> {
  const statement = sql<Line>`
    select t.kind, t.balance, t.debits, t.credits, o.count::text as "openCount", o.items as "openItems"
    from (${asOf === undefined ? totalsNow : totalsAt(asOf)}) t
    left join lateral (
      with items as (${asOf === undefined ? itemsNow : itemsAt(asOf)})
      select count(*) as count, (
        select coalesce(json_agg(row_to_json(i) order by i."openedIndex"), '[]')
        from (select * from items order by "openedIndex" limit ${sql.lit(openItemsMax)}) i
      ) as items from items
    ) o on t.kind like 'clearing:%'`
  const { value, ...place } = await answer(db, ledger, statement, [['kind', 'asc']])
  return { value: balanceOf(value), ...place }
}

const entriesView = sql.table(`${home}.ledgerEntries`)

const totalsNow = sql`select kind, balance, debits, credits, "sweptToIndex" from ${sql.table(`${home}.ledgerTotals`)}`

const totalsAt = (asOf: bigint) => sql`
  select kind, sum(amount) as balance, coalesce(-sum(amount) filter (where amount < 0), 0) as debits,
    coalesce(sum(amount) filter (where amount > 0), 0) as credits, max("sweptToIndex") as "sweptToIndex"
  from ${entriesView} where position <= ${asOf} group by kind`

/** Of the fund's contributions those are open that no sweep has come to. */
const unswept = sql`
  select item, amount::text as amount, "recordedAt" as "openedAt", index as "openedIndex", position::text as "openedPosition"
  from ${entriesView} where t.kind = 'clearing:fund' and account = 'clearing:fund' and amount > 0 and index > coalesce(t."sweptToIndex", -1)`

const itemsNow = sql`
  select item, amount::text as amount, "openedAt", "openedIndex", "openedPosition"::text as "openedPosition"
  from ${sql.table(`${home}.clearingItems`)} where account = t.kind
  union all ${unswept}`

const itemsAt = (asOf: bigint) => sql`
  select item, sum(amount)::text as amount, min("recordedAt") as "openedAt", min(index) as "openedIndex", min(position)::text as "openedPosition"
  from ${entriesView} where account = t.kind and account <> 'clearing:fund' and position <= ${asOf}
  group by item having sum(amount) <> 0
  union all ${unswept} and position <= ${asOf}`

function balanceOf(lines: readonly Line[]): TrialBalance {
  const sum = (figure: (line: Line) => bigint) => lines.reduce((sum, line) => sum + figure(line), 0n)
  const shown = ({ kind, balance, debits, credits }: TrialBalanceLine) => ({ kind, balance, debits, credits })
  const clearing = clearingAccounts.map((account): ClearingLine => {
    const line = lines.find(({ kind }) => kind === account)
    if (!line) return { kind: account, balance: 0n, debits: 0n, credits: 0n, openCount: 0, openItems: [] }
    const openItems = line.openItems.map(({ amount, openedPosition, ...item }) => ({
      ...item,
      amount: BigInt(amount),
      openedPosition: BigInt(openedPosition),
    }))
    return { ...shown(line), openCount: Number(line.openCount), openItems }
  })
  return {
    total: sum(({ balance }) => balance),
    debits: sum(({ debits }) => debits),
    credits: sum(({ credits }) => credits),
    accounts: lines.map(shown),
    clearing,
  }
}
