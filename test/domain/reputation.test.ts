import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { initialPolicy } from '../../domain/network/policy.ts'
import type { NodeState } from '../../domain/node/decider.ts'
import { type ChangeReputation, changeReputationData, reputationDecider } from '../../domain/reputation/decider.ts'
import type { ReputationEvent } from '../../domain/reputation/events.ts'
import { scenario } from '../support/given.ts'
import { property } from '../support/property.ts'

const reputation = suite('reputation')
const given = scenario(reputationDecider)

const nodeId = 'abc'
const profile = { cores: 8, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] }
const node: NodeState = { status: 'registered', publicKey: 'key', profile }
const by = (rule: string): ChangeReputation => ({
  type: 'ChangeReputation',
  nodeId,
  signer: 'authority',
  authority: 'authority',
  node,
  policy: initialPolicy,
  change: { rule },
})
const custom = (delta: number): ChangeReputation => ({ ...by('custom'), change: { rule: 'custom', delta, reason: 'audit' } })
const changed = (rule: string, old: number, score: number, delta: number, reason?: string): ReputationEvent => ({
  type: 'ReputationChanged',
  data: {
    nodeId,
    rule,
    ...(reason !== undefined && { reason }),
    old,
    new: score,
    delta,
    applied: score - old,
    clamped: score - old !== delta,
  },
})

const deltas = {
  task_success: 10,
  task_failure: -5,
  task_timeout: -10,
  malicious_behavior: -50,
  health_milestone: 2,
  uptime_milestone: 5,
  community_contribution: 15,
}

for (const [rule, delta] of Object.entries(deltas)) {
  reputation(`${rule} moves a new node from 50 by ${delta}`, () => {
    given()
      .when(by(rule))
      .then(changed(rule, 50, 50 + delta, delta))
  })
}

reputation('goes on from the last score', () => {
  given(changed('task_success', 50, 60, 10))
    .when(by('task_failure'))
    .then(changed('task_failure', 60, 55, -5))
})

reputation('is clamped, and the event says so', () => {
  given(changed('task_success', 85, 95, 10))
    .when(by('task_success'))
    .then(changed('task_success', 95, 100, 10))
  given(changed('task_success', 95, 100, 10))
    .when(by('task_success'))
    .then(changed('task_success', 100, 100, 10))
  given(changed('task_failure', 35, 30, -5))
    .when(by('malicious_behavior'))
    .then(changed('malicious_behavior', 30, 0, -50))
  given(changed('task_failure', 95, 90, -5))
    .when(by('task_success'))
    .then(changed('task_success', 90, 100, 10))
})

reputation('takes a delta of the authority with its reason', () => {
  given()
    .when(custom(-7))
    .then(changed('custom', 50, 43, -7, 'audit'))
  given()
    .when(custom(Number.MAX_SAFE_INTEGER))
    .then(changed('custom', 50, 100, Number.MAX_SAFE_INTEGER, 'audit'))
  given()
    .when(custom(0))
    .then(changed('custom', 50, 50, 0, 'audit'))
})

reputation('knows the rules of the policy and no others', () => {
  for (const rule of ['task_done', 'custom', 'constructor', '__proto__'])
    given().when(by(rule)).thenRefused('ReputationRuleUnknown', { rule })
})

reputation('is changed by the authority alone, for nodes that are there', () => {
  given()
    .when({ ...by('task_success'), signer: 'key' })
    .thenRefused('SignerNotAllowed', { needed: 'authority' })
  given()
    .when({ ...by('task_success'), node: undefined })
    .thenRefused('NodeNotRegistered', { nodeId })
  given()
    .when({ ...by('task_success'), node: { ...node, status: 'deregistered' } })
    .thenRefused('NodeDeregistered')
})

reputation('stays in range, and what was applied is what moved', () => {
  const change = fc.oneof(fc.constantFrom(...Object.keys(deltas)).map(by), fc.integer({ min: -300, max: 300 }).map(custom))
  property(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let state = reputationDecider.initialState
      for (const command of changes) {
        const before = state.score ?? 50
        const [event] = reputationDecider.decide(command, state)
        const { data } = event!
        assert.is(data.old, before)
        assert.is(data.applied, data.new - data.old)
        assert.is(data.clamped, data.applied !== data.delta)
        assert.ok(data.new >= 0 && data.new <= 100)
        state = reputationDecider.evolve(state, event!, '')
        assert.is(state.score, data.new)
      }
    }),
  )
})

reputation('data is a rule alone, or custom with its delta and reason', () => {
  const valid = (data: unknown) => changeReputationData.safeParse(data).success
  assert.ok(valid({ rule: 'task_success' }))
  assert.ok(valid({ rule: 'custom', delta: -1, reason: 'why' }))
  for (const data of [
    {},
    { rule: 'custom' },
    { rule: 'custom', delta: 1 },
    { rule: 'custom', delta: 1.5, reason: 'why' },
    { rule: 'custom', delta: 1, reason: '' },
    { rule: 'custom', delta: 1, reason: 'x'.repeat(201) },
    { rule: 'task_success', delta: 1 },
    { rule: 'task_success', reason: 'why' },
    { rule: 'Task' },
  ])
    assert.not.ok(valid(data), JSON.stringify(data))
})

reputation.run()
