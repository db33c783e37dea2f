import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { coinAmount, coinsNumber, coinsText, unitsOf, wholeNumber } from '../../../adapters/flopcoin/amount.ts'
import { parseExactly } from '../../../adapters/flopcoin/json.ts'
import { property } from '../../support/property.ts'

const amount = suite('amounts of coins')
const most = 10n ** 20n

/** Spellings of a number of units that JSON allows, and that mean the same. */
const spellings = fc
  .tuple(
    fc.bigInt({ min: -most, max: most }),
    fc.integer({ min: 0, max: 12 }),
    fc.integer({ min: -25, max: 25 }),
    fc.constantFrom('e', 'E'),
  )
  .map(([units, zeros, exponent, letter]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(60, '0')
    // The point moves by the exponent, the value stays.
    const at = digits.length - 8 - exponent
    const whole =
      digits
        .slice(0, at)
        .padEnd(at, '0')
        .replace(/^0+(?=\d)/, '') || '0'
    const fraction = digits.slice(at) + '0'.repeat(zeros)
    const power = exponent === 0 ? '' : `${letter}${exponent}`
    return { units, text: `${units < 0n ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}${power}` }
  })

amount('are read from the text of the JSON, whatever its spelling, to 10^20 units', () => {
  property(
    fc.property(spellings, ({ units, text }) => {
      const { value } = z.object({ value: coinAmount }).parse(parseExactly(`{"value":${text}}`))
      assert.is(value, units, text)
    }),
    1000,
  )
})

amount('are written as a number that a node reads back to the unit', () => {
  property(
    fc.property(fc.bigInt({ min: -most, max: most }), (units) => {
      const written = JSON.stringify({ value: coinsNumber(units) })
      assert.match(written, /^\{"value":-?\d+\.\d{8}\}$/)
      assert.is(z.object({ value: coinAmount }).parse(parseExactly(written)).value, units)
    }),
  )
})

amount('that a double cannot hold keep every digit', () => {
  assert.is(unitsOf('999999999999.99999999'), 99_999_999_999_999_999_999n)
  assert.is(unitsOf('90071992.54740993'), 2n ** 53n + 1n)
  assert.is(unitsOf('1e-8'), 1n)
  assert.is(unitsOf('-0.00000000'), 0n)
  assert.is(unitsOf('1.2E+3'), 120_000_000_000n)
  assert.is(coinsText(-1n), '-0.00000001')
})

amount('finer than a unit, absurd or no number at all are refused', () => {
  for (const text of ['0.000000001', '1e-9', '1e999', '1e41', '', '.5', '5.', '1,5', '0x10', 'NaN', '--1', ' 1', '1_0'])
    assert.throws(
      () => unitsOf(text),
      (error: Error) => error instanceof RangeError,
      text,
    )
  for (const json of ['"1.5"', 'true', 'null', '[1]', '1e-9']) assert.not(coinAmount.safeParse(parseExactly(json)).success, json)
})

amount('are not mixed up with counts, which stay whole and safe', () => {
  assert.is(wholeNumber.parse(parseExactly('-1')), -1)
  for (const json of ['1.5', '9007199254740993', '"1"']) assert.not(wholeNumber.safeParse(parseExactly(json)).success, json)
})

amount.run()
