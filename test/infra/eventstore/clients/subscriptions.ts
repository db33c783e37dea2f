import * as assert from 'uvu/assert'
import { eventually } from '../support.ts'
import type { Filter, Position, ResolvedEvent } from './library.ts'
import { collect, confirmed, numbers, refused, revisions, streamName, type Test, take, type World } from './world.ts'

const before = ({ commit, prepare }: Position): Position => ({ commit: commit - 1n, prepare: prepare - 1n })

export function subscriptions(test: Test, world: () => World): void {
  test('a subscription to a stream brings its history, says so, and then what comes', async () => {
    const { client, write, tick } = world()
    const stream = streamName('live')
    await write(stream, [tick(0), tick(1)])
    const subscription = client.subscribeToStream(stream, { fromRevision: 'start' })
    const heard: number[] = []
    let [confirmations, historyEnds] = [0, -1]
    subscription.on('confirmation', () => confirmations++)
    subscription.on('caughtUp', () => (historyEnds = heard.length))
    subscription.on('data', ({ event }) => heard.push(Number(event!.revision)))
    await eventually(() => historyEnds === 2, 'the history was told')
    await write(stream, [tick(2), tick(3)])
    await write(stream, tick(4))
    await eventually(() => heard.length === 5, 'what came was told')
    assert.equal(heard, [0, 1, 2, 3, 4])
    assert.is(confirmations, 1)
    await subscription.unsubscribe()
  })

  test('a subscription begins after a revision, and at the end with what is written then', async () => {
    const { client, write, tick } = world()
    const stream = streamName('begin')
    await write(stream, [tick(0), tick(1), tick(2)])
    assert.equal(numbers(await take(client.subscribeToStream(stream, { fromRevision: 0n }), 2)), [1, 2])
    const atEnd = client.subscribeToStream(stream, { fromRevision: 'end' })
    await confirmed(atEnd)
    await write(stream, tick(3))
    assert.equal(numbers(await take(atEnd, 1)), [3])
  })

  test('a stream that is not there yet can be subscribed to', async () => {
    const { client, write, tick } = world()
    const stream = streamName('not-yet')
    const subscription = client.subscribeToStream(stream, { fromRevision: 'start' })
    await confirmed(subscription)
    await write(stream, tick(0))
    assert.equal(numbers(await take(subscription, 1)), [0])
  })

  test('a tombstone ends a subscription, and refuses new ones', async () => {
    const { client, write, tick } = world()
    const stream = streamName('ended')
    await write(stream, tick(0))
    const subscription = client.subscribeToStream(stream, { fromRevision: 'start' })
    const heard: string[] = []
    const ended = refused(
      (async () => {
        for await (const { event } of subscription) heard.push(event!.type)
      })(),
      'stream-deleted',
    )
    await eventually(() => heard.length === 1, 'the history was told')
    await client.tombstoneStream(stream)
    await ended
    assert.equal(heard, ['Ticked', '$streamDeleted'])
    await refused(take(client.subscribeToStream(stream), 1), 'stream-deleted')
  })

  test('a subscription to $all goes on after the last position that was handled', async () => {
    const { client, write, tick, streamNameFilter } = world()
    const prefix = streamName('resumed')
    const filter = streamNameFilter({ prefixes: [prefix] })
    for (let n = 0; n < 30; n++) await write(`${prefix}-${n % 3}`, tick(n))
    const heard: number[] = []
    let position: Position | undefined
    while (heard.length < 30) {
      const subscription = client.subscribeToAll({ fromPosition: position ?? 'start', filter })
      for (const { event } of await take(subscription, 10)) {
        heard.push((event!.data as { n: number }).n)
        position = event!.position!
      }
    }
    assert.equal(
      heard,
      Array.from({ length: 30 }, (_, n) => n),
    )
  })

  test('filters choose by stream or by type, by prefix or by pattern', async () => {
    const { client, write, tick, streamNameFilter, eventTypeFilter, excludeSystemEvents } = world()
    const mark = streamName('filtered')
    const start = await write(`${mark}-a`, tick(0, `${mark}One`))
    await write(`${mark}-b`, tick(1, `${mark}Two`))
    await client.setStreamMetadata(`${mark}-a`, { maxCount: 5 })
    await write(`${mark}-a`, tick(2, `${mark}Two`))
    const fromPosition = before(start.position!)
    const chosen = async (filter: Filter, count: number) =>
      numbers(await take(client.subscribeToAll({ fromPosition, filter }), count))
    assert.equal(await chosen(streamNameFilter({ prefixes: [`${mark}-a`] }), 2), [0, 2])
    assert.equal(await chosen(streamNameFilter({ regex: `^${mark}-[b-z]` }), 1), [1])
    assert.equal(await chosen(eventTypeFilter({ prefixes: [`${mark}T`, `${mark}O`] }), 3), [0, 1, 2])
    assert.equal(await chosen(eventTypeFilter({ regex: 'Two$' }), 2), [1, 2])
    assert.equal(await chosen(excludeSystemEvents(), 3), [0, 1, 2])
  })

  test('a filtered subscription is told checkpoints, from which another goes on', async () => {
    const { client, write, tick, streamNameFilter } = world()
    const [wanted, other] = [streamName('wanted'), streamName('other')]
    const checkpoints: Position[] = []
    const filter = streamNameFilter({
      prefixes: [wanted],
      maxSearchWindow: 10,
      checkpointInterval: 2,
      checkpointReached: (_, position) => void checkpoints.push(position),
    })
    const { position } = await write(wanted, tick(0))
    await write(
      other,
      Array.from({ length: 100 }, (_, n) => tick(n)),
    )
    const subscription = client.subscribeToAll({ fromPosition: before(position!), filter })
    const heard: ResolvedEvent[] = []
    subscription.on('data', (event) => heard.push(event))
    await eventually(() => checkpoints.length >= 5, 'checkpoints were told')
    await subscription.unsubscribe()
    assert.equal(numbers(heard), [0])
    for (const [index, { commit }] of checkpoints.entries()) if (index > 0) assert.ok(commit >= checkpoints[index - 1]!.commit)
    await write(wanted, tick(1))
    const next = client.subscribeToAll({ fromPosition: checkpoints.at(-1)!, filter: streamNameFilter({ prefixes: [wanted] }) })
    assert.equal(numbers(await take(next, 1)), [1])
  })

  test('who unsubscribes hears no more, and the connection goes on', async () => {
    const { client, write, tick } = world()
    const stream = streamName('left')
    const subscription = client.subscribeToStream(stream, { fromRevision: 'start' })
    const heard: ResolvedEvent[] = []
    subscription.on('data', (event) => heard.push(event))
    await write(stream, tick(0))
    await eventually(() => heard.length === 1, 'one was told')
    await subscription.unsubscribe()
    await write(stream, tick(1))
    assert.equal(revisions(await collect(client.readStream(stream))), [0, 1])
    assert.is(heard.length, 1)
  })

  test('several subscriptions over one connection hear the same in the same order', async () => {
    const { client, write, tick, streamNameFilter } = world()
    const prefix = streamName('fan')
    const filter = streamNameFilter({ prefixes: [prefix] })
    const open = Array.from({ length: 10 }, () => client.subscribeToAll({ fromPosition: 'end', filter }))
    await Promise.all(open.map(confirmed))
    const heard = Promise.all(open.map((subscription) => take(subscription, 100)))
    await Promise.all(Array.from({ length: 100 }, (_, n) => write(`${prefix}-${n % 7}`, tick(n))))
    const [first, ...others] = (await heard).map(numbers)
    assert.is(new Set(first).size, 100)
    for (const other of others) assert.equal(other, first)
  })
}
