import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dotNetRegExp } from '../../../infra/embedded/eventstore/engine/dotnet-regexp.ts'
import { formatJson, parseLenientObject } from '../../../infra/embedded/eventstore/engine/lenient-json.ts'
import { firstVisible, limitsOf, noLimits, revivedMetadata } from '../../../infra/embedded/eventstore/engine/limits.ts'
import { RecentIds, rememberedIds } from '../../../infra/embedded/eventstore/engine/recent-ids.ts'

const test = suite('eventstore rules')

const limits = (text: string) => limitsOf({ isJson: true, data: Buffer.from(text) })

test('metadata sets limits', () => {
  assert.equal(limits('{"$maxCount":2,"$maxAge":3,"$tb":4,"$acl":{"$r":"a"},"other":[1]}'), {
    maxCount: 2,
    maxAgeMs: 3000,
    truncateBefore: 4,
    softDeleted: false,
    acl: { $r: ['a'] },
  })
  assert.is(limits('{"$tb":9223372036854775807}').softDeleted, true)
  assert.is(limits('{"$tb":9223372036854775806}').softDeleted, false)
  assert.equal(limitsOf({ isJson: false, data: Buffer.from('{"$maxCount":2}') }), noLimits)
})

test('one value of a wrong type voids all, a value out of range only itself', () => {
  for (const member of [
    '"$maxAge":"2"',
    '"$maxCount":2.0',
    '"$tb":1e0',
    '"$tb":null',
    '"$acl":5',
    '"$acl":{"$r":5}',
    '"$acl":{"x":"y"}',
    '"$cacheControl":[]',
  ])
    assert.equal(limits(`{"$maxCount":2,${member}}`), noLimits, member)
  for (const member of ['"$maxAge":0', '"$tb":-1', '"$acl":{"$r":"a","$w":["b"]}', '"$cacheControl":-1'])
    assert.is(limits(`{"$maxCount":2,${member}}`).maxCount, 2, member)
  assert.is(limits('{"$maxCount":0}').maxCount, undefined)
  assert.is(limits('{"$maxCount":9223372036854775808}').maxCount, undefined)
})

test('the first visible revision', () => {
  assert.is(firstVisible(noLimits, 9), 0)
  assert.is(firstVisible({ ...noLimits, maxCount: 3 }, 9), 7)
  assert.is(firstVisible({ ...noLimits, maxCount: 30 }, 9), 0)
  assert.is(firstVisible({ ...noLimits, maxCount: 3, truncateBefore: 8 }, 9), 8)
})

test('a revived stream keeps its metadata, written without spaces', () => {
  const revived = (text: string) => revivedMetadata(Buffer.from(text), 3)?.toString()
  assert.is(revived('{"$tb":9223372036854775807}'), '{"$tb":3}')
  assert.is(
    revived('{ "a": 2.50, "b": 2.0, "$tb": 9, "c": ["é", null, true, 12345678901234567890, {"d": -0.5}] }'),
    '{"a":2.5,"b":2.0,"$tb":3,"c":["é",null,true,12345678901234567890,{"d":-0.5}]}',
  )
  assert.is(revived('[]'), undefined)
})

test('floats are written as .NET writes them', () => {
  for (const [value, text] of [
    [2.5, '2.5'],
    [-3, '-3.0'],
    [0, '0.0'],
    [1e14, '100000000000000.0'],
    [1e15, '1E+15'],
    [1.5e300, '1.5E+300'],
    [0.0001, '0.0001'],
    [0.00001, '1E-05'],
    [Number.NaN, '"NaN"'],
  ] as const)
    assert.is(formatJson(value), text)
})

test('JSON is read leniently, but not as anything', () => {
  const read = (text: string) => formatJson(parseLenientObject(text))
  assert.is(read("\ufeff { 'a' : \"b\\u00e9\\n\\'\" , $c_1:-1,d:[1,],}trailing"), '{"a":"bé\\n\'","$c_1":-1,"d":[1]}')
  assert.is(read('{"a":1,"b":2,"a":3}'), '{"a":3,"b":2}')
  assert.is(read('{}'), '{}')
  for (const text of [
    '',
    '[]',
    '"x"',
    'null',
    '{',
    '{"a"',
    '{"a":}',
    '{"a":1',
    '{"a":tru}',
    '{"a":"b',
    '/* c */ {}',
    '{"a":1 /* c */}',
    '{a b:1}',
    '{"a":1 "b":2}',
    '{"a":"\\x"}',
    '{"a":01x}',
  ])
    assert.throws(() => parseLenientObject(text), 'unexpected', text)
})

test('expressions match as in .NET', () => {
  for (const [pattern, matching, other] of [
    ['^[^$].*', 'opened', '$metadata'],
    ['orders', 'reorders', 'Orders'],
    ['(?i)^ORDERS', 'orders-1', 'x-orders'],
    ['^a(?i)b|c', 'aB', 'Ab'],
    ['^a(?i)b|C', 'xc', 'xd'],
    ['^(?i:a)b', 'Ab', 'AB'],
    ['(?i)a(?-i)b', 'Ab', 'AB'],
    ['^((?i)a)b', 'Ab', 'AB'],
    ['(?x) ^ a \\ b [ ] c # comment', 'a b c', 'abc'],
    ['(?x)a#one\nb', 'ab', 'a'],
    ['a(?#comment)b', 'ab', 'a'],
    ['^(?>a+)b', 'aab', 'aa'],
    ['^(?>a|ab)c$', 'ac', 'abc'],
    ['^(?<x>a)\\k<x>$', 'aa', 'ab'],
    ["^(?'x'a)\\k'x'$", 'aa', 'ab'],
    ['^(?>(b))(a)\\2$', 'baa', 'bab'],
    ['^(a)(?:b)\\1$', 'aba', 'abb'],
    ['\\Aab\\z', 'ab', 'ab\n'],
    ['\\Aab\\Z', 'ab\n', 'ab\n\n'],
    ['ab$', 'ab\n', 'abc'],
    ['(?m)^b$', 'a\nb\nc', 'ab'],
    ['a.c', 'abc', 'a\nc'],
    ['(?s)a.c', 'a\nc', 'ac'],
    ['^\\w+-1', 'straße-1', 'a b-1'],
    ['^\\w+$', '注文', '🦜'],
    ['^[\\w-]+$', 'é-1', 'é 1'],
    ['^\\d$', '٣', 'x'],
    ['\\bé\\b', 'a é b', 'aé'],
    ['é\\B', 'éa', 'é '],
    ['^\\W\\D\\S$', '!ab', 'aab'],
    ['a{2}b{1,}c{,2}', 'aabc{,2}', 'abc'],
    ['^{a}$', '{a}', 'a'],
    ['^[]a]+$', ']a]', 'b'],
    ['^[^]a]+$', 'bc', ']'],
    ['^[a-c\\-.]+$', 'a-.c', 'd'],
    ['^[[]$', '[', ']'],
    ['^orders\\-\\d+\\.x$', 'orders-1.x', 'orders-1-x'],
    ['\\p{Lu}', 'aB', 'ab'],
    ['^\\x41\\u0042\\t$', 'AB\t', 'AB'],
    ['(?<!b)a', 'ca', 'ba'],
    ['(?=ab)a', 'ab', 'ac'],
    ['^a\\#\\ b$', 'a# b', 'a b'],
    ['(?n)^(a)$', 'a', 'b'],
  ] as const) {
    assert.ok(dotNetRegExp(pattern).test(matching), `${pattern} matches ${matching}: ${dotNetRegExp(pattern)}`)
    assert.not(dotNetRegExp(pattern).test(other), `${pattern} does not match ${other}: ${dotNetRegExp(pattern)}`)
  }
})

test('expressions that cannot be read, or be expressed, are refused', () => {
  for (const pattern of [
    '(',
    ')',
    '[',
    '[a',
    'a\\',
    '*a',
    '(?<a-b>x)',
    '(?(a)b|c)',
    '[a-z-[aeiou]]',
    '[\\W]',
    '(?',
    '(?>a',
    '[a\\',
    '\\1',
  ])
    assert.throws(
      () => dotNetRegExp(pattern),
      (error: unknown) => error instanceof SyntaxError,
      pattern,
    )
})

test('recent ids are remembered long enough, by stream, at their first place', () => {
  const ids = new RecentIds()
  ids.add(1, 'a', { revision: 1, position: 10 })
  ids.add(1, 'a', { revision: 5, position: 50 })
  ids.add(2, 'a', { revision: 2, position: 20 })
  assert.is(ids.get(1, 'a')!.revision, 1)
  assert.is(ids.get(2, 'a')!.revision, 2)
  assert.is(ids.get(3, 'a'), undefined)
  for (let n = 0; n < rememberedIds; n++) ids.add(3, `x${n}`, { revision: n, position: n })
  assert.is(ids.get(1, 'a')!.revision, 1)
  assert.is(ids.get(3, 'x0')!.revision, 0)
  for (let n = 0; n < rememberedIds; n++) ids.add(3, `y${n}`, { revision: n, position: n })
  assert.is(ids.get(1, 'a'), undefined)
  ids.remove(3, 'y0')
  assert.is(ids.get(3, 'y0'), undefined)
})

test.run()
