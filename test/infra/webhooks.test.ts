import { Webhook as Verifier } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { retryRules } from '../../commands/processes/webhook-retries.ts'
import { newSigner } from '../api/harness.ts'
import { answers, type Behaviour, openReceiver, type Received, type Receiver, taken } from './receiver.ts'
import { eventually, openWorld, type World } from './webhook-world.ts'

const opened: Receiver[] = []

/** Closed after the test, however it ends. */
async function opens(behaviour?: Behaviour): Promise<Receiver> {
  const receiver = await openReceiver(behaviour)
  opened.push(receiver)
  return receiver
}

const webhooks = suite<{ world: World; receiver: Receiver }>('webhooks')
webhooks.before(async (context) => {
  // Without chance, so that tests can say when.
  context.world = await openWorld({ rules: { ...retryRules(72), firstMs: 5000 }, sender: { timeoutMs: 500 } })
})
webhooks.before.each(async (context) => {
  context.receiver = await opens()
})
webhooks.after.each(async () => {
  for (const one of opened.splice(0)) await one.close()
})
webhooks.after(({ world }) => world.close())

const verified = (secret: string, { text, headers }: Received) =>
  new Verifier(secret).verify(text, headers as Record<string, string>)

const indexes = (messages: readonly Received[]) => messages.map(({ body }) => body.index)
const ids = (messages: readonly Received[]) => messages.map(({ id }) => id)

webhooks('events arrive in the order of the log, signed as Standard Webhooks has it', async ({ world, receiver }) => {
  const hook = await world.webhook(receiver.url)
  const nodes = [await world.register(), await world.register(), await world.register()]
  const received = await receiver.until(3)
  for (const [n, message] of received.entries()) {
    verified(hook.secret, message)
    const { type, timestamp, index, position, data } = message.body
    assert.is(type, 'NodeRegistered')
    assert.is(timestamp, data.event.metadata.recordedAt)
    assert.is(data.event.data.nodeId, nodes[n])
    assert.equal([data.index, data.position], [index, position])
    const { events } = (await world.api.get(`/v1/events?subject=node:${nodes[n]}`)).body
    assert.equal(data, events[0], 'it is the event as the API shows it')
    assert.is(message.headers['content-type'], 'application/json')
    assert.match(String(message.headers['user-agent']), /^DuxNet\//)
  }
  assert.equal(
    indexes(received),
    indexes(received).toSorted((one, other) => one - other),
  )
  assert.is(new Set(ids(received)).size, 3)
  assert.throws(() => verified(`whsec_${Buffer.alloc(32).toString('base64')}`, received[0]!))
  const list = await eventually('all are listed', async () => {
    const found = await hook.deliveries('delivered')
    return found.length === 3 && found
  })
  assert.equal(
    list.map(({ messageId, attempts, status, error }) => [messageId, attempts, status, error]),
    ids(received)
      .toReversed()
      .map((id) => [id, 1, 204, null]),
  )
})

webhooks('only events of the chosen types and subjects arrive', async ({ world, receiver }) => {
  const [one, other] = [newSigner(), newSigner()]
  await world.webhook(receiver.url, { eventTypes: ['HeartbeatRecorded'], subjects: [`node:${other.nodeId}`] })
  for (const node of [one, other]) {
    const reply = await world.api.post(
      '/v1/nodes',
      world.api.sign(node, 'RegisterNode', node.nodeId, {
        profile: { cores: 1, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] },
      }),
    )
    assert.is(reply.status, 201, reply.text)
  }
  await world.beat(one)
  await world.beat(other)
  const [message] = await receiver.until(1)
  assert.is(message!.body.data.event.stream, `dux_heartbeat-${other.nodeId}`)
  world.pass(60)
  await world.beat(one)
  await world.beat(other)
  const [, next] = await receiver.until(2)
  assert.is(next!.body.data.event.stream, message!.body.data.event.stream)
})

webhooks(
  'a message that fails is tried again, in its turn; then it is put aside, and parked in the end',
  async ({ world, receiver }) => {
    const poison = await world.register()
    const refusing = (message: Received) => message.text.includes(poison)
    receiver.behave((message, response) => response.writeHead(refusing(message) ? 500 : 200).end())
    const shown = async () => (await world.api.get(`/v1/events?subject=node:${poison}`)).body.events[0]?.index
    const from: number = await eventually('it is in the read model', shown)
    const hook = await world.webhook(receiver.url, { fromIndex: from })
    const later = await world.register()
    await receiver.until(1)
    for (let count = 2; count <= 5; count++) {
      await eventually(`it waits after try ${count - 1}`, async () => (await hook.show()).failures === count - 1)
      assert.ok(receiver.received.every(refusing), 'what is behind it waits')
      world.pass(1.2 * 5 * 3 ** (count - 2))
      await receiver.until(count)
    }
    await eventually('it is put aside', async () => (await hook.show()).nextIndex === from + 1)
    // The webhook itself still waits.
    world.pass(1.2 * 405)
    await eventually('the others arrive', async () => receiver.received.some(({ text }) => text.includes(later)))
    const [waiting] = await hook.deliveries('retrying')
    assert.equal([waiting.index, waiting.status, waiting.error], [from, 500, 'answered 500'])
    const tries = () => receiver.received.filter(refusing).length
    let seen = tries()
    await eventually('it is parked', async () => {
      if (tries() > seen || (await hook.deliveries('retrying')).length) {
        seen = tries()
        world.pass(13 * 3600)
      }
      return (await hook.deliveries('parked')).length === 1
    })
    const [parked] = await hook.deliveries('parked')
    assert.equal([parked.messageId, parked.nextAttemptAt, parked.attempts], [waiting.messageId, null, tries()])
    assert.ok(parked.attempts >= 8)
    const { disabled, failures } = await hook.show()
    assert.equal([disabled, failures], [null, 0])
    // It is found in the list, and replayed.
    receiver.behave(taken)
    await hook.ask('replay', 'ReplayWebhook', { messageId: parked.messageId })
    await eventually('it is delivered', async () => (await hook.deliveries('parked')).length === 0 && tries() > parked.attempts)
    await eventually('it is listed so', async () =>
      (await hook.deliveries('delivered')).some(({ messageId }) => messageId === parked.messageId),
    )
  },
)

webhooks('Retry-After is waited for', async ({ world, receiver }) => {
  receiver.behave(answers(429, { 'retry-after': '600' }))
  const hook = await world.webhook(receiver.url)
  await world.register()
  await receiver.until(1)
  await eventually('it waits', async () => (await hook.show()).failures === 1)
  const { waitUntil } = await hook.show()
  assert.is(waitUntil, new Date(world.api.clock.now.getTime() + 600_000).toISOString())
  receiver.behave(taken)
  world.pass(599)
  await world.register()
  assert.is(receiver.received.length, 1)
  world.pass(1)
  assert.is((await receiver.until(3)).length, 3)
  assert.is(ids(receiver.received)[0], ids(receiver.received)[1])
})

webhooks('410 disables; enabled again it goes on with that message, and none is lost', async ({ world, receiver }) => {
  receiver.behave(answers(410))
  const hook = await world.webhook(receiver.url)
  await world.register()
  await receiver.until(1)
  await eventually('it is disabled', async () => (await hook.show()).disabled === 'gone')
  await world.register()
  world.pass(3600)
  receiver.behave(taken)
  await hook.ask('enable', 'EnableWebhook')
  const [first, again, next] = await receiver.until(3)
  assert.is(first!.id, again!.id)
  assert.is(next!.body.index, again!.body.index + 1)
})

webhooks('a webhook of which nothing was taken for days is disabled', async ({ world, receiver }) => {
  receiver.behave(answers(503))
  const hook = await world.webhook(receiver.url)
  await world.register()
  await receiver.until(1)
  await eventually('it is disabled', async () => {
    const { disabled, waitUntil } = await hook.show()
    if (waitUntil && new Date(waitUntil) > world.api.clock.now) {
      world.pass(12 * 3600)
      await world.register()
    }
    return disabled === 'failing'
  })
})

webhooks('a receiver that hangs costs its own time, and nobody else waits', async ({ world, receiver }) => {
  const slow = await opens(() => {})
  const slowHook = await world.webhook(slow.url)
  const hook = await world.webhook(receiver.url)
  await world.register()
  await receiver.until(1)
  await eventually('the time is over', async () => (await slowHook.show()).failures === 1)
  const [failed] = await slowHook.deliveries()
  assert.equal([failed.status, failed.error], [null, 'no answer within 0.5 s'])
  assert.is((await hook.deliveries()).length, 1)
})

webhooks('redirects are failures, and are not followed', async ({ world, receiver }) => {
  const target = await opens()
  receiver.behave(answers(307, { location: target.url }))
  const hook = await world.webhook(receiver.url)
  await world.register()
  await receiver.until(1)
  await eventually('it failed', async () => (await hook.deliveries('retrying'))[0]?.error === 'answered 307')
  assert.is(target.received.length, 0)
})

webhooks('an endless answer is not listened to', async ({ world, receiver }) => {
  receiver.behave((_, response) => {
    response.writeHead(200)
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    }
    response.on('drain', pour)
    pour()
  })
  await world.webhook(receiver.url)
  await world.register()
  await world.register()
  assert.is((await receiver.until(2)).length, 2)
})

webhooks('after a rotation both secrets sign, for a day', async ({ world, receiver }) => {
  const hook = await world.webhook(receiver.url)
  const { secret } = await hook.ask('rotate', 'RotateWebhookSecret')
  await world.register()
  const [message] = await receiver.until(1)
  assert.is(String(message!.headers['webhook-signature']).split(' ').length, 2)
  const now = world.api.clock.now.getTime()
  const inTime = Math.abs(now - Date.now()) < 240_000
  for (const one of [hook.secret, secret])
    if (inTime) verified(one, message!)
    else
      assert.match(String(message!.headers['webhook-signature']), new Verifier(one).sign(message!.id, new Date(now), message!.text))
  world.pass(24 * 3600 + 1)
  await world.register()
  const [, next] = await receiver.until(2)
  const [only, none] = String(next!.headers['webhook-signature']).split(' ')
  assert.is(none, undefined)
  assert.is(only, new Verifier(secret).sign(next!.id, world.api.clock.now, next!.text))
})

webhooks('a replay from a place sends all from there again, under the same ids', async ({ world, receiver }) => {
  const hook = await world.webhook(receiver.url)
  for (let count = 0; count < 3; count++) await world.register()
  await receiver.until(3)
  const first = receiver.received.slice()
  await eventually('it is at the end', async () => (await hook.deliveries('delivered')).length === 3)
  await hook.ask('replay', 'ReplayWebhook', { fromIndex: first[1]!.body.index })
  const again = (await receiver.until(5)).slice(3)
  assert.equal(ids(again), ids(first.slice(1)))
  await world.register()
  assert.is((await receiver.until(6))[5]!.body.index, first[2]!.body.index + 1)
})

webhooks('a test message is tried once', async ({ world, receiver }) => {
  const hook = await world.webhook(receiver.url)
  const { messageId } = await hook.ask('test', 'TestWebhook')
  const [message] = await receiver.until(1)
  assert.equal([message!.id, message!.body.type, message!.body.data], [messageId, 'WebhookTested', { webhookId: hook.id }])
  await eventually('it is listed', async () => (await hook.deliveries('delivered'))[0]?.messageId === messageId)
  receiver.behave(answers(500))
  await hook.ask('test', 'TestWebhook')
  await receiver.until(2)
  await eventually('it is parked', async () => (await hook.deliveries('parked')).length === 1)
  assert.is((await hook.show()).failures, 0)
})

webhooks(
  'a sender that follows another one goes on where that one was, and a rebuild changes nothing',
  async ({ world, receiver }) => {
    const hook = await world.webhook(receiver.url)
    await world.register()
    await receiver.until(1)
    await eventually('it is written', async () => (await hook.deliveries('delivered')).length === 1)
    await world.restart()
    await world.register()
    await receiver.until(2)
    await world.readSide.projector.rebuild(['event-log'])
    await world.register()
    const received = await receiver.until(3)
    assert.equal(new Set(ids(received)).size, 3)
    assert.equal(
      indexes(received),
      [0, 1, 2].map((n) => received[0]!.body.index + n),
    )
    assert.is(receiver.received.length, 3)
  },
)

webhooks('a deleted webhook is sent nothing, nor one that its owner disabled', async ({ world, receiver }) => {
  const [deleted, disabled, other] = [
    await world.webhook(receiver.url),
    await world.webhook(receiver.url),
    await world.webhook(receiver.url),
  ]
  await deleted.ask('delete', 'DeleteWebhook')
  await disabled.ask('disable', 'DisableWebhook')
  await world.register()
  await receiver.until(1)
  await eventually('it is written', async () => (await other.deliveries('delivered')).length === 1)
  assert.is(receiver.received.length, 1)
  await disabled.ask('enable', 'EnableWebhook')
  assert.is((await receiver.until(2)).length, 2)
})

webhooks('many webhooks are each sent every event', async ({ world }) => {
  const receivers = await Promise.all(Array.from({ length: 20 }, () => opens()))
  for (const { url } of receivers) await world.webhook(url)
  for (let count = 0; count < 10; count++) await world.register()
  for (const one of receivers) {
    const received = await one.until(10)
    assert.equal(
      indexes(received),
      received.map((_, n) => received[0]!.body.index + n),
    )
    assert.is(new Set(ids(received)).size, 10)
  }
  assert.is(new Set(receivers.flatMap(({ received }) => ids(received))).size, 200)
})

webhooks.run()
