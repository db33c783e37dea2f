import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FailedSoFar } from '../../commands/processes/webhook-ports.ts'
import { afterFailure, afterGone, type Failure, retryRules } from '../../commands/processes/webhook-retries.ts'
import { property } from '../support/property.ts'

const retries = suite('webhook retries')

const rules = retryRules(72)
const hourMs = 3_600_000
const began = new Date('2026-11-26T08:00:00.000Z')
const at = (ms: number) => new Date(began.getTime() + ms)

const soFar = (attempts: number, change: Partial<FailedSoFar> = {}): FailedSoFar => ({
  attempts,
  firstAttemptAt: began,
  failures: attempts,
  failingSince: began,
  ...change,
})
const failure = (change: Partial<Failure> = {}): Failure => ({
  now: began,
  retryAfterMs: undefined,
  inTurn: true,
  retries: true,
  jitter: 0.5,
  ...change,
})

retries('waits grow three times each, to their most', () => {
  const seconds = Array.from({ length: 11 }, (_, n) => {
    const { nextAttemptAt } = afterFailure(soFar(n + 1), failure({ inTurn: false }), rules)
    return (nextAttemptAt!.getTime() - began.getTime()) / 1000
  })
  assert.equal(seconds, [5, 15, 45, 135, 405, 1215, 3645, 10_935, 32_805, 43_200, 43_200])
})

retries('in its turn a message is waited for four times, then put aside; the webhook waits an hour at most', () => {
  for (let tries = 1; tries <= 4; tries++) {
    const { putAside, nextAttemptAt, waitUntil } = afterFailure(soFar(tries), failure(), rules)
    assert.not.ok(putAside)
    assert.equal(nextAttemptAt, waitUntil)
  }
  const fifth = afterFailure(soFar(5, { failures: 30 }), failure(), rules)
  assert.ok(fifth.putAside)
  assert.equal([fifth.nextAttemptAt, fifth.waitUntil], [at(405_000), at(hourMs)])
})

retries('what the receiver asks for is waited, by the whole webhook', () => {
  for (const inTurn of [true, false])
    assert.equal(afterFailure(soFar(1), failure({ inTurn, retryAfterMs: 60_000 }), rules).waitUntil, at(60_000))
  assert.is(afterFailure(soFar(1), failure({ inTurn: false }), rules).waitUntil, undefined)
})

retries('a message is parked rather than tried after its time, and so is a test at once', () => {
  const late = failure({ now: at(71 * hourMs) })
  const { nextAttemptAt, putAside } = afterFailure(soFar(10), late, rules)
  assert.equal([nextAttemptAt, putAside], [undefined, true])
  assert.is(afterFailure(soFar(1), failure({ inTurn: false, retries: false }), rules).nextAttemptAt, undefined)
})

retries('after days of failures alone the webhook is disabled', () => {
  const failing = soFar(1, { failures: 100 })
  assert.is(afterFailure(failing, failure({ now: at(120 * hourMs) }), rules).disable, undefined)
  assert.is(afterFailure(failing, failure({ now: at(120 * hourMs + 1) }), rules).disable, 'failing')
  assert.is(afterGone(began).disable, 'gone')
})

retries('whatever happens, a message is tried again in time or parked, and never before its wait', () => {
  const when = fc.integer({ min: 0, max: 100 * hourMs }).map(at)
  property(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      when,
      fc.boolean(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.option(fc.integer({ min: 0, max: 24 * hourMs }), { nil: undefined }),
      (attempts, failures, now, inTurn, jitter, retryAfterMs) => {
        const { nextAttemptAt, putAside, waitUntil } = afterFailure(
          soFar(attempts, { failures }),
          failure({ now, inTurn, jitter, retryAfterMs }),
          rules,
        )
        const least = now.getTime() + Math.max(0.8 * rules.firstMs, retryAfterMs ?? 0)
        if (nextAttemptAt) {
          assert.ok(nextAttemptAt.getTime() >= least)
          assert.ok(!putAside || nextAttemptAt.getTime() - began.getTime() <= rules.giveUpMs)
        } else assert.ok(putAside, 'nothing waits for what is parked')
        if (waitUntil) assert.ok(waitUntil.getTime() - now.getTime() <= Math.max(1.2 * rules.webhookMsMax, retryAfterMs ?? 0))
      },
    ),
  )
})

retries.run()
