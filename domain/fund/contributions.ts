import { createHash } from 'node:crypto'
import { canonicalJson } from '../canonical.ts'

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
