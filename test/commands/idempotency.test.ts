import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CommandOutcome } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { fateOf, profile, someNode, world } from './world.ts'

const idempotency = suite('idempotency')

const answerOf = ({ outcome: _, ...answer }: CommandOutcome) => answer

idempotency('a command sent again gets its first answer', async () => {
  const { clock, instance, register, heartbeat, reputation, events } = await world()
  const submit = instance()
  const node = someNode()
  const commands = [register(node), heartbeat(node), reputation(node, 7)]
  for (const command of commands) {
    const first = await submit(command)
    assert.is(first.outcome, 'accepted')
    clock.forward(200)
    for (const again of [submit, instance()]) {
      const repeated = await again(command)
      assert.is(repeated.outcome, 'repeated')
      assert.equal(answerOf(repeated), answerOf(first))
    }
    clock.forward(-200)
  }
  for (const category of ['node', 'heartbeat', 'reputation'] as const) assert.is((await events(category, node.id)).length, 1)
})

idempotency('a command sent twice at once happens once, and both get the same answer', async () => {
  const { instance, register, events } = await world()
  const [one, other] = [instance(), instance()]
  for (const pair of [
    [one, one],
    [one, other],
  ] as const) {
    const node = someNode()
    const command = register(node)
    const [first, second] = await Promise.all(pair.map((submit) => submit(command)))
    assert.equal(answerOf(first!), answerOf(second!))
    assert.is((await events('node', node.id)).length, 1)
  }
})

idempotency('the first answer is the first however much happened since', async () => {
  const { instance, register, reputation } = await world()
  const [one, other] = [instance(), instance()]
  const node = someNode()
  await one(register(node))
  const command = reputation(node, 7)
  const first = await one(command)
  for (let n = 0; n < 5; n++) await one(reputation(node, 1))
  assert.equal(answerOf(await one(command)), answerOf(first))
  assert.equal(answerOf(await other(command)), answerOf(first))
})

idempotency('another instance that remembers an older stream finds the command when it asks the store', async () => {
  const { clock, instance, register, reputation, events } = await world()
  const [one, other] = [instance(), instance()]
  const [node, unrelated] = [someNode(), someNode()]
  await one(register(node))
  await one(register(unrelated))
  await other(reputation(node, 1))
  const command = reputation(node, 7)
  const first = await one(command)
  // `other` has seen the log go on past that command, but not its stream.
  await other(reputation(unrelated, 1))
  clock.forward(1)
  const repeated = await other(command)
  assert.is(repeated.outcome, 'repeated')
  assert.equal(answerOf(repeated), answerOf(first))
  assert.is((await events('reputation', node.id)).length, 2)
})

idempotency('another instance that is one event behind takes neither a repetition nor another body for its own', async () => {
  const { authority, clock, command, instance, register, reputation, events } = await world()
  const [one, other] = [instance(), instance()]
  const node = someNode()
  await one(register(node))
  await other(reputation(node, 1))
  const sent = reputation(node, 7)
  const first = await one(sent)
  const body = { rule: 'custom', delta: 70, reason: 'another' }
  const { commandId } = sent.command
  const reused = signCommand(authority, command('ChangeReputation', node.id, body, { commandId }))
  assert.is(await fateOf(other(reused)), 'CommandIdReused')
  const third = instance()
  await third(reputation(node, 1))
  const last = reputation(node, 2)
  const answer = await one(last)
  clock.forward(1)
  const repeated = await third(last)
  assert.equal([repeated.outcome, answerOf(repeated)], ['repeated', answerOf(answer)])
  assert.is((await other(sent)).position, first.position)
  assert.is((await events('reputation', node.id)).length, 4)
})

idempotency('one id stands for one command of one signer', async () => {
  const { authority, command, instance, register } = await world()
  const submit = instance()
  const node = someNode()
  const first = register(node)
  await submit(first)
  const { commandId } = first.command
  const larger = { profile: { ...profile, cores: 64 } }
  for (const envelope of [
    signCommand(node.signer, command('UpdateNode', node.id, larger, { commandId })),
    signCommand(node.signer, { ...first.command, data: larger }),
    signCommand(authority, first.command),
  ])
    assert.is(await fateOf(submit(envelope)), 'CommandIdReused')
  // On another stream it is another command.
  const other = someNode()
  assert.is(
    await fateOf(submit(signCommand(other.signer, command('RegisterNode', other.id, { profile }, { commandId })))),
    'accepted',
  )
})

idempotency('the command id is looked at before the clock', async () => {
  const { clock, instance, register } = await world()
  const submit = instance()
  const command = register(someNode())
  await submit(command)
  clock.forward(9 * 60)
  assert.is(await fateOf(submit(command)), 'repeated')
  assert.is(await fateOf(instance()(command)), 'repeated')
  clock.forward(5 * 60)
  // By now nothing of that age is taken for new, so nobody needs to remember it.
  assert.is(await fateOf(instance()(command)), 'CommandStale')
})

idempotency('an old command that nobody remembers is stale', async () => {
  const { clock, instance, register, heartbeat } = await world()
  const submit = instance()
  const node = someNode()
  await submit(register(node))
  const old = heartbeat(node)
  await submit(old)
  for (let n = 0; n < 20; n++) {
    clock.forward(60)
    await submit(heartbeat(node))
  }
  assert.is(await fateOf(submit(old)), 'CommandStale')
})

idempotency('the order is signature, command id, clock, decision', async () => {
  const { clock, instance, register } = await world()
  const submit = instance()
  const node = someNode()
  const command = register(node)
  await submit(command)
  const reused = { ...command.command, data: { profile: { ...profile, cores: 2 } } }
  clock.forward(6 * 60)
  const signature = Buffer.alloc(64).toString('base64url')
  assert.is(await fateOf(submit({ ...signCommand(node.signer, reused), signature })), 'SignatureInvalid')
  assert.is(await fateOf(submit(signCommand(node.signer, reused))), 'CommandIdReused')
  const again = { ...reused, commandId: '11111111-1111-4111-8111-111111111111' }
  assert.is(await fateOf(submit(signCommand(node.signer, again))), 'CommandStale')
  const now = { ...again, issuedAt: clock.now.toISOString() }
  assert.is(await fateOf(submit(signCommand(node.signer, now))), 'NodeAlreadyRegistered')
})

idempotency.run()
