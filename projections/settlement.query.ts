import { sql } from 'kysely'
import type { waitingStatuses } from '../domain/escrow/state.ts'
import type { CreditSource } from '../domain/wallet/events.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'
import { type CampaignStep, type HoldStep, settlement } from './settlement.ts'

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

export interface PendingCampaign {
  readonly campaignId: string
  readonly step: CampaignStep
  /** Of the list, that are in the log. */
  readonly pages: number
  /** Of payouts, so far. */
  readonly batches: number
}

export interface AirdropMoney {
  readonly proposalId: string
  readonly campaignId: string
  /** Taken in by the campaign, or back by the fund. */
  readonly step: 'fund' | 'return'
}

/** How many holds, deadlines and campaigns wait for the settlement process; what is owed, the ledger counts. */
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
  /** Campaigns whose next step is due at `now`. */
  campaigns(now: Date, limit: number): Promise<Answer<readonly PendingCampaign[]>>
  airdropMoney(limit: number): Promise<Answer<readonly AirdropMoney[]>>
  backlog(now: Date): Promise<Answer<Backlog>>
}

const holdSteps = ['fund', 'capture', 'release'] as const satisfies readonly HoldStep[]

export function settlementQueries(db: ReadDatabase): SettlementQueries {
  const holds = db.selectFrom('pendingEscrows').where('step', 'in', holdSteps)
  const due = (now: Date) =>
    db.selectFrom('pendingEscrows').where('step', '=', 'pass_deadline').where('at', '<=', now.toISOString())
  const dueCampaigns = (now: Date) =>
    db.selectFrom('pendingCampaigns').where('step', '!=', 'appeals').where('at', '<=', now.toISOString())
  return {
    async campaigns(now, limit) {
      const query = dueCampaigns(now).select(['campaignId', 'step', 'pages', 'batches', 'at']).orderBy('at').limit(limit)
      return (await answer(db, settlement, query, [['at', 'asc']])) as Answer<readonly (PendingCampaign & { at: string })[]>
    },
    async airdropMoney(limit) {
      const query = db.selectFrom('airdropMoney').selectAll().orderBy('owedAt').limit(limit)
      return (await answer(db, settlement, query, [['owedAt', 'asc']])) as unknown as Answer<readonly AirdropMoney[]>
    },
    async holds(limit) {
      const query = holds.select(['escrowId', 'client', 'step', 'at']).orderBy('at').limit(limit)
      return (await answer(db, settlement, query, [['at', 'asc']])) as Answer<readonly (PendingHold & { at: string })[]>
    },
    async credits(limit) {
      const query = db.selectFrom('owedCredits').select(['source', 'walletId', 'owedAt']).orderBy('owedAt').limit(limit)
      return (await answer(db, settlement, query, [['owedAt', 'asc']])) as unknown as Answer<readonly OwedCredit[]>
    },
    async due(now, limit) {
      const query = due(now).select(['escrowId', 'status', 'dueAt', 'at']).orderBy('at').limit(limit)
      return (await answer(db, settlement, query, [['at', 'asc']])) as Answer<readonly (PendingDeadline & { at: string })[]>
    },
    async backlog(now) {
      const [waiting, over, campaigns] = await Promise.all([
        answer(db, settlement, holds.select(counted)),
        answer(db, settlement, due(now).select(counted)),
        answer(db, settlement, dueCampaigns(now).select(counted)),
      ])
      const counts = [...waiting.value, ...over.value, ...campaigns.value]
      const [oldestAt = null] = counts.flatMap(({ oldestAt }) => oldestAt ?? []).sort()
      return { ...waiting, value: { items: counts.reduce((sum, { items }) => sum + Number(items), 0), oldestAt } }
    },
  }
}

const counted = [sql<bigint | string>`count(*)`.as('items'), sql<string | null>`min(at)`.as('oldestAt')]
