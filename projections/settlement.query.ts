import { sql } from 'kysely'
import type { waitingStatuses } from '../domain/escrow/state.ts'
import type { Contribution } from '../domain/fund/contributions.ts'
import type { CreditSource } from '../domain/wallet/events.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'
import { type HoldStep, settlement, type UnsweptContribution, type UnsweptRow } from './settlement.ts'

export interface PendingHold {
  readonly escrowId: string
  /** The client's wallet. */
  readonly client: string
  readonly step: HoldStep
}

export interface PendingDeadline {
  readonly escrowId: string
  readonly status: (typeof waitingStatuses)[number]
  readonly dueAt: string
}

export interface OwedCredit {
  readonly source: CreditSource
  readonly walletId: string
}

/** Contributions behind the last sweep, in the order of the log. */
export interface UnsweptContributions {
  /** -1 before the first sweep. */
  readonly sweptToIndex: number
  readonly contributions: readonly Contribution[]
}

/** How much waits for the settlement process. */
export interface Backlog {
  readonly items: number
  /** When the oldest of them came; null when there is none. */
  readonly oldestAt: string | null
}

/** What the settlement process reads (`SettlementList` in commands/ports.ts); the longest waiting come first. */
export interface SettlementQueries {
  holds(limit: number): Promise<Answer<readonly PendingHold[]>>
  credits(limit: number): Promise<Answer<readonly OwedCredit[]>>
  /** Escrows in a state whose time is over at `now`. */
  due(now: Date, limit: number): Promise<Answer<readonly PendingDeadline[]>>
  /** Of the first `limit` parts of the log that hold any. */
  unswept(limit: number): Promise<Answer<UnsweptContributions>>
  /** How many of these there are; what is not swept counts by the part of the log that it is in. */
  backlog(now: Date): Promise<Answer<Backlog>>
}

const holdSteps = ['fund', 'capture', 'release'] as const satisfies readonly HoldStep[]

export function settlementQueries(db: ReadDatabase): SettlementQueries {
  const holds = db.selectFrom('pendingEscrows').where('step', 'in', holdSteps)
  const due = (now: Date) =>
    db.selectFrom('pendingEscrows').where('step', '=', 'pass_deadline').where('at', '<=', now.toISOString())
  const credits = db.selectFrom('owedCredits')
  const unswept = db.selectFrom('unsweptContributions')
  return {
    async holds(limit) {
      const query = holds.select(['escrowId', 'client', 'step', 'at']).orderBy('at').limit(limit)
      return (await answer(db, settlement, query, [['at', 'asc']])) as Answer<readonly (PendingHold & { at: string })[]>
    },
    async credits(limit) {
      const query = credits.select(['source', 'walletId', 'owedAt']).orderBy('owedAt').limit(limit)
      return (await answer(db, settlement, query, [['owedAt', 'asc']])) as unknown as Answer<readonly OwedCredit[]>
    },
    async due(now, limit) {
      const query = due(now).select(['escrowId', 'status', 'dueAt', 'at']).orderBy('at').limit(limit)
      return (await answer(db, settlement, query, [['at', 'asc']])) as Answer<readonly (PendingDeadline & { at: string })[]>
    },
    async unswept(limit) {
      const query = unswept
        .select(['fromIndex', 'contributions'])
        .select((eb) => eb.selectFrom('sweeps').select('sweptToIndex').as('sweptToIndex'))
        .orderBy('fromIndex')
        .limit(limit)
      const { value, ...place } = await answer(db, settlement, query, [['fromIndex', 'asc']])
      const contributions = value.flatMap(({ contributions }) => contributionsOf(contributions))
      return { value: { sweptToIndex: value[0]?.sweptToIndex ?? -1, contributions }, ...place }
    },
    async backlog(now) {
      const [escrows, ...others] = await Promise.all([
        answer(db, settlement, holds.select(counted('at'))),
        answer(db, settlement, due(now).select(counted('at'))),
        answer(db, settlement, credits.select(counted('owedAt'))),
        answer(db, settlement, unswept.select(counted('owedAt'))),
      ])
      const counts = [escrows, ...others].flatMap(({ value }) => value)
      const [oldestAt = null] = counts.flatMap(({ oldestAt }) => oldestAt ?? []).sort()
      return { ...escrows, value: { items: counts.reduce((sum, { items }) => sum + Number(items), 0), oldestAt } }
    },
  }
}

/** How many rows there are, and the oldest `column` among them. */
const counted = (column: string) => [
  sql<bigint | string>`count(*)`.as('items'),
  sql<string | null>`min(${sql.ref(column)})`.as('oldestAt'),
]

/** An object gives its whole numbers in their order. */
function contributionsOf(part: UnsweptRow['contributions']): Contribution[] {
  return Object.entries(part as Readonly<Record<string, UnsweptContribution>>).map(([index, { escrowId, amount }]) => ({
    index: Number(index),
    escrowId,
    amount: BigInt(amount),
  }))
}
