// What the network's own services would do next, by what they have seen of the log: the settlement of MONEY, and a chain that pays withdrawals.
// As simple as can be, and so nothing of the real processes.
import { createHash } from 'node:crypto'
import type { Json } from '../../domain/canonical.ts'
import type { Fact } from '../../domain/catalogue.ts'
import { type Contribution, contributionsDigest } from '../../domain/fund/contributions.ts'
import { fundId } from '../../domain/fund/decider.ts'

/** A command to be sent, by what it is for. */
export interface Due {
  readonly key: string
  readonly type: string
  readonly subject: string
  readonly data: Record<string, Json>
}

export interface Service {
  /** Takes in the next event of the log. */
  see(fact: Fact, index: number): void
  /** What is to be done at `now`. */
  due(now: string): Due[]
}

/** Holds, captures, credits, deadlines and sweeps. */
export function createSettlement(): Service {
  const open = new Map<string, Due>()
  const deadlines = new Map<string, { status: string; dueAt: string }>()
  const holds = new Map<string, string>()
  const expired = new Set<string>()
  const captured = new Set<string>()
  let contributions: Contribution[] = []
  let sweptTo = -1

  const add = (key: string, type: string, subject: string, data: Record<string, Json> = {}) =>
    open.set(key, { key, type, subject, data })

  function owe(walletId: string, source: { kind: string; [name: string]: string }): void {
    add(`credit ${JSON.stringify(source)}`, 'PostCredit', walletId, { source })
  }

  function over(escrowId: string, status: string, dueAt: string | undefined): void {
    if (dueAt === undefined) deadlines.delete(escrowId)
    else deadlines.set(escrowId, { status, dueAt })
  }

  function see(fact: Fact, index: number): void {
    const { type, data } = fact
    switch (type) {
      case 'HoldPlaced':
        holds.set(data.holdId, data.walletId)
        if (expired.has(data.holdId)) add(`release ${data.holdId}`, 'ReleaseHold', data.walletId, { escrowId: data.holdId })
        else add(`fund ${data.holdId}`, 'RecordFunding', data.holdId)
        break
      case 'EscrowFunded':
        open.delete(`fund ${data.escrowId}`)
        add(`capture ${data.escrowId}`, 'CaptureHold', data.client, { escrowId: data.escrowId })
        break
      case 'EscrowExpired':
        expired.add(data.escrowId)
        open.delete(`fund ${data.escrowId}`)
        if (holds.has(data.escrowId)) add(`release ${data.escrowId}`, 'ReleaseHold', data.client, { escrowId: data.escrowId })
        break
      case 'HoldCaptured':
        captured.add(data.holdId)
        open.delete(`capture ${data.holdId}`)
        break
      case 'HoldReleased':
        open.delete(`release ${data.holdId}`)
        break
      case 'TransferSent':
        owe(data.to, { kind: 'transfer', transferId: data.transferId, from: data.walletId })
        break
      case 'SpendingExecuted.v2':
        owe(data.to.id, { kind: 'spending', proposalId: data.proposalId })
        break
      case 'EscrowPartlyRefunded':
        owe(data.client, { kind: 'escrow', escrowId: data.escrowId, leg: `refund-${data.n}` })
        break
      case 'EscrowRefunded':
        owe(data.client, { kind: 'escrow', escrowId: data.escrowId, leg: 'refund' })
        break
      case 'EscrowReleased':
      case 'EscrowResolved': {
        const { escrowId, providerAmount, fundAmount } = data
        if (providerAmount !== '0') owe(data.provider, { kind: 'escrow', escrowId, leg: 'provider' })
        if (type === 'EscrowResolved' && data.clientAmount !== '0') owe(data.client, { kind: 'escrow', escrowId, leg: 'refund' })
        if (fundAmount !== '0') contributions.push({ index, escrowId, amount: BigInt(fundAmount) })
        break
      }
      case 'CreditPosted':
        open.delete(`credit ${JSON.stringify(data.source)}`)
        break
      case 'ContributionsSwept':
        sweptTo = data.toIndex
        contributions = contributions.filter(({ index }) => index > sweptTo)
        break
    }
    const status = statusAfter[type as keyof typeof statusAfter]
    if (status) over((data as { escrowId: string }).escrowId, status, (data as { dueAt?: string }).dueAt)
  }

  function* due(now: string): IterableIterator<Due> {
    yield* open.values()
    for (const [escrowId, { status, dueAt }] of deadlines)
      if (dueAt <= now && (status !== 'funded' || captured.has(escrowId)))
        yield { key: `deadline ${escrowId} ${status} ${dueAt}`, type: 'PassDeadline', subject: escrowId, data: { status, dueAt } }
    if (contributions.length) yield sweep()
  }

  function sweep(): Due {
    const amount = contributions.reduce((sum, { amount }) => sum + amount, 0n)
    const [fromIndex, toIndex] = [sweptTo + 1, contributions.at(-1)!.index]
    const data = { fromIndex, toIndex, count: contributions.length, amount: String(amount) }
    return {
      key: `sweep ${fromIndex} ${toIndex}`,
      type: 'SweepContributions',
      subject: fundId,
      data: { ...data, listDigest: contributionsDigest(contributions) },
    }
  }

  return { see, due: (now) => [...due(now)] }
}

const statusAfter = {
  EscrowOpened: 'open',
  EscrowFunded: 'funded',
  EscrowStarted: 'in_progress',
  EscrowDelivered: 'delivered',
  EscrowDisputed: 'disputed',
  EscrowReleased: 'released',
  EscrowRefunded: 'refunded',
  EscrowResolved: 'resolved',
  EscrowExpired: 'expired',
} as const

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** Pays approved withdrawals, some by a second, dearer attempt, and takes some confirmations back. `random` gives [0, 1). */
export function createChain(random: () => number): Service {
  const open = new Map<string, Due[]>()
  const feesMax = new Map<string, bigint>()
  let height = 100

  function plan(withdrawalId: string, walletId: string, types: readonly [type: string, data: Record<string, Json>][]): void {
    const all = types.map(([type, data]) => ({
      key: `${type} ${withdrawalId} ${JSON.stringify(data)}`,
      type,
      subject: walletId,
      data: { withdrawalId, ...data },
    }))
    open.set(withdrawalId, all)
  }

  function pay({ withdrawalId, walletId }: { readonly withdrawalId: string; readonly walletId: string }): void {
    const feeMax = feesMax.get(withdrawalId)!
    if (random() < 0.1) return plan(withdrawalId, walletId, [['FailWithdrawal', { reason: 'address_invalid' }]])
    const fees = [feeMax / 2n, feeMax]
    const attempt = (n: number): [string, Record<string, Json>] => [
      'RecordWithdrawalTransaction',
      { attempt: n + 1, txid: hashOf(`${withdrawalId} ${n}`), fee: String(fees[n]) },
    ]
    const confirm = (n: number): [string, Record<string, Json>] => [
      'ConfirmWithdrawal',
      { txid: hashOf(`${withdrawalId} ${n}`), blockHash: hashOf(`block ${++height}`), height },
    ]
    const unconfirm = (n: number): [string, Record<string, Json>] => [
      'UnconfirmWithdrawal',
      { txid: hashOf(`${withdrawalId} ${n}`), reason: 'reorg' },
    ]
    const ways = [
      [attempt(0), confirm(0)],
      [attempt(0), attempt(1), confirm(1)],
      [attempt(0), attempt(1), confirm(0), unconfirm(0), confirm(1), unconfirm(1), confirm(0)],
    ] as const
    plan(withdrawalId, walletId, ways[Math.floor(random() * ways.length)]!)
  }

  return {
    see({ type, data }) {
      if (type === 'WithdrawalRequested') feesMax.set(data.withdrawalId, BigInt(data.feeMax))
      if (type === 'WithdrawalApproved' || (type === 'WithdrawalRequested' && !data.review)) pay(data)
      if (type === 'WithdrawalCancelled') open.delete(data.withdrawalId)
      const done = steps[type as keyof typeof steps]
      if (!done) return
      const { withdrawalId } = data as { withdrawalId: string }
      const rest = open.get(withdrawalId)?.slice(1) ?? []
      if (rest.length) open.set(withdrawalId, rest)
      else open.delete(withdrawalId)
    },
    due: () => [...open.values()].map(([next]) => next!),
  }
}

const steps = { WithdrawalFailed: 1, WithdrawalSigned: 1, WithdrawalConfirmed: 1, WithdrawalUnconfirmed: 1 } as const
