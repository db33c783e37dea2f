import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalJson, type Json, NotCanonical } from '../../domain/canonical.ts'
import { property } from '../support/property.ts'

const canonical = suite('canonical JSON')

const text = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\u0000'))
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(text, tie('json'), { maxKeys: 5 }),
  ),
}))

canonical('is what the reference library of RFC 8785 writes', () => {
  property(fc.property(json, (value) => assert.is(canonicalJson(value), canonicalize(value))))
})

canonical('round-trips, and is its own canonical text', () => {
  property(
    fc.property(json, (value) => {
      const written = canonicalJson(value)
      const read = JSON.parse(written)
      assert.is(canonicalJson(read), written)
      // Negative zero is the one value that has no text of its own.
      assert.is(JSON.stringify(read), JSON.stringify(JSON.parse(JSON.stringify(value, sorted))))
    }),
  )
})

/** A replacer that gives every object its keys in code-unit order. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}

canonical('orders keys by UTF-16 code units and escapes as RFC 8785 says', () => {
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
  assert.is(canonicalJson(keys), '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}')
  assert.is(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028'), '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"')
  assert.is(canonicalJson([-0, 0, -1, Number.MAX_SAFE_INTEGER]), '[0,0,-1,9007199254740991]')
  assert.is(canonicalJson(JSON.parse('{"__proto__":1,"a":{}}')), '{"__proto__":1,"a":{}}')
})

const refused: [why: string, value: unknown, path: string, reason: RegExp][] = [
  ['U+0000 in a text', { a: ['x', '\u0000'] }, 'a[1]', /U\+0000/],
  ['U+0000 in a key', { a: { 'b\u0000': 1 } }, 'a', /U\+0000/],
  ['a lone surrogate', { a: { b: 'x\ud800' } }, 'a.b', /surrogate/],
  ['a lone surrogate in a key', { '\udc00': 1 }, '', /surrogate/],
  ['a fraction', [[0.5]], '[0][0]', /safe integer/],
  ['a number past the safe integers', { a: 2 ** 53 }, 'a', /safe integer/],
  ['NaN', { a: { b: [{ c: Number.NaN }] } }, 'a.b[0].c', /safe integer/],
  ['infinity', Number.POSITIVE_INFINITY, '', /safe integer/],
  ['undefined', { a: undefined }, 'a', /not JSON/],
  ['a bigint', { a: 1n }, 'a', /not JSON/],
  ['a function', { a: () => 1 }, 'a', /not JSON/],
  ['a symbol', [Symbol('a')], '[0]', /not JSON/],
  ['a date', { a: { at: new Date(0) } }, 'a.at', /not JSON/],
  ['a map', new Map(), '', /not JSON/],
  ['a hole in an array', new Array(2), '[0]', /not JSON/],
]

for (const [why, value, path, reason] of refused) {
  canonical(`refuses ${why} and names the place`, () => {
    try {
      canonicalJson(value as Json)
    } catch (error) {
      assert.instance(error, NotCanonical)
      const { path: place, reason: said, message } = error as NotCanonical
      assert.is(place, path)
      assert.match(said, reason)
      assert.ok(message.startsWith(path || 'value'))
      return
    }
    assert.unreachable('it was written')
  })
}

canonical('goes 32 levels deep and no further', () => {
  const nested = (depth: number): Json => (depth ? [nested(depth - 1)] : 0)
  assert.is(canonicalJson(nested(32)), `${'['.repeat(32)}0${']'.repeat(32)}`)
  assert.throws(() => canonicalJson(nested(33)), /nested deeper than 32/)
  const circle: { self?: unknown } = {}
  circle.self = circle
  assert.throws(() => canonicalJson(circle as Json), /nested deeper/)
})

canonical.run()
