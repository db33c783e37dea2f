// What the probe calls equal: were it too lenient, the conformance tests would prove nothing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { badDeviations, judge } from './lib/agreement.ts'
import { type Answer, firstDifference } from './lib/answers.ts'
import { normalise } from './lib/normalise.ts'
import type { Listed } from './lib/scenario.ts'

const comparison = suite('comparison')
const own = { run: 'r0123456789', ids: ['11111111-2222-4333-8444-555555555555'] }

comparison('what differs between two runs is replaced: ids, names, positions by rank, times', () => {
  const ticks = String(BigInt(Date.now()) * 10_000n)
  const recorded = {
    id: '11111111-2222-4333-8444-555555555555',
    other: '99999999-2222-4333-8444-555555555555',
    structured: { mostSignificantBits: 0x1111111122224333n, leastSignificantBits: BigInt.asIntN(64, 0x8444555555555555n) },
    name: '$$orders-r0123456789-4',
    type: 'openedr0123456789',
    last: { commitPosition: '900', preparePosition: 900n },
    first: { commitPosition: '80', preparePosition: '0' },
    startFrom: 'C:900/P:-1',
    created: ticks,
  }
  assert.equal(normalise(recorded, own), {
    id: 'id#1',
    other: 'uuid#1',
    structured: 'id#1',
    name: '$$orders#4',
    type: 'openedrun',
    last: { commitPosition: 'pos#2', preparePosition: 'pos#2' },
    first: { commitPosition: 'pos#1', preparePosition: '0' },
    startFrom: 'C:pos#2/P:-1',
    created: 'time',
  })
})

comparison('everything else stays: revisions, the largest number, the nil id, a time long past', () => {
  const recorded = {
    streamRevision: '7',
    commitPosition: '18446744073709551615',
    id: '00000000-0000-0000-0000-000000000000',
    bytes: Uint8Array.of(0xff, 0x00),
    absent: undefined,
  }
  assert.equal(normalise(recorded, own), {
    streamRevision: '7',
    commitPosition: '18446744073709551615',
    id: '00000000-0000-0000-0000-000000000000',
    bytes: 'hex:ff00',
  })
  assert.equal(normalise({ created: '10000' }, own), { created: 'not now: 10000' })
})

const answers = (value: Answer['value']): Answer[] => [
  { label: 'first', value: 1 },
  { label: 'second', value },
]

comparison('the first difference is named by label and place', () => {
  const expected = answers({ events: [{ data: 'a' }, { data: 'b' }] })
  assert.is(firstDifference(expected, answers({ events: [{ data: 'a' }, { data: 'b' }] })), undefined)
  assert.equal(firstDifference(expected, answers({ events: [{ data: 'a' }, { data: 'c' }] })), {
    label: 'second',
    path: '.events[1].data',
    expected: 'b',
    got: 'c',
  })
  assert.equal(firstDifference(expected, answers({ events: [{ data: 'a' }, { data: 'b' }], more: 1 }))?.path, '.more')
  assert.equal(firstDifference(expected, expected.slice(0, 1))?.label, 'second')
})

comparison('free texts may differ, codes and other trailers may not', () => {
  const refusal = (code: string, text: string, reason: string, stream: string) =>
    answers({ error: { code, text, trailers: { 'stream-name': stream, reason } } })
  const expected = refusal('INTERNAL', 'Failed.', 'No.', 'orders#1')
  assert.is(firstDifference(expected, refusal('INTERNAL', 'other words', 'other reason', 'orders#1')), undefined)
  assert.is(firstDifference(expected, refusal('UNKNOWN', 'Failed.', 'No.', 'orders#1'))?.path, '.error.code')
  assert.is(firstDifference(expected, refusal('INTERNAL', 'Failed.', 'No.', 'orders#2'))?.path, '.error.trailers.stream-name')
  assert.is(firstDifference(answers({ text: 'pong' }), answers({ text: 'ping' }))?.path, '.text')
})

const scenario: Listed = { name: 'a read', section: '6.1', file: 'reads', id: 'reads/a read', run: async () => {} }
const agreementOf = (ours: Readonly<Record<string, Answer['value']>>, id = scenario.id) => ({
  recorded: new Map([['reads', { 'a read': answers('theirs') }]]),
  deviations: [{ scenario: id, reason: 'theirs is wrong', ours }],
})

comparison('a deviation holds us to our answer, and to the real one everywhere else', () => {
  const agreement = agreementOf({ second: 'ours' })
  assert.is(judge(scenario, { records: answers('ours') }, agreement), undefined)
  assert.match(judge(scenario, { records: answers('neither') }, agreement)!, 'expected "ours"')
  assert.match(judge(scenario, { records: answers('theirs') }, agreement)!, 'needs no deviation')
  assert.match(judge(scenario, { records: [{ label: 'first', value: 2 }, ...answers('ours').slice(1)] }, agreement)!, 'first')
  assert.match(judge(scenario, { records: answers('ours'), failure: 'no end' }, agreement)!, 'no end')
})

comparison('a deviation that is none is found', () => {
  assert.equal(badDeviations(agreementOf({ second: 'ours' }), [scenario]), [])
  assert.match(badDeviations(agreementOf({ second: 'ours' }, 'reads/another'), [scenario])[0]!, 'no such scenario')
  assert.match(badDeviations(agreementOf({ third: 'ours' }), [scenario])[0]!, "'third' stands for 0 answers")
  assert.match(badDeviations(agreementOf({ second: 'theirs' }), [scenario])[0]!, 'what the real server answers')
})

comparison.run()
