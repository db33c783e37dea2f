import type { EventStore, LogPlace, SettlementList } from '../../commands/ports.ts'
import { emptyLog, logReader } from '../../projections/log-reader.ts'
import { type MemoryTable, memoryTables } from '../../projections/memory-tables.ts'
import type { Row } from '../../projections/projection.ts'
import {
  type OwedCreditRow,
  type PendingEscrowRow,
  type SweepRow,
  settlement,
  type UnsweptContribution,
  type UnsweptRow,
} from '../../projections/settlement.ts'

/** The read model `settlement` in memory: folded on to the end of the log whenever it is asked, unless it was told to stand still. */
export interface MemorySettlementList extends SettlementList {
  /** From now on it knows nothing new, as a read model that lags behind; or again everything. */
  standStill(still: boolean): void
  /** Items that are open, whether due or not, by table. */
  open(): Promise<Readonly<Record<string, readonly Row[]>>>
}

export function memorySettlementList(store: Pick<EventStore, 'readAll'>): MemorySettlementList {
  const reader = logReader(emptyLog)
  const tables: readonly MemoryTable[] = memoryTables(settlement, true)
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

  async function rows<Found>(name: keyof typeof settlement.tables): Promise<readonly Found[]> {
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
    async unswept(limit) {
      const parts = [...(await rows<UnsweptRow>('unsweptContributions'))].sort(by('fromIndex'))
      const [sweep] = await rows<SweepRow>('sweeps')
      const contributions = parts.slice(0, limit).flatMap(({ contributions }) =>
        Object.entries(contributions as Record<string, UnsweptContribution>).map(([index, { escrowId, amount }]) => ({
          index: Number(index),
          escrowId,
          amount: BigInt(amount),
        })),
      )
      return at({ sweptToIndex: sweep?.sweptToIndex ?? -1, contributions })
    },
    async open() {
      await pending()
      return Object.fromEntries(tables.map((table) => [table.name, table.rows(reader.state.newest)]))
    },
  }
}

const by =
  <Column extends string>(column: Column) =>
  (one: Readonly<Record<Column, string | number>>, other: Readonly<Record<Column, string | number>>) =>
    one[column] < other[column] ? -1 : one[column] > other[column] ? 1 : 0
