import * as assert from 'uvu/assert'
import { collect, streamName, type Test, take, type World } from './world.ts'

export function links(test: Test, world: () => World): void {
  test('a link is followed by whoever asks for it, in reads and subscriptions', async () => {
    const { client, write, tick, binaryEvent } = world()
    const [target, list] = [streamName('target'), streamName('list')]
    await write(target, [tick(0), tick(1)])
    const link = (data: string) => binaryEvent({ type: '$>', data: Buffer.from(data) })
    await write(list, [link(`1@${target}`), link(`7@${target}`), link(`0@${target}`)])

    const check = (events: Awaited<ReturnType<typeof collect>>) => {
      assert.equal(
        events.map(({ event, link }) => [event && Number(event.revision), event?.streamId, Number(link!.revision), link!.streamId]),
        [
          [1, target, 0, list],
          [undefined, undefined, 1, list],
          [0, target, 2, list],
        ],
      )
    }
    check(await collect(client.readStream(list, { resolveLinkTos: true })))
    check(await take(client.subscribeToStream(list, { resolveLinkTos: true, fromRevision: 'start' }), 3))
    const [direct] = await collect(client.readStream(target, { fromRevision: 1n }))
    const [followed] = await collect(client.readStream(list, { resolveLinkTos: true, maxCount: 1 }))
    assert.equal(followed!.event, direct!.event)

    const plain = await collect(client.readStream(list))
    assert.equal(
      plain.map(({ event, link }) => [event!.type, event!.streamId, link]),
      [0, 1, 2].map(() => ['$>', list, undefined]),
    )
  })
}
