import { z } from 'zod'

/** An amount in minor units (1 FLOP = 10⁸) as events and JSON hold it: decimal digits, none of them needless. */
export const amountSchema = z.string().regex(/^(0|[1-9]\d{0,38})$/, 'must be an amount: decimal digits, minor units')

/** An amount that moves something. */
export const positiveAmountSchema = z
  .string()
  // What is refined further must be an amount.
  .regex(/^[1-9]\d{0,38}$/, { error: 'must be a positive amount: decimal digits, minor units', abort: true })

/** The largest amount that one command may move, in minor units; a million times the coin's yearly issue. */
export const commandAmountMax = 10n ** 20n

/** A positive amount in a command. */
export const commandAmountSchema = positiveAmountSchema.refine((text) => BigInt(text) <= commandAmountMax, {
  error: `must be at most ${commandAmountMax}`,
})

/** Parts of a thousand. */
export const shareSchema = z.int().min(0).max(1000)

/** The fund's share of what goes to a provider: rounded down, so that what cannot be divided is the provider's. */
export function fundShare(gross: bigint, permille: number): bigint {
  return (gross * BigInt(permille)) / 1000n
}

export function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
