import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JsonFault } from '../../api/json.ts'
import { ApiProblem, problemOf, problemPath, problems } from '../../api/problem.ts'
import { StreamBusy } from '../../commands/lanes.ts'
import { AppendOutcomeUnknown, LogDiverged, StoreUnavailable } from '../../commands/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import { ReadModelUnavailable } from '../../projections/read.ts'

const problem = suite('api/problem')
const trace = '4bf92f3577b34da6a3ce929d0e0e4736'

problem('a refusal keeps its details, of which none takes the place of what RFC 9457 says', () => {
  const details = { field: 'command.type', type: 'FlyToTheMoon', status: 1, title: 'x', code: 'y', traceId: 'z', extra: 5 }
  const { body } = problemOf(new DomainError('CommandUnknownType', details), trace)
  assert.equal(Object.entries(body).slice(0, 3), [
    ['type', '/problems/command-unknown-type'],
    ['title', 'There is no such command'],
    ['status', 400],
  ])
  assert.equal([body.code, body.traceId, body.field, body.extra], ['CommandUnknownType', trace, 'command.type', 5])
})

problem('the detail names the place and the reason where there is one', () => {
  const detail = (details: Record<string, string>) => problemOf(new DomainError('CommandMalformed', details), trace).body.detail
  assert.is(detail({ field: 'command.data.cores', reason: 'must be at least 1' }), 'command.data.cores must be at least 1')
  assert.is(detail({ reason: 'is no object' }), 'is no object')
  assert.is(detail({}), problems.CommandMalformed.about)
})

problem('what the engines throw has its code, and what nobody foresaw has none', () => {
  const codes: [error: unknown, code: string, status: number][] = [
    [
      new StoreUnavailable('away', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
      'EventStoreUnavailable',
      503,
    ],
    [new LogDiverged({ position: 1n, eventId: 'x' }, 'it ends before'), 'EventStoreUnavailable', 503],
    [new StreamBusy('dux_node-a'), 'Overloaded', 503],
    [new AppendOutcomeUnknown('dux_node-a'), 'CommandOutcomeUnknown', 503],
    [new ReadModelUnavailable('node-directory'), 'ReadModelBuilding', 503],
    [new JsonFault('{', 1, 'a name was expected'), 'BodyMalformed', 400],
    [new RangeError('the secret'), 'InternalError', 500],
    ['not even an error', 'InternalError', 500],
    [undefined, 'InternalError', 500],
  ]
  for (const [error, code, status] of codes) {
    const { body, headers, ...answer } = problemOf(error, trace)
    assert.equal([body.code, answer.status, body.status], [code, status, status])
    assert.is(headers['retry-after'] !== undefined, status === 503, code)
    assert.not.match(JSON.stringify(body), 'secret')
  }
})

problem('Retry-After is what the details say, or what the table says', () => {
  const after = (error: Error) => problemOf(error, trace).headers['retry-after']
  assert.is(after(new DomainError('HeartbeatTooEarly', { retryAfterSeconds: 17 })), '17')
  assert.is(after(new ApiProblem('Overloaded')), '1')
  assert.is(after(new DomainError('CommandStale')), undefined)
})

problem('every code has an address of its own, an error status and something to say', () => {
  const paths = new Set<string>()
  for (const [code, { status, title, about }] of Object.entries(problems)) {
    const path = problemPath(code as keyof typeof problems)
    assert.match(path, /^\/problems\/[a-z]+(-[a-z]+)*$/)
    paths.add(path)
    assert.ok(status >= 400 && status < 600, code)
    assert.ok(title.length > 5 && about.length > 20, code)
  }
  assert.is(paths.size, Object.keys(problems).length)
  assert.is(problemPath('HeartbeatTooEarly'), '/problems/heartbeat-too-early')
})

problem.run()
