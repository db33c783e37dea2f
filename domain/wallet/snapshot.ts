import type { Json } from '../canonical.ts'
import type { Snapshots } from '../decider.ts'
import { type VersionedMap, versionedMap } from '../versioned-map.ts'
import type { StandingOrder } from './events.ts'
import type { Hold, WalletState, Withdrawal, WithdrawalStatus } from './state.ts'

/** A wallet written down: amounts as text, maps as their entries, withdrawals in the order in which they were asked for. */
interface Written {
  readonly walletId: string
  readonly owner: string
  /** Absent where it was written down before there were any. */
  readonly standingOrder?: StandingOrder | null
  readonly balance: readonly [posted: string, held: string, shortfall: string]
  readonly holds: readonly (readonly [escrowId: string, amount: string, status: string])[]
  readonly deposits: readonly (readonly [key: string, amount: string, credited: boolean])[]
  readonly transfers: readonly (readonly [transferId: string, to: string, amount: string])[]
  readonly credits: readonly string[]
  readonly withdrawals: readonly {
    readonly withdrawalId: string
    readonly status: string
    readonly amount: string
    readonly destination: string
    readonly reserved: string
    readonly attempts: readonly (readonly [txid: string, fee: string])[]
    readonly confirmedBy: string | null
    readonly atMs: number
  }[]
  readonly destinations: readonly string[]
}

export const walletSnapshots: Snapshots<WalletState | undefined> = {
  write: (state) => (state ? (written(state) as unknown as Json) : null),
  read: (json) => (json ? read(json as unknown as Written) : undefined),
}

function written(state: WalletState): Written {
  const { walletId, owner, standingOrder, posted, held, shortfall } = state
  const { holds, deposits, transfers, credits, withdrawals, destinations } = state
  return {
    walletId,
    owner,
    standingOrder,
    balance: [String(posted), String(held), String(shortfall)],
    holds: entriesOf(holds, (key, { amount, status }) => [key, String(amount), status]),
    deposits: entriesOf(deposits, (key, { amount, credited }) => [key, String(amount), credited]),
    transfers: entriesOf(transfers, (key, { to, amount }) => [key, to, String(amount)]),
    credits: entriesOf(credits, (key) => key),
    withdrawals: entriesOf(withdrawals, (_key, { previous: _, amount, reserved, attempts, ...withdrawal }) => ({
      ...withdrawal,
      amount: String(amount),
      reserved: String(reserved),
      attempts: attempts.map(({ txid, fee }) => [txid, String(fee)]),
    })),
    destinations: entriesOf(destinations, (key) => key),
  }
}

function read({ walletId, owner, standingOrder = null, balance, ...lists }: Written): WalletState {
  const [posted, held, shortfall] = balance.map(BigInt) as [bigint, bigint, bigint]
  let withdrawals = versionedMap<Withdrawal>()
  let lastWithdrawal: Withdrawal | undefined
  for (const { amount, reserved, attempts, status, ...withdrawal } of lists.withdrawals) {
    lastWithdrawal = {
      ...withdrawal,
      status: status as WithdrawalStatus,
      amount: BigInt(amount),
      reserved: BigInt(reserved),
      attempts: attempts.map(([txid, fee]) => ({ txid, fee: BigInt(fee) })),
      previous: lastWithdrawal,
    }
    withdrawals = withdrawals.with(withdrawal.withdrawalId, lastWithdrawal)
  }
  return {
    walletId,
    owner,
    standingOrder,
    posted,
    held,
    shortfall,
    holds: mapOf(lists.holds, ([key, amount, status]) => [key, { amount: BigInt(amount), status: status as Hold['status'] }]),
    deposits: mapOf(lists.deposits, ([key, amount, credited]) => [key, { amount: BigInt(amount), credited }]),
    transfers: mapOf(lists.transfers, ([key, to, amount]) => [key, { to, amount: BigInt(amount) }]),
    credits: mapOf(lists.credits, (key) => [key, true]),
    withdrawals,
    lastWithdrawal,
    destinations: mapOf(lists.destinations, (key) => [key, true]),
  }
}

function entriesOf<V, Entry>(map: VersionedMap<V>, entryOf: (key: string, value: V) => Entry): Entry[] {
  return [...map.entries()].map(([key, value]) => entryOf(key, value))
}

function mapOf<Entry, V>(entries: readonly Entry[], pairOf: (entry: Entry) => readonly [string, V]): VersionedMap<V> {
  return entries.map(pairOf).reduce((map, [key, value]) => map.with(key, value), versionedMap<V>())
}
