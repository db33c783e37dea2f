import * as assert from 'uvu/assert'
import { collect, numbers, refused, streamName, type Test, type World } from './world.ts'

/** Where there are users. */
export function access(test: Test, world: () => World): void {
  function as(credentials: string) {
    const { connect, scheme, address } = world()
    return connect(`${scheme}://${credentials}${address.slice(address.indexOf('@') + 1)}`)
  }

  for (const [who, credentials] of [
    ['nobody', ''],
    ['somebody unknown', 'somebody:changeit@'],
    ['somebody with a wrong password', 'admin:wrong@'],
  ] as const) {
    test(`${who} is denied`, async () => {
      const { append, tick } = world()
      const client = as(credentials)
      const stream = streamName('denied')
      await refused(append(client, stream, tick(0)), 'access-denied')
      await refused(append(client, stream, tick(0), { credentials: { username: 'admin', password: 'no' } }), 'access-denied')
      await refused(collect(client.readStream(stream)), 'access-denied')
      await refused(client.deleteStream(stream), 'access-denied')
      await client.dispose()
    })
  }

  test('a list of access holds', async () => {
    const { client, append, write, tick } = world()
    const stream = streamName('listed')
    await write(stream, tick(0))
    await client.setStreamMetadata(stream, { acl: { readRoles: ['ops'], writeRoles: ['$admins'] } })
    const ops = as('ops:changeit@')
    assert.equal(numbers(await collect(ops.readStream(stream))), [0])
    await refused(append(ops, stream, tick(1)), 'access-denied')
    await refused(collect(ops.readAll({ maxCount: 1 })), 'access-denied')
    await ops.dispose()
  })
}
