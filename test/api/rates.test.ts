import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rateLimits } from '../../api/rates.ts'
import { newSigner, startApi } from './harness.ts'

const rates = suite('api/rates')

function clocked(limits: Parameters<typeof rateLimits>[0]) {
  const clock = { now: new Date('2026-01-01T00:00:00.000Z') }
  const limitOf = rateLimits(limits, () => clock.now)
  return {
    forward: (seconds: number) => {
      clock.now = new Date(clock.now.getTime() + seconds * 1000)
    },
    /** Whether one more is taken; if so it counts. */
    take(type: string, key: string, address: string) {
      const limit = limitOf({ type, key }, address)
      try {
        limit.check()
      } catch (error) {
        return (error as { details: object }).details
      }
      limit.spend()
      return 'taken'
    },
  }
}

rates('an address opens as many as it may, and more as time goes by', () => {
  const { take, forward } = clocked({ openingsPerMinute: 3, commandsPerMinute: 0 })
  const open = (address: string) => take('OpenWallet', randomUUID(), address)
  assert.equal([open('192.0.2.1'), open('192.0.2.1'), open('::ffff:192.0.2.1')], ['taken', 'taken', 'taken'])
  assert.equal(open('192.0.2.1'), { by: 'address', perMinute: 3, retryAfterSeconds: 20 })
  assert.is(open('192.0.2.2'), 'taken')
  assert.is(take('Transfer', 'a', '192.0.2.1'), 'taken')
  forward(20)
  assert.is(open('192.0.2.1'), 'taken')
  assert.not.equal(open('192.0.2.1'), 'taken')
  forward(3600)
  assert.equal(
    [1, 2, 3].map(() => open('192.0.2.1')),
    ['taken', 'taken', 'taken'],
  )
  assert.not.equal(open('192.0.2.1'), 'taken')
})

rates('whoever has an IPv6 network has one share, however the address is written', () => {
  const { take } = clocked({ openingsPerMinute: 1, commandsPerMinute: 0 })
  const open = (address: string) => take('RegisterNode', randomUUID(), address) === 'taken'
  assert.equal([open('2001:db8::1'), open('2001:db8:0:0:1::'), open('2001:db8:0:1::1')], [true, false, true])
})

rates('a key has its share of all but heartbeats, whatever its address', () => {
  const { take } = clocked({ openingsPerMinute: 0, commandsPerMinute: 1 })
  assert.is(take('Transfer', 'a', '192.0.2.1'), 'taken')
  assert.equal(take('PlaceHold', 'a', '192.0.2.2'), { by: 'key', perMinute: 1, retryAfterSeconds: 60 })
  assert.equal([take('RecordHeartbeat', 'a', 'x'), take('Transfer', 'b', '192.0.2.1')], ['taken', 'taken'])
})

rates('no limit, and what is no envelope', () => {
  const { take } = clocked({ openingsPerMinute: 0, commandsPerMinute: 0 })
  for (let n = 0; n < 100; n++) assert.is(take('OpenWallet', 'a', '192.0.2.1'), 'taken')
  rateLimits({ openingsPerMinute: 1, commandsPerMinute: 1 }, () => new Date())({ type: undefined, key: 7 }, '').check()
})

rates('only what was accepted counts, and the answer says when to come again', async () => {
  const now = new Date()
  const api = await startApi({ rates: rateLimits({ openingsPerMinute: 2, commandsPerMinute: 0 }, () => now) })
  try {
    const owner = newSigner()
    const open = (change: object = {}) => {
      const commandId = randomUUID()
      return api.post('/v1/wallets', { ...api.sign(owner, 'OpenWallet', commandId, {}, { commandId }), ...change })
    }
    const forged = await open({ signature: `${'A'.repeat(85)}A` })
    assert.is(forged.body.code, 'SignatureInvalid')
    assert.equal([(await open()).status, (await open()).status], [201, 201])
    const refused = await open()
    assert.equal([refused.status, refused.body.code, refused.headers.get('retry-after')], [429, 'CommandsTooMany', '30'])
  } finally {
    await api.close()
  }
})

rates.run()
