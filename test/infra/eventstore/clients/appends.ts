import { randomUUID } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { Expectation } from './library.ts'
import { collect, numbers, refused, streamName, type Test, type World } from './world.ts'

const credentials = { username: 'admin', password: 'changeit' }

export function appends(test: Test, world: () => World): void {
  test('an append is told its revision, and the position under which it is read', async () => {
    const { write, tick, client } = world()
    const stream = streamName('append')
    const first = await write(stream, tick(0))
    const second = await write(stream, [tick(1), tick(2)])
    assert.is(first.success, true)
    assert.is(first.nextExpectedRevision, 0n)
    assert.is(second.nextExpectedRevision, 2n)
    const events = await collect(client.readStream(stream))
    assert.equal(numbers(events), [0, 1, 2])
    assert.is(events[0]!.event!.position!.commit, first.position!.commit)
    assert.is(events[2]!.event!.position!.commit, second.position!.commit)
  })

  test('what was written is what is read, JSON and bytes', async () => {
    const { write, client, jsonEvent, binaryEvent } = world()
    const stream = streamName('fields')
    const [id, before] = [randomUUID(), Date.now()]
    const data = { text: 'äöü € 🦆', nested: { list: [1, null, true] } }
    const bytes = Buffer.from([0, 255, 128, 10])
    await write(stream, [
      jsonEvent({ id, type: 'Größe', data, metadata: { by: 'me' } }),
      binaryEvent({ type: 'Bytes', data: bytes, metadata: Buffer.from([1, 2]) }),
    ])
    const [json, binary] = (await collect(client.readStream(stream))).map(({ event }) => event!)
    assert.is(json!.id, id)
    assert.is(json!.type, 'Größe')
    assert.is(json!.streamId, stream)
    assert.is(json!.isJson, true)
    assert.equal(json!.data, data)
    assert.equal(json!.metadata, { by: 'me' })
    const created = new Date(json!.created).getTime()
    assert.ok(created > before - 1_000 && created <= Date.now(), `created ${created}`) // one client gives whole seconds
    assert.is(binary!.isJson, false)
    assert.equal([...(binary!.data as Uint8Array)], [...bytes])
    assert.equal([...(binary!.metadata as Uint8Array)], [1, 2])
  })

  // Without credentials of its own an append takes BatchAppend, with them Append: the same rules by both ways.
  for (const [way, options] of [
    ['BatchAppend', {}],
    ['Append', { credentials }],
  ] as const) {
    test(`${way}: every expectation, met and not met`, async () => {
      const { write, tick, versionsOf } = world()
      const stream = streamName('expect')
      const attempt = (expecting: Expectation) => write(stream, tick(0), { expecting, ...options })
      const notMet = async (expecting: Expectation, actual: unknown) =>
        assert.equal(versionsOf(await refused(attempt(expecting), 'wrong-expected-version')), [expecting, actual])
      await notMet('stream_exists', 'no_stream')
      await notMet(0n, 'no_stream')
      assert.is((await attempt('no_stream')).nextExpectedRevision, 0n)
      await notMet('no_stream', 0n)
      await notMet(7n, 0n)
      assert.is((await attempt(0n)).nextExpectedRevision, 1n)
      assert.is((await attempt('stream_exists')).nextExpectedRevision, 2n)
      assert.is((await attempt('any')).nextExpectedRevision, 3n)
      await notMet(1n, 3n)
    })

    test(`${way}: the same append again is answered as the first was, and writes nothing`, async () => {
      const { write, tick, client } = world()
      const stream = streamName('again')
      const events = [tick(0), tick(1)]
      for (const expecting of ['no_stream', 'any'] as const) {
        const first = await write(stream, events, { expecting, ...options })
        await write(stream, tick(2))
        const again = await write(stream, events, { expecting, ...options })
        assert.is(again.nextExpectedRevision, first.nextExpectedRevision)
        assert.is(again.position!.commit, first.position!.commit)
      }
      assert.equal(numbers(await collect(client.readStream(stream))), [0, 1, 2, 2])
    })

    test(`${way}: more than a mebibyte of data is refused whole`, async () => {
      const { write, jsonEvent, client } = world()
      const stream = streamName('large')
      const large = () => jsonEvent({ type: 'Large', data: { text: 'x'.repeat(400_000) } })
      const error = await refused(write(stream, [large(), large(), large()], options), 'maximum-append-size-exceeded')
      assert.is(Number((error as unknown as { maxAppendSize: number }).maxAppendSize), 1_048_576)
      await refused(collect(client.readStream(stream)), 'stream-not-found')
      await write(stream, [large(), large()], options)
    })

    test(`${way}: no event is no error`, async () => {
      const { write, client } = world()
      const stream = streamName('nothing')
      assert.is((await write(stream, [], { expecting: 'no_stream', ...options })).success, true)
      await refused(collect(client.readStream(stream)), 'stream-not-found')
    })
  }

  test('a deadline that has passed is an error, and nothing is written', async () => {
    const { write, tick, client } = world()
    const stream = streamName('late')
    await refused(write(stream, tick(0), { deadline: -1_000 }), 'deadline-exceeded')
    await refused(collect(client.readStream(stream)), 'stream-not-found')
  })
}
