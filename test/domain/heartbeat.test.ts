import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DomainError } from '../../domain/errors.ts'
import { tooEarlyMs } from '../../domain/heartbeat/bucket.ts'
import { heartbeatDecider, type RecordHeartbeat } from '../../domain/heartbeat/decider.ts'
import type { HeartbeatEvent, Vitals } from '../../domain/heartbeat/events.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import type { NodeState } from '../../domain/node/decider.ts'
import { scenario } from '../support/given.ts'
import { property } from '../support/property.ts'

const heartbeat = suite('heartbeat')
const given = scenario(heartbeatDecider)

const key = Buffer.alloc(32, 1).toString('base64url')
const nodeId = nodeIdOf(key)
const vitals: Vitals = {
  uptimeSeconds: 60,
  loadPermille: 1250,
  cores: 8,
  memoryUsedBytes: 4_000_000_000,
  memoryTotalBytes: 16_000_000_000,
  cpuPermille: 300,
  tasksSucceeded: 0,
  tasksFailed: 0,
}
const profile = { cores: 8, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] }
const node: NodeState = { status: 'registered', publicKey: key, profile }
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString()

const record = (seconds: number): RecordHeartbeat => ({
  type: 'RecordHeartbeat',
  nodeId,
  signer: key,
  node,
  policy: initialPolicy,
  issuedAt: at(seconds),
  now: at(seconds),
  vitals,
})
const recorded = (seconds: number): HeartbeatEvent => ({
  type: 'HeartbeatRecorded',
  data: { nodeId, issuedAt: at(seconds), vitals },
})
const past = (seconds: number) => [at(seconds), recorded(seconds)] as const

heartbeat('is recorded with the time at which the node signed it', () => {
  given().when(record(0)).then(recorded(0))
  given(past(0)).when(record(60)).then(recorded(60))
})

heartbeat('two may come at once after a pause, then one an interval', () => {
  given(past(0)).when(record(1)).then(recorded(1))
  given(past(0), past(1))
    .when(record(59))
    .thenRefused('HeartbeatTooEarly', { retryAfterSeconds: 1, serverTime: at(59) })
  given(past(0), past(1)).when(record(2.001)).thenRefused('HeartbeatTooEarly', { retryAfterSeconds: 58 })
  given(past(0), past(1)).when(record(60)).then(recorded(60))
  given(past(0), past(1), past(60)).when(record(61)).thenRefused('HeartbeatTooEarly', { retryAfterSeconds: 59 })
  given(past(0), past(1), past(180)).when(record(181)).then(recorded(181))
})

heartbeat('counts time by the clock of the server', () => {
  given(past(0), past(1))
    .when({ ...record(1000), now: at(2) })
    .thenRefused('HeartbeatTooEarly')
  given([at(0), recorded(100)], [at(60), recorded(101)])
    .when({ ...record(102), now: at(120) })
    .then(recorded(102))
})

heartbeat('is newer than the one before, by the clock of the node', () => {
  given([at(0), recorded(10)])
    .when({ ...record(10), now: at(60) })
    .thenRefused('HeartbeatOutOfOrder', { lastIssuedAt: at(10) })
  given([at(0), recorded(10)])
    .when({ ...record(9), now: at(60) })
    .thenRefused('HeartbeatOutOfOrder')
})

heartbeat('comes from a registered node that speaks for itself', () => {
  given()
    .when({ ...record(0), node: undefined })
    .thenRefused('NodeNotRegistered', { nodeId })
  given()
    .when({ ...record(0), node: { ...node, status: 'deregistered' } })
    .thenRefused('NodeDeregistered')
  given()
    .when({ ...record(0), signer: Buffer.alloc(32, 9).toString('base64url') })
    .thenRefused('SignerNotAllowed')
})

heartbeat('cannot say that more memory is used than there is', () => {
  given()
    .when({ ...record(0), vitals: { ...vitals, memoryUsedBytes: vitals.memoryTotalBytes + 1 } })
    .thenRefused('CommandMalformed', { field: 'command.data.vitals.memoryUsedBytes' })
  const full = { ...vitals, memoryUsedBytes: vitals.memoryTotalBytes }
  given()
    .when({ ...record(0), vitals: full })
    .then({ type: 'HeartbeatRecorded', data: { nodeId, issuedAt: at(0), vitals: full } })
})

heartbeat('the bucket never admits more than its burst and one an interval', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 150_000 }), { maxLength: 60 })
  property(
    fc.property(gaps, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 90 }), (gaps, burst, intervalSeconds) => {
      const admitted: number[] = []
      let now = 0
      for (const gap of gaps) {
        now += gap
        if (tooEarlyMs(admitted, now, { intervalSeconds, burst, missedIntervals: 3 }) === 0) admitted.push(now)
      }
      for (let from = 0; from < admitted.length; from++)
        for (let to = from; to < admitted.length; to++)
          assert.ok(to - from + 1 <= burst + (admitted[to]! - admitted[from]!) / (intervalSeconds * 1000))
    }),
  )
})

heartbeat('the bucket admits at the end of the time that it asks to wait, and not a millisecond before', () => {
  const recent = fc.array(fc.integer({ min: 0, max: 600_000 }), { maxLength: 16 }).map((times) => times.sort((a, b) => a - b))
  property(
    fc.property(recent, fc.integer({ min: 600_000, max: 700_000 }), (recent, now) => {
      const early = tooEarlyMs(recent, now, initialPolicy.heartbeat)
      assert.is(tooEarlyMs(recent, now + early, initialPolicy.heartbeat), 0)
      if (early > 0) assert.is(tooEarlyMs(recent, now + early - 1, initialPolicy.heartbeat), 1)
    }),
  )
})

heartbeat('a node that always tries is held to the bucket over as many heartbeats as are remembered', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 60, maxLength: 120 })
  property(
    fc.property(gaps, (gaps) => {
      const admitted: number[] = []
      let state = heartbeatDecider.initialState
      let seconds = 0
      for (const gap of gaps) {
        seconds += gap + 0.001
        const command = record(seconds)
        try {
          for (const event of heartbeatDecider.decide(command, state)) {
            state = heartbeatDecider.evolve(state, event, command.now)
            admitted.push(Date.parse(command.now))
          }
        } catch (error) {
          assert.is((error as DomainError).code, 'HeartbeatTooEarly')
        }
      }
      const { burst, intervalSeconds } = initialPolicy.heartbeat
      for (let from = 0; from < admitted.length; from++)
        for (let to = from; to < Math.min(admitted.length, from + heartbeatDecider.newest! + 1); to++)
          assert.ok(to - from + 1 <= burst + (admitted[to]! - admitted[from]!) / (intervalSeconds * 1000))
    }),
    50,
  )
})

heartbeat('its newest events are its whole state', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 })
  property(
    fc.property(gaps, (gaps) => {
      let seconds = 0
      const events = gaps.map((gap) => past((seconds += gap)))
      const fold = (some: typeof events) =>
        some.reduce(
          (state, [recordedAt, event]) => heartbeatDecider.evolve(state, event, recordedAt),
          heartbeatDecider.initialState,
        )
      assert.equal(fold(events.slice(-heartbeatDecider.newest!)), fold(events))
    }),
  )
})

heartbeat.run()
