// How much each eligible node gets (F-41). Whole minor units, rounded down: what cannot be divided stays in the campaign and goes back
// to the fund, so no rule is needed for who gets it.
import { smaller } from '../money.ts'
import { type Reason, reasonsOf, type Standing } from './eligibility.ts'
import { type Algorithm, type CampaignRules, poolOf } from './rules.ts'

/** A node with what the rules make of it; `amount` and `weight` are 0 for one that is not eligible. */
export interface Judged {
  readonly standing: Standing
  readonly reasons: readonly Reason[]
  readonly weight: bigint
  readonly amount: bigint
}

/** Every node's share of the pool, in the order of `standings`. */
export function judge(standings: readonly Standing[], rules: CampaignRules): readonly Judged[] {
  const judged = standings.map((standing) => {
    const reasons = reasonsOf(standing, rules.criteria)
    return { standing, reasons, weight: reasons.length ? 0n : weightOf(standing, rules.algorithm) }
  })
  const cap = rules.algorithm.kind === 'capped' ? BigInt(rules.algorithm.amountMax) : undefined
  const { pool, total } = underCap(judged, poolOf(rules), cap)
  return judged.map((node) => ({ ...node, amount: amountOf(node.weight, { pool, total, cap }) }))
}

function amountOf(weight: bigint, { pool, total, cap }: Pool & { readonly cap: bigint | undefined }): bigint {
  if (!weight) return 0n
  const share = total ? (pool * weight) / total : cap!
  return cap === undefined ? share : smaller(share, cap)
}

/** Of an eligible node: its share of the pool is this of the sum of all weights. */
export function weightOf({ reputationEnd, work }: Standing, algorithm: Algorithm): bigint {
  if (algorithm.kind === 'equal') return 1n
  const value = algorithm.by === 'work' ? work : BigInt(reputationEnd)
  if (algorithm.kind !== 'tiered') return value > 0n ? value : 0n
  return BigInt(algorithm.tiers.findLast(({ atLeast }) => value >= BigInt(atLeast))?.weight ?? 0)
}

interface Pool {
  readonly pool: bigint
  /** Of the weights that it is for. */
  readonly total: bigint
}

/**
 * What is left of pool and weights for those below the cap, when the heaviest have got it: by this ratio each of those with the cap would
 * get more, each of the others less. A total of 0 says that all have the cap.
 */
function underCap(judged: readonly { readonly weight: bigint }[], all: bigint, cap: bigint | undefined): Pool {
  const weights = judged.map(({ weight }) => weight)
  let [pool, total] = [all, weights.reduce((sum, weight) => sum + weight, 0n)]
  if (cap === undefined) return { pool, total }
  for (const weight of weights.sort((one, other) => (one < other ? 1 : one > other ? -1 : 0))) {
    if (!weight || pool * weight < cap * total) break
    pool -= cap
    total -= weight
  }
  return { pool, total }
}
