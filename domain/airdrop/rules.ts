import { z } from 'zod'
import { instantSchema } from '../ids.ts'
import { commandAmountSchema, shareSchema } from '../money.ts'

/** What a node's share can be measured by. */
const measureSchema = z.enum(['reputation', 'work'])

/** How the pool is divided among eligible nodes. */
export const algorithmSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('equal') }),
  z.strictObject({ kind: z.literal('pro_rata'), by: measureSchema }),
  /** Pro rata, but nobody gets more than `amountMax`: what is over goes to the others, again pro rata. */
  z.strictObject({ kind: z.literal('capped'), by: measureSchema, amountMax: commandAmountSchema }),
  /** By the weight of the highest tier that a node reaches; below the lowest it gets nothing. */
  z.strictObject({
    kind: z.literal('tiered'),
    by: measureSchema,
    tiers: z
      .array(z.strictObject({ atLeast: z.int(), weight: z.int().min(1).max(1_000_000) }))
      .min(1)
      .max(16)
      .refine((tiers) => tiers.every(({ atLeast }, n) => n === 0 || tiers[n - 1]!.atLeast < atLeast), 'must rise by atLeast'),
  }),
])

/** What a node must have been and done in the window. */
export const criteriaSchema = z.strictObject({
  /** The window is cut into slots of this length from its beginning; uptime is the share of whole slots in which a heartbeat was recorded. */
  slotSeconds: z.int().min(1).max(86_400),
  uptimePermilleMin: shareSchema,
  /** Verified computations in the window. */
  proofsMin: z.int().nonnegative().max(1_000_000),
  /** Of the score at its end, and at every moment in it. */
  reputationEndMin: z.int(),
  reputationMin: z.int(),
  /** The most that signals may weigh that are raised and not withdrawn by its end. */
  sybilWeightMax: z.int().nonnegative().max(1_000_000),
})

/** An instant means the last event before which no `recordedAt` is later. */
export const windowSchema = z.strictObject({ from: instantSchema, to: instantSchema })

/** By what an airdrop is decided: who gets it, how much, and how long claims and appeals may come. */
export const campaignRulesSchema = z.strictObject({
  window: windowSchema,
  criteria: criteriaSchema,
  algorithm: algorithmSchema,
  budget: commandAmountSchema,
  /** Of the budget, kept for appeals. */
  appealsPermille: shareSchema,
  /** From the publication on. */
  claimSeconds: z
    .int()
    .min(60)
    .max(366 * 86_400),
})

export type Algorithm = z.infer<typeof algorithmSchema>
export type Criteria = z.infer<typeof criteriaSchema>
export type CampaignRules = z.infer<typeof campaignRulesSchema>

/** Whole slots in the window. */
export function slotsOf({ window: { from, to }, criteria: { slotSeconds } }: Pick<CampaignRules, 'window' | 'criteria'>): number {
  return Math.floor((Date.parse(to) - Date.parse(from)) / (slotSeconds * 1000))
}

/** What the list may give away. */
export function poolOf({ budget, appealsPermille }: Pick<CampaignRules, 'budget' | 'appealsPermille'>): bigint {
  return (BigInt(budget) * BigInt(1000 - appealsPermille)) / 1000n
}
