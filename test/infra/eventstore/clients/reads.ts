import * as assert from 'uvu/assert'
import { collect, numbers, refused, revisions, streamName, type Test, type World } from './world.ts'

export function reads(test: Test, world: () => World): void {
  async function stream(count: number): Promise<string> {
    const { write, tick } = world()
    const name = streamName('read')
    await write(
      name,
      Array.from({ length: count }, (_, n) => tick(n)),
    )
    return name
  }

  test('a stream is read in both directions, from anywhere, up to a limit', async () => {
    const { client } = world()
    const name = await stream(10)
    const read = async (options: Parameters<typeof client.readStream>[1]) =>
      numbers(await collect(client.readStream(name, options)))
    assert.equal(await read({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.equal(await read({ maxCount: 3 }), [0, 1, 2])
    assert.equal(await read({ fromRevision: 7n }), [7, 8, 9])
    assert.equal(await read({ fromRevision: 7n, maxCount: 2 }), [7, 8])
    assert.equal(await read({ fromRevision: 10n }), [])
    assert.equal(await read({ direction: 'backwards', fromRevision: 'end', maxCount: 2 }), [9, 8])
    assert.equal(await read({ direction: 'backwards', fromRevision: 2n }), [2, 1, 0])
    assert.equal(await read({ direction: 'backwards', fromRevision: 50n, maxCount: 1 }), [9])
    assert.equal(await read({ direction: 'backwards', fromRevision: 0n }), [0])
  })

  test('$all is read in both directions; a position is the first forwards, and the first not any more backwards', async () => {
    const { client } = world()
    const name = await stream(5)
    const positions = (await collect(client.readStream(name))).map(({ event }) => event!.position!)
    const own = async (options: Parameters<typeof client.readAll>[0]) =>
      revisions((await collect(client.readAll(options))).filter(({ event }) => event!.streamId === name))
    assert.equal(await own({}), [0, 1, 2, 3, 4])
    assert.equal(await own({ direction: 'backwards', fromPosition: 'end' }), [4, 3, 2, 1, 0])
    assert.equal(await own({ fromPosition: positions[2]!, maxCount: 2 }), [2, 3])
    assert.equal(await own({ direction: 'backwards', fromPosition: positions[2]!, maxCount: 2 }), [1, 0])
    assert.is((await collect(client.readAll({ maxCount: 3 }))).length, 3)
  })

  test('$all goes in one order, and has events of the system', async () => {
    const { client } = world()
    const events = await collect(client.readAll())
    assert.ok(events.some(({ event }) => event!.type.startsWith('$')))
    for (const [index, { event }] of events.entries())
      if (index > 0) assert.ok(event!.position!.commit > events[index - 1]!.event!.position!.commit)
  })

  test('a stream that was never written is not found, by name', async () => {
    const { client } = world()
    for (const direction of ['forwards', 'backwards'] as const) {
      const options = { direction, fromRevision: direction === 'forwards' ? 'start' : 'end' } as const
      const error = await refused(collect(client.readStream('never written', options)), 'stream-not-found')
      assert.is((error as unknown as { streamName: string }).streamName, 'never written')
    }
  })

  test('names of any alphabet, and long ones, are names', async () => {
    const { client, write, tick } = world()
    for (const name of [
      streamName('Übergröße-ß-'),
      streamName('倉庫-'),
      streamName(`${'long'.repeat(700)}-`),
      streamName('a b%20"-'),
    ]) {
      await write(name, tick(1))
      const [event] = await collect(client.readStream(name))
      assert.is(event!.event!.streamId, name)
    }
  })

  test('a reader that has enough breaks off, again and again', async () => {
    const { client } = world()
    const name = await stream(1_000)
    for (let time = 0; time < 20; time++) {
      for await (const { event } of client.readStream(name)) if (event!.revision === BigInt(time)) break
    }
    assert.is((await collect(client.readStream(name))).length, 1_000)
  })

  test('many readers at once', async () => {
    const { client } = world()
    const name = await stream(200)
    const all = await Promise.all(Array.from({ length: 50 }, () => collect(client.readStream(name))))
    for (const events of all) assert.is(events.length, 200)
  })
}
