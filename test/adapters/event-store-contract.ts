import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Appended,
  AppendOutcomeUnknown,
  type EventStore,
  type ExpectedRevision,
  LogDiverged,
  type LogMessage,
  type LogPlace,
  type NewEvent,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../../commands/ports.ts'
import type { RecordedEvent } from '../../domain/event.ts'

/** A store to be tested, and how to reach it. */
export interface Engine {
  /** A client of the store; times are generous, because a busy machine must not look like a store that is away. */
  connect(namespace: string): EventStore
  /** A client that gives up soon, for tests that wait for that. */
  connectImpatiently(namespace: string): EventStore
  /** What can be done to it; undefined for a store that is not ours to break. */
  readonly faults: Faults | undefined
  close(): Promise<void>
}

export interface Faults {
  goAway(): Promise<void>
  comeBack(): Promise<void>
  /** Breaks every connection once. */
  cut(): void
  /** Runs `append`; what the store answers to it never arrives. */
  loseReply(append: () => Promise<Appended>): Promise<Appended>
  /** Runs `append`, which never reaches the store. */
  loseRequest(append: () => Promise<Appended>): Promise<Appended>
  /** Replaces the store by one that holds the first `count` events of `namespace` and nothing else of it. */
  restore(namespace: string, count: number): Promise<void>
}

/** The tests that every `EventStore` has to pass, as a suite to be run; those of faults only where an engine has them. */
export function eventStoreContract(name: string, breakable: 'breakable' | 'not breakable', start: () => Promise<Engine>) {
  const contract = suite(name)
  let engine: Engine
  let namespace: string
  let stores: EventStore[] = []

  contract.before(async () => {
    engine = await start()
  })
  contract.before.each(() => {
    namespace = `t${randomUUID().slice(0, 8)}`
  })
  contract.after.each(async () => {
    await Promise.all(stores.map((store) => store.close()))
    stores = []
  })
  contract.after(() => engine.close())

  function open(of = namespace, how: 'patiently' | 'impatiently' = 'patiently'): EventStore {
    const store = how === 'patiently' ? engine.connect(of) : engine.connectImpatiently(of)
    stores.push(store)
    return store
  }

  contract("an append tells the last event's revision and position, and reading gives back what was written", async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    const events = [event('First', { n: 1 }), event('Second', { n: 2 })]
    const before = Date.now() - 60_000
    const appended = await store.append(stream, 'no_stream', events)
    assert.is(appended.revision, 1)
    const read = await all(store.readStream(stream))
    assert.equal(read.map(asNew), events)
    assert.equal(
      read.map(({ stream, revision }) => ({ stream, revision })),
      [0, 1].map((revision) => ({ stream, revision })),
    )
    assert.is(read[1]!.position, appended.position)
    assert.ok(read[0]!.position < read[1]!.position)
    assert.ok(read[0]!.created.getTime() > before)
    const next = await store.append(stream, 1, [event()])
    assert.is(next.revision, 2)
    assert.ok(next.position > appended.position)
  })

  contract('a wrong expectation is refused with the actual revision, and nothing is written', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    assert.equal(await refused(store.append(stream, 0, [event()])), { expected: 0, actual: 'no_stream' })
    await store.append(stream, 'no_stream', [event(), event(), event()])
    assert.equal(await refused(store.append(stream, 'no_stream', [event()])), { expected: 'no_stream', actual: 2 })
    assert.equal(await refused(store.append(stream, 1, [event(), event()])), { expected: 1, actual: 2 })
    assert.equal(await refused(store.append(stream, 3, [event()])), { expected: 3, actual: 2 })
    assert.is((await all(store.readStream(stream))).length, 3)
  })

  contract('the same events at the same expected revision succeed again with the first answer', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    const [first, second] = [[event(), event()], [event()]]
    const answers = [await store.append(stream, 'no_stream', first), await store.append(stream, 1, second)]
    assert.equal(await store.append(stream, 'no_stream', first), answers[0])
    assert.equal(await store.append(stream, 1, second), answers[1])
    assert.equal(await store.append(stream, 'no_stream', first.slice(0, 1)), {
      revision: 0,
      position: (await all(store.readStream(stream)))[0]!.position,
    })
    await refused(store.append(stream, 'no_stream', [first[0]!, event()]))
    await refused(store.append(stream, 'no_stream', [...first, ...second, event()]))
    assert.is((await all(store.readStream(stream))).length, 3)
  })

  contract('of appends that race for one revision one wins', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    for (let expected: ExpectedRevision = 'no_stream', round = 0; round < 5; round += 1) {
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => store.append(stream, expected, [event()])))
      assert.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.instance(outcome.reason, WrongExpectedRevision)
      expected = round
    }
  })

  contract('many callers append to streams of their own at once', async () => {
    const store = open()
    const appended = await Promise.all(
      Array.from({ length: 64 }, async (_, n) => {
        const stream = `${namespace}_node-${n}`
        await store.append(stream, 'no_stream', [event()])
        return store.append(stream, 0, [event()])
      }),
    )
    assert.is(new Set(appended.map(({ position }) => position)).size, 64)
    assert.is((await all(store.readAll())).length, 128)
  })

  contract('a stream is read from either end, from a revision, up to a limit', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    await store.append(
      stream,
      'no_stream',
      Array.from({ length: 10 }, () => event()),
    )
    const revisions = async (options: Parameters<EventStore['readStream']>[1]) =>
      (await all(store.readStream(stream, options))).map(({ revision }) => revision)
    assert.equal(await revisions({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.equal(await revisions({ from: 7 }), [7, 8, 9])
    assert.equal(await revisions({ from: 2, limit: 3 }), [2, 3, 4])
    assert.equal(await revisions({ from: 10 }), [])
    assert.equal(await revisions({ limit: 0 }), [])
    assert.equal(await revisions({ direction: 'backwards', limit: 3 }), [9, 8, 7])
    assert.equal(await revisions({ direction: 'backwards', from: 2 }), [2, 1, 0])
    assert.equal(await revisions({ direction: 'backwards', from: 0 }), [0])
    assert.equal(await revisions({ direction: 'backwards', from: 99, limit: 2 }), [9, 8])
  })

  contract('a stream that is not there has no events', async () => {
    const store = open()
    assert.equal(await all(store.readStream(`${namespace}_node-none`)), [])
    assert.equal(await all(store.readStream(`${namespace}_node-none`, { direction: 'backwards', limit: 1 })), [])
    assert.equal(await all(store.readStream(`${namespace}_node-none`, { from: 5 })), [])
  })

  contract('thousands of short reads at once are all answered', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    await store.append(stream, 'no_stream', [event()])
    const options = { direction: 'backwards', limit: 32 } as const
    const reader = async () => {
      for (let n = 0; n < 50; n++) {
        assert.is((await all(store.readStream(stream, options))).length, 1)
        assert.is((await all(store.readStream(`${namespace}_node-absent`, options))).length, 0)
      }
    }
    await Promise.all(Array.from({ length: 40 }, reader))
  })

  contract('a reader that stops early leaves the store usable', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    await store.append(
      stream,
      'no_stream',
      Array.from({ length: 600 }, () => event()),
    )
    for (let round = 0; round < 20; round += 1) {
      for await (const { revision } of store.readStream(stream)) if (revision === round) break
      for await (const { revision } of store.readAll()) if (revision === round) break
    }
    assert.is((await all(store.readStream(stream))).length, 600)
  })

  contract('what belongs to another namespace is an error to ask for, and never seen', async () => {
    const [store, longer, suffix] = [open(), open(`${namespace}net`), open(`a${namespace}`)]
    await assertRejects(store.append(`${namespace}net_node-1`, 'no_stream', [event()]), RangeError)
    await assertRejects(all(store.readStream(`a${namespace}_node-1`)), RangeError)
    await assertRejects(store.append('$settings', 'no_stream', [event()]), RangeError)
    await longer.append(`${namespace}net_node-1`, 'no_stream', [event('Foreign')])
    assert.is(await store.head(), undefined)
    await store.append(`${namespace}_node-1`, 'no_stream', [event('Own')])
    await suffix.append(`a${namespace}_node-1`, 'no_stream', [event('Foreign')])
    assert.equal(
      (await all(store.readAll())).map(({ type }) => type),
      ['Own'],
    )
    assert.is((await store.head())!.eventId, (await all(store.readAll()))[0]!.id)
    const seen = await until(store, undefined, (messages) => messages.some(({ kind }) => kind === 'caughtUp'))
    assert.equal(types(seen), ['Own'])
    assert.equal(types(await until(longer, undefined, (messages) => messages.some(({ kind }) => kind === 'caughtUp'))), ['Foreign'])
  })

  contract('an append of nothing is an error', async () => {
    await assertRejects(open().append(`${namespace}_node-1`, 'no_stream', []), RangeError)
  })

  contract('text in any script and every shape of JSON come back as they were', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    const data = {
      text: 'Grüße, 世界, 🦆, \u0001 \u2028 "quoted" \\ \n',
      '🔑': { nested: [[], {}, [null, true, false]] },
      numbers: [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      empty: '',
    }
    const events = [
      event('Object', data),
      ...[null, [], 'text', 7, false].map((value) => ({ ...event('Bare'), data: value })),
      { ...event('Metadata'), metadata: data },
    ]
    await store.append(stream, 'no_stream', events)
    assert.equal((await all(store.readStream(stream))).map(asNew), events)
    assert.equal((await all(store.readAll())).map(asNew), events)
  })

  contract('big events and big appends pass, and one that is too big is refused whole', async () => {
    const store = open()
    const stream = `${namespace}_node-1`
    const big = () => event('Big', { text: '🦆'.repeat(15_000) })
    await store.append(stream, 'no_stream', Array.from({ length: 15 }, big))
    await assertRejects(store.append(stream, 14, Array.from({ length: 30 }, big)), RangeError)
    await assertRejects(store.append(stream, 14, Array.from({ length: 300 }, big)), RangeError)
    await store.append(stream, 14, [event('Small')])
    const read = await all(store.readAll())
    assert.is(read.length, 16)
    assert.equal(read[0]!.data, { text: '🦆'.repeat(15_000) })
  })

  contract('the whole log is read in the order of its writing, from the beginning or behind a place', async () => {
    const store = open()
    const written = await fill(store, namespace, 50)
    const read = await all(store.readAll())
    assert.equal(
      read.map(({ id }) => id),
      written,
    )
    assertOrdered(read)
    for (const index of [0, 17, 49])
      assert.equal(
        (await all(store.readAll({ after: placeOf(read[index]!) }))).map(({ id }) => id),
        written.slice(index + 1),
      )
    assert.equal(await store.head(), placeOf(read.at(-1)!))
  })

  contract('reading the whole log ends at what was its end, however much is appended meanwhile', async () => {
    const store = open()
    await fill(store, namespace, 20)
    let seen = 0
    for await (const _ of store.readAll()) {
      seen += 1
      if (seen <= 20) await store.append(`${namespace}_late-${seen}`, 'no_stream', [event()])
    }
    assert.is(seen, 20)
  })

  contract('an empty log has no head, no events, and a subscription that has caught up', async () => {
    const store = open()
    assert.is(await store.head(), undefined)
    assert.equal(await all(store.readAll()), [])
    const seen = await until(store, undefined, (messages) => messages.some(({ kind }) => kind === 'caughtUp'))
    assert.equal(types(seen), [])
  })

  contract('a place that the log does not hold is told apart from an unreachable store', async () => {
    const store = open()
    await fill(store, namespace, 5)
    const head = (await store.head())!
    const places = [
      { ...head, eventId: randomUUID() },
      { position: head.position + 1_000_000n, eventId: randomUUID() },
      { position: head.position + 1n, eventId: head.eventId },
    ]
    for (const after of places) {
      await assertRejects(all(store.readAll({ after })), LogDiverged)
      await assertRejects(
        until(store, after, () => false),
        LogDiverged,
      )
    }
    assert.equal(await all(store.readAll({ after: head })), [])
  })

  contract('a subscription tells the past, that it has caught up, and then each event as it comes', async () => {
    const store = open()
    const past = await fill(store, namespace, 30)
    const live: string[] = []
    const seen = await until(
      store,
      undefined,
      (messages) => messages.filter(({ kind }) => kind === 'event').length === 40,
      async ({ kind }) => {
        if (kind === 'caughtUp' && !live.length) live.push(...(await fill(store, namespace, 10)))
      },
    )
    assert.equal(ids(seen), [...past, ...live])
    const caughtUp = seen.findIndex(({ kind }) => kind === 'caughtUp')
    assert.is(seen.slice(0, caughtUp).filter(({ kind }) => kind === 'event').length, 30)
    assertOrdered(eventsOf(seen))
  })

  contract('a subscription behind a place begins with the next event', async () => {
    const store = open()
    const written = await fill(store, namespace, 12)
    const place = placeOf((await all(store.readAll()))[6]!)
    const seen = await until(store, place, (messages) => messages.some(({ kind }) => kind === 'caughtUp'))
    assert.equal(ids(seen), written.slice(7))
    const atHead = await store.head()
    const later: string[] = []
    const more = await until(
      store,
      atHead,
      (messages) => messages.some(({ kind }) => kind === 'event'),
      async ({ kind }) => {
        if (kind === 'caughtUp' && !later.length) later.push(...(await fill(store, namespace, 1)))
      },
    )
    assert.equal(ids(more), later)
  })

  contract('a subscription gets past events of others', async () => {
    const [store, other] = [open(), open(`o${namespace}`)]
    await fill(store, namespace, 3)
    const own = (await store.head())!
    for (let n = 0; n < 4; n += 1)
      await other.append(
        `o${namespace}_node-${n}`,
        'no_stream',
        Array.from({ length: 200 }, () => event()),
      )
    const seen = await until(store, undefined, (messages) =>
      messages.some((message) => message.kind === 'passed' && message.position > own.position),
    )
    const passed = seen.flatMap((message) => (message.kind === 'passed' ? [message.position] : []))
    assert.equal(
      passed,
      [...new Set(passed)].sort((a, b) => Number(a - b)),
    )
    assert.is(ids(seen).length, 3)
    assert.equal(await store.head(), own)
  })

  contract('a slow consumer loses nothing', async () => {
    const store = open()
    const written = await fill(store, namespace, 1_500, 100)
    let taken = 0
    const seen = await until(
      store,
      undefined,
      (messages) => messages.some(({ kind }) => kind === 'caughtUp'),
      async () => {
        if (taken++ % 200 === 0) await sleep(20)
      },
    )
    assert.equal(ids(seen), written)
  })

  contract('a signal ends a subscription with its own reason: before, between and while nothing comes', async () => {
    const store = open()
    await fill(store, namespace, 3)
    const reason = new Error('enough')
    await assertRejectsWith(all(store.subscribe({ signal: AbortSignal.abort(reason) })), reason)
    await assertRejectsWith(all(store.readAll({ signal: AbortSignal.abort(reason) })), reason)
    const between = new AbortController()
    await assertRejectsWith(
      (async () => {
        for await (const _ of store.subscribe({ signal: between.signal })) between.abort(reason)
      })(),
      reason,
    )
    const reading = new AbortController()
    await assertRejectsWith(
      (async () => {
        for await (const _ of store.readAll({ signal: reading.signal })) reading.abort(reason)
      })(),
      reason,
    )
    const idle = new AbortController()
    await assertRejectsWith(
      (async () => {
        for await (const { kind } of store.subscribe({ signal: idle.signal }))
          if (kind === 'caughtUp') setTimeout(() => idle.abort(reason), 50)
      })(),
      reason,
    )
  })

  contract('a consumer may leave a subscription at any message', async () => {
    const store = open()
    await fill(store, namespace, 10)
    for (let stop = 1; stop <= 11; stop += 1) {
      let seen = 0
      for await (const _ of store.subscribe({ signal: new AbortController().signal })) if (++seen === stop) break
    }
    await store.ping()
  })

  contract('closing ends what is open and refuses what comes after', async () => {
    const store = open()
    await fill(store, namespace, 2)
    const waiting = until(store, undefined, () => false)
    waiting.catch(() => {})
    await sleep(50)
    await store.close()
    await assertRejects(waiting, StoreUnavailable)
    await assertRejects(store.append(`${namespace}_node-1`, 'no_stream', [event()]), StoreUnavailable)
    await assertRejects(all(store.readStream(`${namespace}_node-1`)), StoreUnavailable)
    await assertRejects(all(store.readAll()), StoreUnavailable)
    await assertRejects(store.head(), StoreUnavailable)
    await assertRejects(store.ping(), StoreUnavailable)
    await assertRejects(
      until(store, undefined, () => false),
      StoreUnavailable,
    )
    await store.close()
  })

  const faulty = (what: string, test: (faults: Faults) => Promise<void>) => {
    if (breakable === 'breakable') contract(what, () => test(engine.faults!))
  }

  faulty('while the store is away every call says so within three seconds, and afterwards all goes on', async (faults) => {
    const store = open()
    const stream = `${namespace}_node-1`
    await store.append(stream, 'no_stream', [event()])
    await faults.goAway()
    try {
      const started = performance.now()
      for (let round = 0; round < 3; round += 1) {
        await assertRejectsOneOf(
          store.append(stream, 0, [event('Lost')]),
          round ? [StoreUnavailable] : [StoreUnavailable, AppendOutcomeUnknown],
        )
        await assertRejects(all(store.readStream(stream)), StoreUnavailable)
        await assertRejects(all(store.readAll()), StoreUnavailable)
        await assertRejects(store.head(), StoreUnavailable)
        await assertRejects(store.ping(), StoreUnavailable)
      }
      assert.ok(performance.now() - started < 15_000, 'fifteen calls together took long')
    } finally {
      await faults.comeBack()
    }
    await eventually(() => store.ping())
    await store.append(stream, 0, [event()])
    assert.is((await all(store.readStream(stream))).length, 2)
  })

  faulty("a subscription outlives the store's absence without gap or repetition", async (faults) => {
    const store = open()
    const written = await fill(store, namespace, 5)
    let away = 0
    const seen = await until(
      store,
      undefined,
      (messages) => messages.filter(({ kind }) => kind === 'event').length === 11,
      async ({ kind }) => {
        if (kind !== 'caughtUp' || away === 3) return
        away += 1
        await faults.goAway()
        await sleep(100)
        await faults.comeBack()
        await eventually(() => store.ping())
        written.push(...(await fill(store, namespace, 2)))
      },
    )
    assert.equal(ids(seen), written)
    assert.ok(seen.filter(({ kind }) => kind === 'caughtUp').length >= 3)
  })

  faulty('a store that is away when a subscription begins is waited for', async (faults) => {
    const store = open()
    await faults.goAway()
    const seen = until(store, undefined, (messages) => messages.some(({ kind }) => kind === 'caughtUp'))
    await sleep(200)
    await faults.comeBack()
    assert.equal(types(await seen), [])
  })

  faulty('through broken connections everything is written once and told once, in order', async (faults) => {
    const [store, reader] = [open(), open()]
    const rounds = process.env.SCALE === 'long' ? 200 : 8
    const written: string[] = []
    const writing = (async () => {
      for (let n = 0; n < rounds * 10; n += 1) {
        const next = event('Counted', { n })
        await persistently(store, `${namespace}_node-1`, n === 0 ? 'no_stream' : n - 1, [next])
        written.push(next.id)
      }
    })()
    const cutting = (async () => {
      for (let round = 0; round < rounds; round += 1) {
        await sleep(60)
        faults.cut()
      }
    })()
    const seen = await until(
      reader,
      undefined,
      (messages) => messages.filter(({ kind }) => kind === 'event').length === rounds * 10,
    )
    await Promise.all([writing, cutting])
    assert.equal(ids(seen), written)
    assert.equal(
      (await eventually(() => all(store.readAll()))).map(({ id }) => id),
      written,
    )
  })

  faulty('an append whose answer is lost has happened, and sending it again says so', async (faults) => {
    const store = open(namespace, 'impatiently')
    const stream = `${namespace}_node-1`
    const events = [event(), event()]
    await eventually(() => store.ping())
    await assertRejects(
      faults.loseReply(() => store.append(stream, 'no_stream', events)),
      AppendOutcomeUnknown,
    )
    assert.is((await persistently(store, stream, 'no_stream', events)).revision, 1)
    assert.equal((await eventually(() => all(store.readStream(stream)))).map(asNew), events)
  })

  faulty('an append that is lost on its way has not happened, and sending it again does it', async (faults) => {
    const store = open(namespace, 'impatiently')
    const stream = `${namespace}_node-1`
    const events = [event(), event()]
    await eventually(() => store.ping())
    await assertRejects(
      faults.loseRequest(() => store.append(stream, 'no_stream', events)),
      AppendOutcomeUnknown,
    )
    assert.equal(await eventually(() => all(store.readStream(stream))), [])
    assert.is((await persistently(store, stream, 'no_stream', events)).revision, 1)
  })

  faulty('a subscription under which the store is replaced by an older copy stops', async (faults) => {
    const store = open()
    const written = await fill(store, namespace, 6)
    const place = placeOf((await all(store.readAll()))[5]!)
    let replaced = false
    await assertRejects(
      until(
        store,
        undefined,
        () => false,
        async ({ kind }) => {
          if (kind !== 'caughtUp' || replaced) return
          replaced = true
          await faults.restore(namespace, 3)
        },
      ),
      LogDiverged,
    )
    assert.equal(
      (await eventually(() => all(store.readAll()))).map(({ id }) => id),
      written.slice(0, 3),
    )
    await assertRejects(all(store.readAll({ after: place })), LogDiverged)
    await fill(store, namespace, 6)
    await assertRejects(all(store.readAll({ after: place })), LogDiverged)
  })

  faulty('a subscription under which the store is emptied stops', async (faults) => {
    const store = open()
    await fill(store, namespace, 2)
    let replaced = false
    await assertRejects(
      until(
        store,
        undefined,
        () => false,
        async ({ kind }) => {
          if (kind !== 'caughtUp' || replaced) return
          replaced = true
          await faults.restore(namespace, 0)
        },
      ),
      LogDiverged,
    )
  })

  return contract
}

/** A new event with an id of its own. */
export function event(type = 'Happened', data: NewEvent['data'] = { by: 'test' }): NewEvent {
  return { id: randomUUID(), type, data, metadata: { commandId: randomUUID() } }
}

/** Appends `count` events to three streams in turn and gives their ids in the order of the log. */
export async function fill(store: EventStore, namespace: string, count: number, batch = 1): Promise<string[]> {
  const written: string[] = []
  const run = randomUUID().slice(0, 8)
  const next = [0, 0, 0]
  for (let n = 0; written.length < count; n += 1) {
    const events = Array.from({ length: Math.min(batch, count - written.length) }, () => event())
    const at = next[n % 3]!
    await store.append(`${namespace}_fill-${run}-${n % 3}`, at === 0 ? 'no_stream' : at - 1, events)
    next[n % 3] = at + events.length
    written.push(...events.map(({ id }) => id))
  }
  return written
}

/** Messages of a subscription until `enough` of them. */
export async function until(
  store: EventStore,
  after: LogPlace | undefined,
  enough: (messages: readonly LogMessage[]) => boolean,
  each: (message: LogMessage) => Promise<void> = async () => {},
): Promise<LogMessage[]> {
  const messages: LogMessage[] = []
  const { signal } = new AbortController()
  for await (const message of store.subscribe(after ? { after, signal } : { signal })) {
    messages.push(message)
    await each(message)
    if (enough(messages)) return messages
  }
  throw new Error('a subscription ended by itself')
}

/** Appends as a command handler would: again, with the same events, as long as the outcome is not known. */
export function persistently(
  store: EventStore,
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): Promise<Appended> {
  return eventually(() => store.append(stream, expected, events))
}

/** Tries until the store is there again; waits at most half a minute. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const giveUp = performance.now() + 30_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof StoreUnavailable || error instanceof AppendOutcomeUnknown) || performance.now() > giveUp) throw error
      await sleep(20)
    }
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export const eventsOf = (messages: readonly LogMessage[]): RecordedEvent[] =>
  messages.flatMap((message) => (message.kind === 'event' ? [message.event] : []))

export const ids = (messages: readonly LogMessage[]) => eventsOf(messages).map(({ id }) => id)

const types = (messages: readonly LogMessage[]) => eventsOf(messages).map(({ type }) => type)

const asNew = ({ id, type, data, metadata }: RecordedEvent): NewEvent => ({ id, type, data, metadata })

const placeOf = ({ position, id }: RecordedEvent): LogPlace => ({ position, eventId: id })

function assertOrdered(events: readonly RecordedEvent[]): void {
  for (let index = 1; index < events.length; index += 1) assert.ok(events[index - 1]!.position < events[index]!.position)
}

/** What the refusal of an append says; fails when it is not refused for its expectation. */
async function refused(append: Promise<unknown>): Promise<{ expected: ExpectedRevision; actual: ExpectedRevision | undefined }> {
  const error = await append.then(
    () => undefined,
    (reason) => reason,
  )
  assert.instance(error, WrongExpectedRevision)
  return { expected: error.expected, actual: error.actual }
}

type ErrorClass = new (...args: never[]) => Error

export async function assertRejects(promise: Promise<unknown>, kind: ErrorClass): Promise<Error> {
  return assertRejectsOneOf(promise, [kind])
}

async function assertRejectsOneOf(promise: Promise<unknown>, kinds: readonly ErrorClass[]): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  const expected = kinds.map(({ name }) => name).join(' or ')
  assert.ok(
    kinds.some((kind) => error instanceof kind),
    `expected ${expected}, got ${error instanceof Error ? error.stack : error}`,
  )
  return error
}

async function assertRejectsWith(promise: Promise<unknown>, reason: unknown): Promise<void> {
  assert.is(
    await promise.then(
      () => undefined,
      (error) => error,
    ),
    reason,
  )
}
