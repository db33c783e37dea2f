import { createHash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'
import type { DomainEvent } from '../catalogue.ts'
import type { FundEvent } from './events.ts'

/** What an escrow gave to the fund. */
export interface Contribution {
  /** Of the event that gave it, dense in the log. */
  readonly index: number
  readonly escrowId: string
  /** In minor units. */
  readonly amount: bigint
}

/**
 * The digest by which a sweep names its contributions, in the order of the log: SHA-256, in hexadecimal, of the RFC 8785 texts
 * `{amount,escrowId,index}`, a line feed behind each.
 */
export function contributionsDigest(contributions: Iterable<Contribution>): string {
  const hash = createHash('sha256')
  for (const { amount, escrowId, index } of contributions)
    hash.update(`${canonicalJson({ amount: String(amount), escrowId, index })}\n`)
  return hash.digest('hex')
}

/** What an event gives to the fund; undefined for most. */
export function contributionOf({ type, data }: DomainEvent): Omit<Contribution, 'index'> | undefined {
  if (type !== 'EscrowReleased' && type !== 'EscrowResolved') return undefined
  const amount = BigInt(data.fundAmount)
  return amount > 0n ? { escrowId: data.escrowId, amount } : undefined
}

/**
 * Whether a sweep takes what it says: `pending` are all contributions of the log before it that no sweep has taken, in their order. It is
 * decided without them, and so whoever has the log holds it to them.
 */
export function isSweepOf(sweep: Swept, pending: readonly Contribution[]): boolean {
  const range = pending.filter(({ index }) => index <= sweep.toIndex)
  const amount = range.reduce((sum, { amount }) => sum + amount, 0n)
  const isAll = range.every(({ index }) => index >= sweep.fromIndex) && range.length === sweep.count
  return isAll && String(amount) === sweep.amount && contributionsDigest(range) === sweep.listDigest
}

type Swept = Extract<FundEvent, { type: 'ContributionsSwept' }>['data']
