import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Group } from '../../../infra/embedded/eventstore/groups/group.ts'
import type { Message } from '../../../infra/embedded/eventstore/groups/message.ts'
import { strategyNames } from '../../../infra/embedded/eventstore/groups/settings.ts'
import { append, consumer, type Fixture, withGroups } from './groups-fixture.ts'
import { settings } from './groups-support.ts'
import { eventually, isLong, randomFrom, seed } from './support.ts'

const test = suite(`groups: a life (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!

/** A group of orders, its consumers, and what they have settled: by an acknowledgement, or by skipping. */
class Life {
  readonly #fixture: Fixture
  readonly #stream = pick(['orders', '$all'])
  readonly #here = new Map<ReturnType<typeof consumer>, Group>()
  readonly #settled = new Set<number>()

  constructor(fixture: Fixture) {
    this.#fixture = fixture
  }

  #request() {
    const filter = { on: 'stream', regex: '', prefixes: ['orders'] } as const
    const historyBufferSize = 5 + below(40)
    const sizes = { historyBufferSize, readBatchSize: 1 + below(historyBufferSize - 1), liveBufferSize: below(20) }
    const counts = { minCheckpointCount: 1, maxCheckpointCount: 1 + below(10), maxRetryCount: below(3) }
    const chosen = { ...settings, ...sizes, ...counts, strategy: pick(strategyNames), messageTimeoutMs: 600_000 }
    return {
      stream: this.#stream,
      group: 'group',
      start: 'start' as const,
      settings: chosen,
      ...(this.#stream === '$all' && { filter }),
    }
  }

  create = () => this.#fixture.groups.create(this.#request())

  /** What a client does. */
  readonly #deeds: readonly (() => unknown)[] = [
    () => Promise.all(Array.from({ length: 1 + below(30) }, (_, n) => append(this.#fixture.store, n % 4 ? 'orders' : 'bills'))),
    () => append(this.#fixture.store, 'orders'),
    () => this.#connect(1 + below(8)),
    () => this.#leave(),
    () => this.#judge(below(6)),
    () => this.#judge(below(6)),
    () => this.#judge(below(6)),
    () => this.#fixture.groups.replayParked(this.#stream, 'group', random() < 0.5 ? undefined : below(10)),
    () => [...this.#here.values()].at(0)?.check(),
  ]

  async step(): Promise<void> {
    const chance = random()
    if (chance < 0.03) await this.#restarted(() => this.#fixture.groups.restart())
    else if (chance < 0.06) await this.#restarted(() => this.#fixture.groups.update(this.#request()))
    else {
      const done = pick(this.#deeds)()
      // Mostly it does not wait for what it has asked for.
      if (random() < 0.3) await done
    }
  }

  /** Somebody replays and acknowledges everything: then nothing may be missing. */
  async end(): Promise<void> {
    const { groups, store } = this.#fixture
    await store.writer.drained()
    await this.#restarted(() => groups.restart())
    const last = this.#connect(50)
    const isDone = () => {
      this.#judgeAll(last)
      const { status, readBufferCount, retryBufferCount, inFlight, parkedMessageCount } = groups.info(this.#stream, 'group')
      if (status === 'Live' && parkedMessageCount > 0) groups.replayParked(this.#stream, 'group', undefined)
      return status === 'Live' && readBufferCount + retryBufferCount + inFlight + parkedMessageCount === 0
    }
    await eventually(isDone, 'everything is settled')
    const { number, committed } = store.streams.get('orders')
    const missing: number[] = []
    if (number !== undefined)
      store.log.scanStream(number, 0, committed.last, false, (revision, position) => {
        if (!this.#settled.has(position)) missing.push(revision)
        return true
      })
    assert.equal(missing, [], `of ${committed.last + 1} events`)
    await store.writer.drained()
  }

  #connect(slots: number) {
    const one = consumer(slots)
    this.#here.set(one, this.#fixture.groups.connect(this.#stream, 'group', one.consumer))
    return one
  }

  #leave(): void {
    const one = pick([...this.#here.keys()])
    if (!one) return
    this.#here.get(one)!.disconnect(one.consumer)
    this.#here.delete(one)
  }

  /** Every message that a consumer has and has said nothing of is open with it. */
  #judge(count: number): void {
    const one = pick([...this.#here.keys()])
    const group = one && this.#here.get(one)!
    if (!group) return
    for (const message of one.received.splice(0, count)) {
      const chance = random()
      if (chance < 0.5) this.#ack(group, message)
      else if (chance < 0.6) {
        this.#settled.add(message.event!)
        group.nack([message.id], 'skip', '')
      } else group.nack([message.id], chance < 0.8 ? 'retry' : 'park', 'not today')
    }
  }

  #judgeAll(one: ReturnType<typeof consumer>): void {
    for (const message of one.received.splice(0)) this.#ack(this.#here.get(one)!, message)
  }

  #ack(group: Group, { id, event }: Message): void {
    this.#settled.add(event!)
    group.ack([id])
  }

  async #restarted(restart: () => Promise<void>): Promise<void> {
    await restart()
    for (const { dropped } of this.#here.keys()) assert.is(dropped[0]?.kind, 'dropped')
    this.#here.clear()
  }
}

test('through restarts, changes, refusals and replays every event is settled by somebody', async () => {
  for (let round = 0; round < (isLong ? 500 : 15); round++)
    await withGroups(async (fixture) => {
      const life = new Life(fixture)
      await life.create()
      for (let n = 0; n < 150; n++) await life.step()
      await life.end()
    })
})

test.run()
