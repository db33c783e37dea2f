import { z } from 'zod'
import type { NumberText } from './json.ts'

/** Decimals of a coin: 1 FLOP is 10^8 units. */
const decimals = 8
/** A node's amount has at most some 20 digits; a longer exponent is only there to make us count zeros. */
const exponentMax = 40

/** Units of an amount in coins, as JSON writes numbers: `1.5`, `1e-8`, `-0.10000000`. Throws RangeError for a fraction of a unit. */
export function unitsOf(text: string): bigint {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text) ?? []
  if (whole === undefined || Math.abs(Number(exponent)) > exponentMax) throw new RangeError(`${text} is no amount of coins`)
  const shift = decimals + Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  const units = shift >= 0 ? digits * 10n ** BigInt(shift) : divided(digits, 10n ** BigInt(-shift), text)
  return sign ? -units : units
}

function divided(digits: bigint, by: bigint, text: string): bigint {
  if (digits % by) throw new RangeError(`${text} is finer than a unit, the ${decimals}th decimal`)
  return digits / by
}

/** Units as coins, with all decimals: `1.50000000`. */
export function coinsText(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** Units as a parameter of a call: a JSON number in coins. */
export const coinsNumber = (units: bigint): NumberText => JSON.rawJSON(coinsText(units))

const numberText = z.custom<NumberText>((value) => JSON.isRawJSON(value), 'must be a number')

/** An amount in an answer, read into units. */
export const coinAmount = numberText.transform(({ rawJSON }, context) => {
  try {
    return unitsOf(rawJSON)
  } catch (error) {
    context.addIssue((error as Error).message)
    return z.NEVER
  }
})

/** Any other number in an answer: a height, a count, an index. */
export const wholeNumber = numberText.transform(({ rawJSON }) => Number(rawJSON)).pipe(z.int())
