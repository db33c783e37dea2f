import * as assert from 'uvu/assert'
import { collect, numbers, streamName, type Test, type World } from './world.ts'

export function discovery(test: Test, world: () => World): void {
  const ways = [
    ['+discover', 'one host'],
    ['', 'several hosts'],
  ] as const
  for (const [discover, seeds] of ways) {
    test(`the node is found by its gossip, from ${seeds}`, async () => {
      const { scheme, connect, append, address, tick } = world()
      const [, credentials = '', host, options] = /^(.*@)?(.*)\?(.*)$/.exec(address)!
      const hosts = credentials + (seeds === 'one host' ? host : `${host!.replace(/:\d+$/, ':1')},${host}`)
      const client = connect(`${scheme}${discover}://${hosts}?${options}`)
      const stream = streamName('discovered')
      await append(client, stream, tick(7))
      assert.equal(numbers(await collect(client.readStream(stream))), [7])
      await client.dispose()
    })
  }
}
