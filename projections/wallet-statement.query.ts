import { sql } from 'kysely'
import { type Answer, answer, home, orderBy, type Page, type Paging, pageOf, type ReadDatabase } from './read.ts'
import { type EntryKind, type WalletEntryRow, walletBalances } from './wallet-balances.ts'

/** What is in a wallet, or by how much that changed. */
export interface Balance {
  readonly posted: bigint
  readonly held: bigint
  readonly shortfall: bigint
}

/** A line of a statement. */
export interface StatementEntry
  extends Pick<WalletEntryRow, 'index' | 'revision' | 'type' | 'reference' | 'other' | 'recordedAt' | 'position'> {
  readonly kind: EntryKind
  readonly change: Balance
  /** After it. */
  readonly balance: Balance
}

export interface StatementRange {
  /** Instants: recorded at or after, and before. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** As the statement stood at a position of the log. */
  readonly asOf?: bigint | undefined
}

/** A wallet's balance and how it came about. */
export interface Statement {
  readonly walletId: string
  /** As it stands, or as it stood at `asOf`; whatever `from` and `to` are. */
  readonly balance: Balance
  /** By the index of their events in the log. */
  readonly entries: Page<StatementEntry>
}

/** What events of one type have made of a balance. */
export interface BalancePart extends Balance {
  readonly type: string
  readonly events: number
  /** Of the first and the last of them, in the log. */
  readonly firstIndex: number
  readonly lastIndex: number
}

export interface Explanation {
  readonly walletId: string
  /** The sum of the parts. */
  readonly balance: Balance
  /** By the type of the events; each of these is a line of the statement. */
  readonly parts: readonly BalancePart[]
}

export interface WalletStatementQueries {
  /** Undefined when the wallet is not there, or was not yet at `asOf`. */
  walletStatement(walletId: string, paging: Paging, range?: StatementRange): Promise<Answer<Statement | undefined>>
  /** Likewise. */
  explainBalance(walletId: string, asOf?: bigint): Promise<Answer<Explanation | undefined>>
}

export function walletStatementQueries(db: ReadDatabase): WalletStatementQueries {
  return {
    walletStatement: (walletId, paging, range = {}) => walletStatement(db, walletId, paging, range),
    explainBalance: (walletId, asOf) => explainBalance(db, walletId, asOf),
  }
}

const walletsView = sql.table(`${home}.wallets`)
const entriesView = sql.table(`${home}.walletEntries`)

async function walletStatement(
  db: ReadDatabase,
  walletId: string,
  { limit, after, descending = false }: Paging,
  { from, to, asOf }: StatementRange,
): Promise<Answer<Statement | undefined>> {
  const direction = descending ? 'desc' : 'asc'
  let page = db.selectFrom('walletEntries').selectAll().where('walletId', '=', walletId)
  if (from !== undefined) page = page.where('recordedAt', '>=', from)
  if (to !== undefined) page = page.where('recordedAt', '<', to)
  if (asOf !== undefined) page = page.where('index', '<=', lastLine(db, walletId, asOf))
  if (after !== undefined) page = page.where('index', descending ? '<' : '>', after)
  const lines = page.orderBy('index', direction).limit(limit + 1)
  const statement = sql<{ readonly balance: BalanceText } & (WalletEntryRow | { readonly index: null })>`
    select w.balance, e.* from (${balanceOf(walletId, asOf)}) w left join lateral (${lines}) e on true`
  const { value, ...place } = await answer(db, walletBalances, statement, [['index', direction]])
  const head = value[0]
  if (!head) return { value: undefined, ...place }
  const entries = value.flatMap((row) => (row.index === null ? [] : [entryOf(row)]))
  const items = pageOf(entries, limit, ({ index }) => index)
  return { value: { walletId, balance: exact(head.balance), entries: items }, ...place }
}

/** The index of the last line up to a position: the page goes along indexes, and would look at every later line first. */
function lastLine(db: ReadDatabase, walletId: string, asOf: bigint) {
  const lines = db.selectFrom('walletEntries').select('index').where('walletId', '=', walletId).where('position', '<=', asOf)
  return lines.orderBy('position', 'desc').limit(1)
}

/** One row: a wallet that was there, and what was in it: as its last line up to then says. */
function balanceOf(walletId: string, asOf: bigint | undefined) {
  return sql`
    select json_build_object('posted', coalesce(b."postedAfter", 0)::text,
      'held', coalesce(b."heldAfter", 0)::text, 'shortfall', coalesce(b."shortfallAfter", 0)::text) as balance
    from ${walletsView} w left join lateral (
      select "postedAfter", "heldAfter", "shortfallAfter" from ${entriesView}
      where "walletId" = w."walletId" ${until('position', asOf)} ${orderBy([['position', 'desc']])} limit 1
    ) b on true
    where w."walletId" = ${walletId} ${until('openedPosition', asOf)}`
}

async function explainBalance(
  db: ReadDatabase,
  walletId: string,
  asOf: bigint | undefined,
): Promise<Answer<Explanation | undefined>> {
  const statement = sql<BalancePart | { readonly type: null }>`
    select e.* from ${walletsView} w left join lateral (
      select type, count(*) as events, sum(posted) as posted, sum(held) as held, sum(shortfall) as shortfall,
        min(index) as "firstIndex", max(index) as "lastIndex"
      from ${entriesView} where "walletId" = w."walletId" ${until('position', asOf)} group by type
    ) e on true
    where w."walletId" = ${walletId} ${until('openedPosition', asOf)}`
  const { value, ...place } = await answer(db, walletBalances, statement, [['firstIndex', 'asc']])
  if (!value.length) return { value: undefined, ...place }
  const parts = value.flatMap((row) => (row.type === null ? [] : [partOf(row)]))
  return { value: { walletId, balance: parts.reduce(sum, nothing), parts }, ...place }
}

function until(column: string, asOf: bigint | undefined) {
  return asOf === undefined ? sql`` : sql`and ${sql.ref(column)} <= ${asOf}`
}

/** Counts come from the driver as bigint or as text, whichever it was told. */
function partOf({ events, firstIndex, lastIndex, ...part }: BalancePart): BalancePart {
  return { ...part, events: Number(events), firstIndex: Number(firstIndex), lastIndex: Number(lastIndex) }
}

const nothing: Balance = { posted: 0n, held: 0n, shortfall: 0n }

function sum(one: Balance, other: Balance): Balance {
  return { posted: one.posted + other.posted, held: one.held + other.held, shortfall: one.shortfall + other.shortfall }
}

/** A balance as one value of a row: amounts in decimal text. */
type BalanceText = { readonly [Part in keyof Balance]: string }

function exact({ posted, held, shortfall }: BalanceText): Balance {
  return { posted: BigInt(posted), held: BigInt(held), shortfall: BigInt(shortfall) }
}

function entryOf({ walletId: _, kind, posted, held, shortfall, ...row }: WalletEntryRow): StatementEntry {
  const { postedAfter, heldAfter, shortfallAfter, ...entry } = row
  const balance = { posted: postedAfter, held: heldAfter, shortfall: shortfallAfter }
  return { ...entry, kind: kind as EntryKind, change: { posted, held, shortfall }, balance }
}
