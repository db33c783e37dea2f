import type { CampaignRow } from '../projections/airdrops.ts'

/** How a campaign was distributed; `amounts` are all that were allotted. */
export function analyticsOf(campaign: CampaignRow, amounts: readonly bigint[]) {
  const sorted = [...amounts].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0))
  const { campaignId, label, status, budget, considered, allotted, allottedAmount, claims, claimedAmount } = campaign
  const { awardedAmount, releasedAmount, creditedAmount, returned, appeals, openAppeals } = campaign
  return {
    ...{ campaignId, label, status, budget, considered, allotted, allottedAmount, claims, claimedAmount },
    ...{ awardedAmount, releasedAmount, creditedAmount, returned, appeals, openAppeals },
    smallest: sorted[0] ?? null,
    median: sorted[Math.floor((sorted.length - 1) / 2)] ?? null,
    largest: sorted.at(-1) ?? null,
    giniPermille: giniPermille(sorted),
    deciles: decilesOf(sorted),
  }
}

/**
 * The Gini coefficient of ascending amounts in permille, rounded down: Σ (2i − n − 1) xᵢ / (n Σ xᵢ) with i from 1, in whole numbers. Null of
 * nothing.
 */
function giniPermille(sorted: readonly bigint[]): number | null {
  const n = BigInt(sorted.length)
  const sum = sorted.reduce((sum, amount) => sum + amount, 0n)
  if (!sum) return null
  const spread = sorted.reduce((spread, amount, index) => spread + (2n * BigInt(index + 1) - n - 1n) * amount, 0n)
  return Number((1000n * spread) / (n * sum))
}

/** At most ten parts, as equal in number as can be. */
function decilesOf(sorted: readonly bigint[]) {
  const parts = Math.min(10, sorted.length)
  return Array.from({ length: parts }, (_, part) => {
    const own = sorted.slice(Math.floor((part * sorted.length) / parts), Math.floor(((part + 1) * sorted.length) / parts))
    return { upTo: own.at(-1)!, nodes: own.length, amount: own.reduce((sum, amount) => sum + amount, 0n) }
  })
}
