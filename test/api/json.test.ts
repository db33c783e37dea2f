import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JsonFault, parseJson } from '../../api/json.ts'

const json = suite('api/json')
const numRuns = process.env.SCALE === 'long' ? 20_000 : 500
const seed = Number(process.env.SEED ?? Math.trunc(Math.random() * 2 ** 31))

function fault(text: string): JsonFault {
  try {
    parseJson(text)
  } catch (error) {
    assert.instance(error, JsonFault)
    return error as JsonFault
  }
  throw new Error(`taken: ${text}`)
}

json(`reads what JSON.stringify wrote, however it is indented (SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      assert.equal(parseJson(text), JSON.parse(text))
    }),
    { numRuns, seed },
  )
})

json(`takes no text that JSON.parse refuses, and refuses else only what names a member twice (SEED=${seed})`, () => {
  const scrap = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"a"',
    '"b"',
    '1',
    '-',
    '0.5',
    '1e5',
    '01',
    'true',
    'nul',
    ' ',
    '\n',
    '"',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 9 }), (scraps) => {
      const text = scraps.join('')
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      if (valid && !/"(\w)".*"\1"/s.test(text)) assert.equal(parseJson(text), JSON.parse(text))
      if (!valid) fault(text)
    }),
    { numRuns: numRuns * 4, seed },
  )
})

json('points at the place', () => {
  const { offset, line, column, reason } = fault('{\n  "a": 1,\n  "b": x\n}')
  assert.equal({ offset, line, column }, { offset: 19, line: 3, column: 8 })
  assert.is(reason, 'a value was expected')
})

json('says that the text ends early', () => {
  assert.match(fault('').reason, 'the text ends')
  assert.match(fault('{"a":').reason, 'the text ends')
  assert.match(fault('[1').reason, 'the text ends')
})

json('refuses a name given twice, however it is written and wherever it stands', () => {
  assert.match(fault('{"a":1,"a":1}').reason, 'the name "a" is given twice')
  assert.match(fault('{"a":1,"\\u0061":1}').reason, 'the name "a" is given twice')
  assert.match(fault('[{"x":{"b":[],"c":1,"b":2}}]').reason, 'the name "b" is given twice')
  assert.equal(parseJson('{"a":{"a":1},"b":{"a":2}}'), { a: { a: 1 }, b: { a: 2 } })
})

json('gives a member named __proto__ no power', () => {
  const value = parseJson('{"__proto__":{"admin":true}}') as { admin?: boolean }
  assert.is(value.admin, undefined)
  assert.ok(Object.hasOwn(value, '__proto__'))
})

json('refuses what is nested too deep before the stack ends', () => {
  assert.match(fault('['.repeat(100_000)).reason, 'nested deeper')
  assert.equal(parseJson(`${'['.repeat(64)}${']'.repeat(64)}`), JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`))
})

json('refuses a byte order mark, comments, and what is left over', () => {
  for (const text of ['\ufeff{}', '{} {}', '1 2', '/* a */ 1', "{'a':1}", '{"a":1,}', '[1,]', 'NaN', '+1', '.5', '1.', '"\t"'])
    fault(text)
})

json.run()
