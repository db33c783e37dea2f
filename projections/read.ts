import { type Expression, type Kysely, type RawBuilder, sql } from 'kysely'
import type { AllotmentRow, CampaignRow } from './airdrops.ts'
import type {
  ChainAnchorRow,
  ChainDepositRow,
  ChainDifferenceRow,
  ChainHoldingsRow,
  ChainWalletRow,
  ChainWithdrawalRow,
} from './chain-work.ts'
import type { AllocationRow, FundContributionRow, FundSweepRow, FundTotalsRow, ProposalRow } from './community-fund.ts'
import type { DepositRow } from './deposits.ts'
import type { DifferenceRow } from './differences.ts'
import type { EscrowRow } from './escrow-summary.ts'
import type { EventReferenceRow, EventRow } from './event-log.ts'
import type { WatchRow } from './health-watch.ts'
import type { ClearingItemRow, LedgerAccountRow, LedgerEntryRow, LedgerTotalRow } from './ledger.ts'
import type { LogHashRow, LogTreeRow } from './merkle-log.ts'
import type { NetworkRow } from './network.ts'
import type { NodeRow } from './node-directory.ts'
import type { HealthChangeRow } from './node-health.ts'
import type { HeartbeatRow } from './node-heartbeats.ts'
import type { Projection, Row } from './projection.ts'
import type { ReputationChangeRow } from './reputation-history.ts'
import { decoder } from './rows.ts'
import type { AirdropMoneyRow, OwedCreditRow, PendingCampaignRow, PendingEscrowRow } from './settlement.ts'
import type { WalletEntryRow, WalletRow } from './wallet-balances.ts'
import type { WithdrawalRow } from './withdrawals.ts'

/** The views that queries read: those of whichever generation of each projection serves. */
export interface ReadModels {
  readonly events: EventRow
  readonly eventReferences: EventReferenceRow
  readonly logTree: LogTreeRow
  readonly logHashes: LogHashRow
  readonly networks: NetworkRow
  readonly nodes: NodeRow
  readonly heartbeats: HeartbeatRow
  readonly healthChanges: HealthChangeRow
  readonly reputationChanges: ReputationChangeRow
  readonly watchedNodes: WatchRow
  readonly pendingEscrows: PendingEscrowRow
  readonly owedCredits: OwedCreditRow
  readonly pendingCampaigns: PendingCampaignRow
  readonly airdropMoney: AirdropMoneyRow
  readonly campaigns: CampaignRow
  readonly allotments: AllotmentRow
  readonly ledgerAccounts: LedgerAccountRow
  readonly ledgerTotals: LedgerTotalRow
  readonly ledgerEntries: LedgerEntryRow
  readonly clearingItems: ClearingItemRow
  readonly escrows: EscrowRow
  readonly fundTotals: FundTotalsRow
  readonly fundContributions: FundContributionRow
  readonly fundSweeps: FundSweepRow
  readonly proposals: ProposalRow
  readonly allocations: AllocationRow
  readonly differences: DifferenceRow
  readonly wallets: WalletRow
  readonly chainWallets: ChainWalletRow
  readonly walletEntries: WalletEntryRow
  readonly withdrawals: WithdrawalRow
  readonly deposits: DepositRow
  readonly chainDeposits: ChainDepositRow
  readonly chainWithdrawals: ChainWithdrawalRow
  readonly chainAnchors: ChainAnchorRow
  readonly chainHoldings: ChainHoldingsRow
  readonly chainDifferences: ChainDifferenceRow
}

export type ReadDatabase = Kysely<ReadModels>

/** The Postgres schema of the views and of the checkpoints. */
export const home = 'duxnet'

/** What a query says, and where its read model stood when it said so. */
export interface Answer<T> {
  readonly value: T
  /** Of the last event taken in; −1 before the first. */
  readonly position: bigint
  /** Counts the rebuilds of the read model: ETags and cursors of another generation are void. */
  readonly generation: number
}

/** The read model has not been built yet, or its tables are not yet those of this version of the program. It will be there later. */
export class ReadModelUnavailable extends Error {
  readonly projection: string

  constructor(projection: string, options?: ErrorOptions) {
    super(`the read model ${projection} is still being built`, options)
    this.name = 'ReadModelUnavailable'
    this.projection = projection
  }
}

/**
 * Rows together with the checkpoint that they belong to, in the order of `order` (column names with their direction).
 *
 * It is one statement, so both are of one snapshot; and a switch to another generation, which needs the views to itself, comes
 * before or behind it, never between. Throws `ReadModelUnavailable`.
 */
export async function answer<Found>(
  db: ReadDatabase,
  projection: Projection,
  rows: Expression<Found>,
  order: readonly Order[] = [],
): Promise<Answer<Found[]>> {
  const { name, tables } = projection
  const statement = sql<Record<string, unknown>>`
    select c.position as "$position", c.generation as "$generation", r.* from ${sql.table(`${home}.checkpoints`)} c
    left join lateral (select true as "$found", q.* from (${rows}) q) r on true where c.name = ${name} ${orderBy(order)}`
  const found = (await statement.execute(db).catch(unavailable(name))).rows
  const first = found[0]
  if (!first) throw new ReadModelUnavailable(name)
  const decode = decoder(Object.assign({}, ...Object.values(tables).map(({ columns }) => columns)))
  return {
    value: first.$found ? found.map(({ $position, $generation, $found, ...row }) => decode(row) as Found) : [],
    position: BigInt(first.$position as bigint),
    generation: Number(first.$generation),
  }
}

export type Order = readonly [column: string, direction: 'asc' | 'desc']

export function orderBy(order: readonly Order[]): RawBuilder<unknown> {
  if (!order.length) return sql``
  return sql`order by ${sql.join(order.map(([column, direction]) => sql`${sql.ref(column)} ${sql.raw(direction)}`))}`
}

/** No such table, column or schema, or columns of other types: this generation was made by another version, or there is none yet. */
const unavailableCodes: readonly unknown[] = ['42P01', '42703', '3F000', '0A000']

export function unavailable(name: string): (error: unknown) => never {
  return (error) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (unavailableCodes.includes(code)) throw new ReadModelUnavailable(name, { cause: error })
    throw error
  }
}

/** A page of a list by its numbers. */
export interface Paging {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: number | undefined
  readonly descending?: boolean
  /** Only what the log held at this position. */
  readonly asOf?: bigint | undefined
}

export interface Page<Item, Key = number> {
  readonly items: readonly Item[]
  /** Behind which the next page begins; undefined when this is the last one. */
  readonly next: Key | undefined
}

/** The page of `rows`, which are read to one more than its limit. */
export function pageOf<Item, Key>(rows: readonly Item[], limit: number, keyOf: (item: Item) => Key): Page<Item, Key> {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? keyOf(items.at(-1)!) : undefined }
}

/** A page of a list whose newest come first. */
export interface NewestPaging {
  readonly limit: number
  /** The `next` of the page before, of the same filter. */
  readonly after?: Place | undefined
}

/** The last item of a page: when it came, and its id. */
export interface Place {
  readonly at: string
  readonly id: string
}

export interface NewestPage<Item> {
  readonly items: readonly Item[]
  /** Behind which the next page begins; undefined when this is the last one. */
  readonly next: Place | undefined
}

/** The newest of `rows`; `at` and `id` are the columns that they sort by, together unique. */
export async function newest<Item extends Row>(
  db: ReadDatabase,
  projection: Projection,
  rows: Expression<Item>,
  [at, id]: readonly [at: keyof Item & string, id: keyof Item & string],
  { limit, after }: NewestPaging,
): Promise<Answer<NewestPage<Item>>> {
  const order: readonly Order[] = [
    [at, 'desc'],
    [id, 'desc'],
  ]
  const behind = after ? sql`where (${sql.ref(at)}, ${sql.ref(id)}) < (${after.at}, ${after.id})` : sql``
  const page = sql<Item>`select * from (${rows}) p ${behind} ${orderBy(order)} limit ${limit + 1}`
  const { value, ...place } = await answer(db, projection, page, order)
  const items = value.slice(0, limit)
  const last = items.at(-1)
  const next = value.length > limit && last ? { at: String(last[at]), id: String(last[id]) } : undefined
  return { value: { items, next }, ...place }
}
