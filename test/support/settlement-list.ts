import type { EventStore, LogPlace, SettlementList } from '../../commands/ports.ts'
import { communityFund, type FundContributionRow, type FundTotalsRow } from '../../projections/community-fund.ts'
import { emptyLog, logReader } from '../../projections/log-reader.ts'
import { type MemoryTable, memoryTables } from '../../projections/memory-tables.ts'
import type { Row } from '../../projections/projection.ts'
import {
  type AirdropMoneyRow,
  type OwedCreditRow,
  type PendingCampaignRow,
  type PendingEscrowRow,
  settlement,
} from '../../projections/settlement.ts'

/** The read models of the settlement process in memory: folded on to the end of the log whenever it is asked, unless it was told to stand still. */
export interface MemorySettlementList extends SettlementList {
  /** From now on it knows nothing new, as a read model that lags behind; or again everything. */
  standStill(still: boolean): void
  /** Escrows that are not over and credits that are owed, by table. */
  open(): Promise<Readonly<Record<string, readonly Row[]>>>
}

export function memorySettlementList(store: Pick<EventStore, 'readAll'>): MemorySettlementList {
  const reader = logReader(emptyLog)
  const tables: readonly MemoryTable[] = [...memoryTables(settlement, true), ...memoryTables(communityFund, true)]
  let after: LogPlace | undefined
  let isStill = false
  let reading: Promise<void> | undefined

  async function readOn(): Promise<void> {
    for await (const event of store.readAll({ ...(after && { after }) })) {
      const fact = reader.take(event)
      for (const table of tables) table.take(fact)
      after = { position: event.position, eventId: event.id }
    }
  }

  async function rows<Found>(name: keyof typeof settlement.tables | keyof typeof communityFund.tables): Promise<readonly Found[]> {
    if (!isStill) await (reading ??= readOn().finally(() => (reading = undefined)))
    return tables.find((table) => table.name === name)!.rows(reader.state.newest) as unknown as readonly Found[]
  }

  const at = <Value>(value: Value) => ({ value, position: after?.position ?? -1n })
  const pending = () => rows<PendingEscrowRow>('pendingEscrows')

  return {
    standStill(still) {
      isStill = still
    },
    async holds(limit) {
      const due = (await pending()).filter(({ step }) => step !== 'pass_deadline').sort(by('at'))
      return at(due.slice(0, limit) as never)
    },
    async due(now, limit) {
      const over = (await pending()).filter(({ step, at }) => step === 'pass_deadline' && at <= now.toISOString()).sort(by('at'))
      return at(over.slice(0, limit) as never)
    },
    async credits(limit) {
      const owed = [...(await rows<OwedCreditRow>('owedCredits'))].sort(by('owedAt'))
      return at(owed.slice(0, limit) as never)
    },
    async campaigns(now, limit) {
      const due = (await rows<PendingCampaignRow>('pendingCampaigns')).filter(
        ({ step, at }) => step !== 'appeals' && at <= now.toISOString(),
      )
      return at(due.sort(by('at')).slice(0, limit) as never)
    },
    async airdropMoney(limit) {
      const owed = [...(await rows<AirdropMoneyRow>('airdropMoney'))].sort(by('owedAt'))
      return at(owed.slice(0, limit) as never)
    },
    async unsweptContributions(limit) {
      const all = await rows<FundContributionRow>('fundContributions')
      const sweptToIndex = (await rows<FundTotalsRow>('fundTotals'))[0]?.sweptToIndex ?? -1
      const unswept = all.filter(({ index }) => index > sweptToIndex).slice(0, limit)
      return at({ sweptToIndex, contributions: unswept.map(({ index, escrowId, amount }) => ({ index, escrowId, amount })) })
    },
    async open() {
      await pending()
      const open = tables.filter(({ name }) => name in settlement.tables)
      return Object.fromEntries(open.map((table) => [table.name, table.rows(reader.state.newest)]))
    },
  }
}

const by =
  <Column extends string>(column: Column) =>
  (one: Readonly<Record<Column, string | number>>, other: Readonly<Record<Column, string | number>>) =>
    one[column] < other[column] ? -1 : one[column] > other[column] ? 1 : 0
