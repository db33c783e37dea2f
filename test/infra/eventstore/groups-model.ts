import fc from 'fast-check'
import * as assert from 'uvu/assert'
import { consumerOf, deliveryOf } from './groups-support.ts'

/** Something that happens to a group. `which` picks among what there is, whatever its size. */
export type Step =
  | { readonly do: 'pass' | 'push' | 'expire' }
  | { readonly do: 'add'; readonly bucket: number }
  | { readonly do: 'connect'; readonly slots: number }
  | { readonly do: 'disconnect' | 'clog' | 'ack' | 'retry' | 'park' | 'skip' | 'parked' | 'notParked'; readonly which: number }

export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), bucket: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pass' as const, 'push' as const, 'expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), slots: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('disconnect' as const, 'clog' as const), which: fc.nat() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('ack' as const, 'retry' as const, 'park' as const, 'skip' as const),
      which: fc.nat(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('parked' as const, 'notParked' as const), which: fc.nat() }) },
)

/** A delivery beside a list of what it owes, and its consumers beside what they got. */
export class DeliveryModel {
  readonly #pins: boolean
  readonly #subject: ReturnType<typeof deliveryOf>
  readonly #here: ReturnType<typeof consumerOf>[] = []
  readonly #owed = new Set<number>()
  /** The bucket of every event there was. */
  readonly #buckets = new Map<number, number>()
  readonly #delivered = new Set<number>()
  /** The newest event that was delivered for the first time, in each lane. */
  readonly #newest = new Map<number, number>()
  #count = 0

  constructor(strategy: string) {
    this.#pins = strategy.startsWith('Pinned')
    this.#subject = deliveryOf({ strategy, maxRetryCount: 2 })
  }

  take(step: Step): void {
    const { delivery, clock, parking, add, pass } = this.#subject
    switch (step.do) {
      case 'add':
        this.#owed.add(this.#count)
        this.#buckets.set(this.#count++, step.bucket)
        add(step.bucket)
        break
      case 'pass':
        this.#count++
        pass()
        break
      case 'expire':
        clock.ms += 600
        delivery.expire()
        break
      case 'connect':
        this.#connect(step.slots)
        break
      case 'disconnect':
        for (const { consumer } of this.#here.splice(at(this.#here, step.which), 1)) delivery.disconnect(consumer)
        break
      case 'clog':
        for (const { connection } of this.#here.slice(at(this.#here, step.which)).slice(0, 1)) connection.flows = !connection.flows
        break
      case 'parked':
        for (const { message } of parking.splice(at(parking, step.which), 1)) {
          delivery.parked(message)
          this.#owed.delete(message.event!)
        }
        break
      case 'notParked':
        for (const { message } of parking.splice(at(parking, step.which), 1)) delivery.notParked(message)
        break
      case 'ack':
      case 'retry':
      case 'park':
      case 'skip':
        this.#judge(step.do, step.which)
    }
  }

  /** Lets it send, and checks what it sent and what it would write down. */
  look(): void {
    const { delivery, progress } = this.#subject
    const before = this.#here.map(({ received }) => received.length)
    delivery.push()
    const firsts: number[] = []
    for (const [n, { consumer, connection, received }] of this.#here.entries()) {
      assert.ok(consumer.inFlight <= consumer.slots && consumer.inFlight >= 0, 'slots')
      const fresh = received.slice(before[n])
      if (!connection.flows) assert.is(fresh.length, 0)
      const first = fresh.map(({ event }) => event!).filter((event) => !this.#delivered.has(event))
      assert.equal(
        first,
        first.toSorted((a, b) => a - b),
        'a consumer gets new events in order',
      )
      firsts.push(...first)
      for (const event of first) this.#delivered.add(event)
    }
    this.#checkOrder(firsts)
    assert.is(
      delivery.inFlight,
      this.#here.reduce((sum, { consumer }) => sum + consumer.inFlight, 0),
    )
    const lowest = Math.min(...this.#owed)
    if (progress.reached) assert.ok(progress.reached.place < lowest, `the checkpoint passes ${lowest}`)
  }

  /** Somebody comes who takes everything: then nothing is owed. */
  end(): void {
    const { delivery, progress, parking } = this.#subject
    for (const { consumer } of this.#here.splice(0)) delivery.disconnect(consumer)
    while (parking.length > 0) this.take({ do: 'parked', which: 0 })
    this.#connect(1_000)
    this.look()
    const [{ ids, received }] = this.#here as [ReturnType<typeof consumerOf>]
    delivery.ack(ids())
    for (const { event } of received) this.#owed.delete(event!)
    assert.is(this.#owed.size, 0, 'everything that was owed came')
    assert.is(delivery.inFlight + delivery.buffered + delivery.retrying, 0)
    assert.is(this.#delivered.size, this.#buckets.size, 'every event was delivered once at least')
    assert.is(progress.reached?.place, this.#count > 0 ? this.#count - 1 : undefined)
  }

  #connect(slots: number): void {
    const one = consumerOf(slots)
    this.#here.push(one)
    this.#subject.delivery.connect(one.consumer)
  }

  /** Of a message that somebody here got once; it need not be open any more. */
  #judge(verdict: 'ack' | 'retry' | 'park' | 'skip', which: number): void {
    const { delivery } = this.#subject
    const messages = this.#here.flatMap(({ received }) => received)
    const message = messages[at(messages, which)]
    if (!message) return
    const before = delivery.inFlight
    if (verdict === 'ack') delivery.ack([message.id])
    else delivery.nack([message.id], verdict, '')
    const wasOpen = delivery.inFlight < before
    if (wasOpen && (verdict === 'ack' || verdict === 'skip')) this.#owed.delete(message.event!)
  }

  /** Nothing new is older than what was new before; a strategy that pins keeps the order of what it keeps together. */
  #checkOrder(events: readonly number[]): void {
    for (const event of events.toSorted((a, b) => a - b)) {
      const lane = this.#pins ? this.#buckets.get(event)! : 0
      assert.ok(event > (this.#newest.get(lane) ?? -1), `${event} came late`)
      this.#newest.set(lane, event)
    }
  }
}

const at = (list: readonly unknown[], which: number) => which % Math.max(1, list.length)
