import type { Clock } from '../commands/ports.ts'
import type { Queries } from '../projections/queries.ts'

/** Whether money moves on, and whether the books balance. */
export interface MoneyStatus {
  /** What the settlement process should be doing: holds, deadlines that are over, and what is on its way between accounts. */
  readonly openItems: number
  /** Age of the oldest of them; 0 when there is none. */
  readonly oldestSeconds: number
  /** Of all accounts, in minor units: 0, or the ledger is wrong. */
  readonly total: bigint
}

/** As the read models say. Throws what Postgres throws. */
export async function moneyStatus({ settlement, trialBalance }: Queries, clock: Clock): Promise<MoneyStatus> {
  const now = clock()
  const [{ value: backlog }, { value: balance }] = await Promise.all([settlement.backlog(now), trialBalance()])
  // Withdrawals wait for people and for the chain.
  const onTheWay = balance.clearing.filter(({ kind }) => kind !== 'clearing:withdrawals')
  const openedAt = [backlog.oldestAt ?? [], onTheWay.map(({ openItems }) => openItems[0]?.openedAt ?? [])].flat(2)
  const ages = openedAt.map((at) => (now.getTime() - Date.parse(at)) / 1000)
  return {
    openItems: onTheWay.reduce((sum, { openCount }) => sum + openCount, backlog.items),
    oldestSeconds: Math.max(0, ...ages),
    total: balance.total,
  }
}
