import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Progress } from '../../../infra/embedded/eventstore/groups/progress.ts'
import { strategyNames } from '../../../infra/embedded/eventstore/groups/settings.ts'
import { DeliveryModel, steps } from './groups-model.ts'
import { consumerOf, deliveryOf, settings } from './groups-support.ts'
import { isLong, seed } from './support.ts'

const test = suite(`groups: delivery (seed ${seed})`)

test('no more than a consumer has slots for, and the next as slots become free', () => {
  const { delivery, add } = deliveryOf()
  const { consumer, ids } = consumerOf(2)
  for (let n = 0; n < 5; n++) add()
  delivery.connect(consumer)
  assert.is(delivery.push(), 2)
  assert.is(delivery.push(), 0)
  delivery.ack(['1', 'nobody knows it', '1'])
  assert.is(delivery.push(), 1)
  assert.equal(ids(), ['0', '1', '2'])
})

test('retries go first, in order, and say how many there were', () => {
  const { delivery, add } = deliveryOf()
  const { consumer, received } = consumerOf(3)
  for (let n = 0; n < 5; n++) add()
  delivery.connect(consumer)
  delivery.push()
  delivery.nack(['2', '0', '1'], 'retry', '')
  delivery.push()
  assert.equal(
    received.slice(3).map(({ id, retries }) => [id, retries]),
    [
      ['0', 1],
      ['1', 1],
      ['2', 1],
    ],
  )
})

test('a message is parked when its retries are used up, and for no disconnection', () => {
  const { delivery, add, parking, clock } = deliveryOf({ maxRetryCount: 1 })
  add()
  for (let n = 0; n < 4; n++) {
    const { consumer, received } = consumerOf(1)
    delivery.connect(consumer)
    delivery.push()
    assert.is(received[0]!.retries, n)
    delivery.disconnect(consumer)
  }
  const { consumer } = consumerOf(1)
  delivery.connect(consumer)
  delivery.push()
  clock.ms += 999
  delivery.expire()
  assert.is(parking.length, 0)
  clock.ms += 1
  delivery.expire()
  assert.equal(
    parking.map(({ reason }) => reason),
    ['Reached retry count of 1'],
  )
})

test('what could not be parked is owed still', () => {
  const { delivery, add, parking, progress } = deliveryOf()
  const { consumer, ids } = consumerOf(1)
  add()
  add()
  delivery.connect(consumer)
  delivery.push()
  delivery.nack(['0'], 'park', 'broken')
  assert.is(parking[0]!.reason, "Client explicitly NAK'ed message.\nbroken")
  delivery.push()
  delivery.ack(['1'])
  assert.is(progress.reached, undefined, 'a message on its way to the parked ones is not done')
  delivery.notParked(parking[0]!.message)
  delivery.push()
  assert.equal(ids(), ['0', '1', '0'])
  delivery.nack(['0'], 'park', '')
  delivery.parked(parking[1]!.message)
  assert.is(progress.reached!.place, 1)
})

test('of a long reason the beginning is kept', () => {
  const { delivery, add, parking } = deliveryOf()
  const { consumer } = consumerOf(1)
  add()
  delivery.connect(consumer)
  delivery.push()
  delivery.nack(['0'], 'park', 'x'.repeat(1_000_000))
  assert.ok(parking[0]!.reason.length < 100_000)
})

test('replayed messages come after retries, count anew and are told when they are done', () => {
  const { delivery, add, replay, replayed, progress } = deliveryOf()
  const { consumer, ids } = consumerOf(4)
  add()
  replay(4)
  replay(5)
  delivery.connect(consumer)
  delivery.push()
  assert.equal(ids(), ['parked-4', 'parked-5', '0'])
  delivery.nack(['parked-4', '0', 'parked-5'], 'retry', '')
  delivery.push()
  assert.equal(ids().slice(3), ['0', 'parked-4', 'parked-5'])
  delivery.ack(['parked-5', 'parked-4', '0'])
  assert.equal(replayed, [5, 4])
  assert.is(progress.reached!.place, 0)
})

test('of two events with one id the second waits until the first is settled', () => {
  const { delivery, add } = deliveryOf()
  const { consumer, received } = consumerOf(5)
  add(0, 'same')
  add(0, 'same')
  add()
  delivery.connect(consumer)
  delivery.push()
  assert.equal(
    received.map(({ event }) => event),
    [0, 2],
  )
  delivery.ack(['same'])
  delivery.push()
  assert.is(received.at(-1)!.event, 1)
})

test('a consumer whose connection does not flow gets nothing and holds up nobody', () => {
  for (const strategy of ['RoundRobin', 'DispatchToSingle'] as const) {
    const { delivery, add } = deliveryOf({ strategy })
    const [slow, fast] = [consumerOf(10), consumerOf(10)]
    slow.connection.flows = false
    delivery.connect(slow.consumer)
    delivery.connect(fast.consumer)
    for (let n = 0; n < 4; n++) add()
    delivery.push()
    assert.equal([slow.received.length, fast.received.length], [0, 4])
  }
})

test('a checkpoint is due by count at once, by time at the regular look, and never twice', () => {
  const policy = { ...settings, minCheckpointCount: 2, maxCheckpointCount: 4, checkpointAfterMs: 1_000 }
  const progress = new Progress(policy, 6)
  assert.equal(progress.reached, { place: 6, order: 0 })
  const orders = [7, 8, 9, 10].map((place) => progress.begin(place))
  const finish = (...done: number[]) => {
    for (const n of done) progress.done(orders[n]!)
  }
  finish(1, 2, 3)
  assert.is(progress.due(0, true), undefined, 'the oldest is open')
  finish(0)
  const due = progress.due(0, false)!
  assert.equal(due, { place: 10, order: 4 })
  progress.written(due, 0)
  assert.is(progress.due(9_999, true), undefined)
  progress.pass(11)
  assert.is(progress.due(9_999, true), undefined, 'one is too few')
  progress.pass(12)
  assert.is(progress.due(9_999, false), undefined)
  assert.is(progress.due(999, true), undefined)
  assert.is(progress.due(1_000, true)!.place, 12)
})

test('whatever happens, every event is delivered, no slot is overdrawn, and no checkpoint passes what is owed', () => {
  fc.assert(
    fc.property(fc.constantFrom(...strategyNames), fc.array(steps, { maxLength: 120, size: 'max' }), (strategy, story) => {
      const model = new DeliveryModel(strategy)
      for (const step of story) {
        model.take(step)
        model.look()
      }
      model.end()
    }),
    { seed, numRuns: isLong ? 20_000 : 400 },
  )
})

test.run()
