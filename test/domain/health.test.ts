import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assess } from '../../domain/health/assess.ts'
import { type ChangeHealth, healthDecider } from '../../domain/health/decider.ts'
import type { Health, HealthEvent } from '../../domain/health/events.ts'
import type { Vitals } from '../../domain/heartbeat/events.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import type { NodeState } from '../../domain/node/decider.ts'
import { scenario } from '../support/given.ts'
import { property } from '../support/property.ts'

const health = suite('health')
const given = scenario(healthDecider)

const nodeId = 'abc'
const profile = { cores: 8, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] }
const node: NodeState = { status: 'registered', publicKey: 'key', profile }
const at = '2026-01-01T00:00:00.000Z'
type From = HealthEvent['data']['from']

const reasons = { healthy: [], unhealthy: ['load' as const], offline: ['missed_heartbeats' as const] }
const become = (to: Health, heartbeatRevision: number, heardRevision = heartbeatRevision): ChangeHealth => ({
  type: 'ChangeHealth',
  nodeId,
  signer: 'service',
  serviceKey: 'service',
  node,
  heardRevision,
  now: at,
  to,
  reasons: reasons[to],
  at,
  heartbeatRevision,
})
const became = (from: From, to: Health, heartbeatRevision: number): HealthEvent => ({
  type: 'NodeHealthChanged',
  data: { nodeId, from, to, reasons: reasons[to], at, heartbeatRevision },
})

health('every change between two states is one event, and no change is none', () => {
  const past: Record<From, HealthEvent[]> = {
    registered: [],
    healthy: [became('registered', 'healthy', 3)],
    unhealthy: [became('registered', 'unhealthy', 3)],
    offline: [became('healthy', 'offline', 3)],
  }
  for (const from of ['registered', 'healthy', 'unhealthy', 'offline'] as const)
    for (const to of ['healthy', 'unhealthy', 'offline'] as const) {
      const when = given(...past[from]).when(become(to, 4))
      if (from === to) when.thenNothing()
      else when.then(became(from, to, 4))
    }
})

health('a process that lags behind changes nothing', () => {
  given(became('healthy', 'unhealthy', 5))
    .when(become('healthy', 4))
    .thenNothing()
  given(became('healthy', 'offline', 5))
    .when(become('healthy', 5))
    .thenNothing()
  given(became('healthy', 'unhealthy', 5))
    .when(become('offline', 5))
    .then(became('unhealthy', 'offline', 5))
})

health('a node is not offline that was heard of since', () => {
  given(became('registered', 'healthy', 5))
    .when(become('offline', 5, 6))
    .thenNothing()
  given(became('registered', 'healthy', 5))
    .when(become('unhealthy', 5, 6))
    .then(became('healthy', 'unhealthy', 5))
})

health('a node without any heartbeat can go offline', () => {
  const { heartbeatRevision: _, ...never } = become('offline', -1)
  const { heartbeatRevision: __, ...data } = became('registered', 'offline', -1).data
  given().when(never).then({ type: 'NodeHealthChanged', data })
})

health('is changed by the health service alone, for nodes that are there, and not ahead of time', () => {
  given()
    .when({ ...become('healthy', 0), signer: 'key' })
    .thenRefused('SignerNotAllowed', { needed: 'service:health' })
  given()
    .when({ ...become('healthy', 0), serviceKey: undefined })
    .thenRefused('SignerNotAllowed')
  given()
    .when({ ...become('healthy', 0), node: undefined })
    .thenRefused('NodeNotRegistered')
  given()
    .when({ ...become('healthy', 0), node: { ...node, status: 'deregistered' } })
    .thenRefused('NodeDeregistered')
  given()
    .when({ ...become('healthy', 0), at: '2026-01-01T00:00:00.001Z' })
    .thenRefused('CommandMalformed', { field: 'command.data.at' })
})

const vitals: Vitals = {
  uptimeSeconds: 60,
  loadPermille: 0,
  cores: 4,
  memoryUsedBytes: 0,
  memoryTotalBytes: 1000,
  cpuPermille: 1000,
  tasksSucceeded: 0,
  tasksFailed: 0,
}
const verdict = (figures: Partial<Vitals>) => assess({ ...vitals, ...figures }, initialPolicy)
const healthy = { verdict: 'healthy', reasons: [] }

health('more than 97 % of the memory used is unhealthy', () => {
  assert.equal(verdict({ memoryUsedBytes: 970 }), healthy)
  assert.equal(verdict({ memoryUsedBytes: 971 }), { verdict: 'unhealthy', reasons: ['memory'] })
  const total = Number.MAX_SAFE_INTEGER - 91
  assert.equal(verdict({ memoryTotalBytes: total, memoryUsedBytes: (total / 100) * 97 }), healthy)
  assert.is(verdict({ memoryTotalBytes: total, memoryUsedBytes: (total / 100) * 97 + 1 }).verdict, 'unhealthy')
})

health('a load above 8 on each core is unhealthy', () => {
  assert.equal(verdict({ loadPermille: 32_000 }), healthy)
  assert.equal(verdict({ loadPermille: 32_001 }), { verdict: 'unhealthy', reasons: ['load'] })
})

health('less than half of at least ten tasks is unhealthy', () => {
  assert.equal(verdict({ tasksSucceeded: 0, tasksFailed: 9 }), healthy)
  assert.equal(verdict({ tasksSucceeded: 5, tasksFailed: 5 }), healthy)
  assert.equal(verdict({ tasksSucceeded: 4, tasksFailed: 6 }), { verdict: 'unhealthy', reasons: ['success_rate'] })
})

health('names every threshold that was crossed', () => {
  assert.equal(verdict({ memoryUsedBytes: 999, loadPermille: 100_000, tasksFailed: 10 }).reasons, [
    'memory',
    'load',
    'success_rate',
  ])
})

health('gives a verdict for any vitals, and reasons only when unhealthy', () => {
  const count = fc.maxSafeNat()
  const figures = fc.record({
    loadPermille: fc.nat(100_000_000),
    cores: fc.integer({ min: 1, max: 65_536 }),
    memoryUsedBytes: count,
    memoryTotalBytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    tasksSucceeded: count,
    tasksFailed: count,
  })
  property(
    fc.property(figures, (figures) => {
      const { verdict, reasons } = assess({ ...vitals, ...figures }, initialPolicy)
      assert.is(verdict === 'healthy', reasons.length === 0)
    }),
  )
})

health.run()
