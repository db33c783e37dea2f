import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { AppendOutcomeUnknown, type EventStore, StoreUnavailable } from '../../commands/ports.ts'
import { proveKey, signCommand } from '../../commands/sign.ts'
import type { Fact } from '../../domain/catalogue.ts'
import { counted, fateOf, namespace, profile, someNode, world } from './world.ts'

const handle = suite('handle')

const scores = (facts: Fact[]) => facts.map((fact) => (fact.type === 'ReputationChanged' ? fact.data.new : undefined))

handle('decides from memory: one append and no read, once it knows the streams', async () => {
  const { store, clock, instance, register, heartbeat, reputation } = await world()
  const node = someNode()
  const reading = counted(store)
  const submit = instance({ store: reading })
  await submit(register(node))
  await submit(heartbeat(node))
  await submit(reputation(node, 1))
  Object.assign(reading.count, { reads: 0, appends: 0 })
  for (let n = 0; n < 5; n++) {
    clock.forward(60)
    await submit(heartbeat(node))
    await submit(reputation(node, 1))
  }
  assert.equal([reading.count.reads, reading.count.appends], [0, 10])
})

handle('decides again when another instance was first', async () => {
  const { instance, register, reputation, events } = await world()
  const [one, other] = [instance(), instance()]
  const node = someNode()
  await one(register(node))
  await one(reputation(node, 1))
  await other(reputation(node, 2))
  const { events: decided } = await one(reputation(node, 3))
  assert.equal(decided[0]!.revision, 2)
  assert.equal(scores(await events('reputation', node.id)), [51, 53, 56])
})

handle('refuses only what it has read afresh: another instance changed a fact', async () => {
  const { network, clock, command, instance, register, heartbeat } = await world()
  const [one, other] = [instance(), instance()]
  const node = someNode()
  await one(register(node))
  await one(heartbeat(node))
  const change = command('ChangeNodeKey', node.id, {})
  const newKey = signerFrom(generateSeed())
  const data = proveKey(newKey, { networkId: network.networkId, nodeId: node.id, commandId: change.commandId })
  await other(signCommand(node.signer, { ...change, data }))
  clock.forward(60)
  assert.is((await one(heartbeat({ ...node, signer: newKey }))).outcome, 'accepted')
  clock.forward(60)
  assert.is(await fateOf(one(heartbeat(node))), 'SignerNotAllowed')
})

handle('refuses only what it has read afresh: another instance changed the stream', async () => {
  const { command, instance, register } = await world()
  const [one, other] = [instance(), instance()]
  const node = someNode()
  assert.is(await fateOf(one(signCommand(node.signer, command('UpdateNode', node.id, { profile })))), 'NodeNotRegistered')
  await other(register(node))
  const larger = { ...profile, cores: 64 }
  const update = (cores: typeof profile) => signCommand(node.signer, command('UpdateNode', node.id, { profile: cores }))
  assert.is((await one(update(larger))).outcome, 'accepted')
  await other(update(profile))
  // In the memory of `one` it is so already.
  assert.is((await one(update(larger))).outcome, 'accepted')
  assert.is((await one(update(larger))).outcome, 'unchanged')
})

handle('a decision of nothing appends nothing and is not remembered', async () => {
  const { instance, register, events } = await world()
  const submit = instance()
  const node = someNode()
  await submit(register(node))
  const again = register(node)
  for (let n = 0; n < 2; n++) {
    const outcome = await submit(again)
    assert.equal([outcome.outcome, outcome.events.length, outcome.position], ['unchanged', 0, undefined])
  }
  assert.is((await events('node', node.id)).length, 1)
})

handle('a refusal is not remembered: the same command may be right later', async () => {
  const { clock, instance, register, heartbeat } = await world()
  const submit = instance()
  const node = someNode()
  await submit(register(node))
  await submit(heartbeat(node))
  clock.forward(1)
  await submit(heartbeat(node))
  clock.forward(1)
  const early = heartbeat(node)
  assert.is(await fateOf(submit(early)), 'HeartbeatTooEarly')
  clock.forward(58)
  assert.is(await fateOf(submit(early)), 'accepted')
})

handle('callers in one process do not fight over a stream', async () => {
  const { store, instance, register, reputation, events } = await world()
  const counting = counted(store)
  const submit = instance({ store: counting })
  const node = someNode()
  await submit(register(node))
  const outcomes = await Promise.all(Array.from({ length: 64 }, (_, n) => submit(reputation(node, n % 2 ? 1 : -1))))
  assert.equal(
    // Signatures are verified side by side, so who comes first into the lane is open.
    outcomes.map(({ events }) => events[0]!.revision).sort((a, b) => a - b),
    Array.from({ length: 64 }, (_, n) => n),
  )
  assert.is(counting.count.appends, 65)
  assert.is((await events('reputation', node.id)).length, 64)
})

handle('more callers than may wait are told so, and nothing is written for them', async () => {
  const { instance, register, reputation, events } = await world()
  const submit = instance({ waitingMax: 3, verify: async () => true })
  const node = someNode()
  await submit(register(node))
  const fates = await Promise.all(Array.from({ length: 6 }, () => fateOf(submit(reputation(node, 1)))))
  assert.equal(fates.sort(), ['StreamBusy', 'StreamBusy', 'accepted', 'accepted', 'accepted', 'accepted'])
  assert.is((await events('reputation', node.id)).length, 4)
  assert.is(await fateOf(submit(reputation(node, 1))), 'accepted')
})

handle('a busy stream is a store that is away for now', async () => {
  const { instance, register, reputation } = await world()
  const submit = instance({ waitingMax: 0, verify: async () => true })
  const node = someNode()
  await submit(register(node))
  const [, refused] = await Promise.allSettled([submit(reputation(node, 1)), submit(reputation(node, 1))])
  assert.instance((refused as PromiseRejectedResult).reason, StoreUnavailable)
})

handle('instances that fight over a stream lose nothing and double nothing', async () => {
  const { instance, register, reputation, events } = await world()
  const instances = [instance(), instance(), instance()]
  const node = someNode()
  await instances[0]!(register(node))
  const commands = Array.from({ length: 30 }, () => reputation(node, 1))
  // Every command goes to two of the three.
  const sent = commands.flatMap((command, n) => [instances[n % 3]!(command), instances[(n + 1) % 3]!(command)])
  const fates = await Promise.all(sent.map(fateOf))
  for (const fate of fates) assert.ok(['accepted', 'repeated', 'StreamBusy'].includes(fate), fate)
  const found = await events('reputation', node.id)
  assert.equal(
    scores(found),
    found.map((_, n) => 51 + n),
  )
  assert.is(new Set(found.map(({ id }) => id)).size, found.length)
  const known = new Set(found.map(({ metadata }) => metadata.commandId))
  commands.forEach(({ command }, n) => {
    const answered = fates.slice(2 * n, 2 * n + 2).some((fate) => fate !== 'StreamBusy')
    assert.is(known.has(command.commandId), answered)
  })
})

handle('a lost reply is settled: the events are there', async () => {
  const { store, instance, register, events } = await world()
  const node = someNode()
  store.loseNextReply()
  const outcome = await instance()(register(node))
  const [registered] = await events('node', node.id)
  assert.equal([outcome.outcome, outcome.events[0]!.id, outcome.position], ['accepted', registered!.id, registered!.position])
  assert.is((await events('node', node.id)).length, 1)
})

handle('a lost append is settled: it is sent again', async () => {
  const { store, instance, register, events } = await world()
  const node = someNode()
  store.loseNextAppend()
  assert.is((await instance()(register(node))).outcome, 'accepted')
  assert.is((await events('node', node.id)).length, 1)
})

handle('what stays unknown is said to be, whatever the store says next', async () => {
  const { store, instance, register, events } = await world()
  const node = someNode()
  let appends = 0
  const losing: EventStore = {
    ...store,
    async append(...call) {
      appends += 1
      if (appends === 1) await store.append(...call)
      throw appends === 1 ? new AppendOutcomeUnknown(call[0]) : new StoreUnavailable('away')
    },
  }
  const command = register(node)
  assert.is(await fateOf(instance({ store: losing })(command)), 'AppendOutcomeUnknown')
  assert.is((await events('node', node.id)).length, 1)
  assert.is(await fateOf(instance()(command)), 'repeated')
})

handle('an append that never succeeds is given up after a while', async () => {
  const { store, instance, register } = await world()
  let appends = 0
  const losing: EventStore = {
    ...store,
    async append(stream) {
      appends += 1
      throw new AppendOutcomeUnknown(stream)
    },
  }
  assert.is(await fateOf(instance({ store: losing })(register(someNode()))), 'AppendOutcomeUnknown')
  assert.ok(appends > 1, `${appends} appends`)
})

handle('an append that was lost and overtaken is decided again', async () => {
  const { store, instance, register, reputation, events } = await world()
  const node = someNode()
  const other = instance()
  await other(register(node))
  let lost = false
  const losing: EventStore = {
    ...store,
    async append(...call) {
      if (lost) return store.append(...call)
      lost = true
      await other(reputation(node, 5))
      throw new AppendOutcomeUnknown(call[0])
    },
  }
  assert.is((await instance({ store: losing })(reputation(node, 1))).events[0]!.revision, 1)
  assert.equal(scores(await events('reputation', node.id)), [55, 56])
})

handle('a command whose outcome was unknown is read from the log, not from memory, when it comes again', async () => {
  const { store, clock, instance, register, reputation, events } = await world()
  const node = someNode()
  let losing = false
  const submit = instance({
    store: {
      ...store,
      async append(...call) {
        const appended = await store.append(...call)
        if (!losing) return appended
        store.goAway()
        throw new AppendOutcomeUnknown(call[0])
      },
    },
  })
  await submit(register(node))
  await submit(reputation(node, 1))
  const command = reputation(node, 2)
  losing = true
  assert.is(await fateOf(submit(command)), 'AppendOutcomeUnknown')
  losing = false
  store.comeBack()
  clock.forward(1)
  const repeated = await submit(command)
  assert.equal([repeated.outcome, repeated.events[0]!.revision], ['repeated', 1])
  assert.is((await events('reputation', node.id)).length, 2)
})

handle('an endless stream whose beginning left the store is gone on with', async () => {
  const { store, clock, instance, register, heartbeat, events } = await world()
  const node = someNode()
  const writer = instance()
  await writer(register(node))
  let kept = 0
  const { readStream } = store
  const submit = instance({
    store: {
      ...store,
      async *readStream(stream, options) {
        for await (const event of readStream(stream, options))
          if (!stream.includes('heartbeat') || event.revision >= kept) yield event
      },
    },
  })
  for (let n = 0; n < 10; n++) {
    await (n < 2 ? submit : writer)(heartbeat(node))
    clock.forward(60)
  }
  kept = 6
  assert.is(await fateOf(submit(heartbeat(node))), 'accepted')
  assert.is((await events('heartbeat', node.id)).length, 11)
})

handle('a store that is away fails the command and harms nothing', async () => {
  const { store, instance, register, heartbeat } = await world()
  const submit = instance()
  const node = someNode()
  await submit(register(node))
  store.goAway()
  assert.is(await fateOf(submit(heartbeat(node))), 'StoreUnavailable')
  assert.is(await fateOf(submit(register(someNode()))), 'StoreUnavailable')
  store.comeBack()
  assert.is(await fateOf(submit(heartbeat(node))), 'accepted')
})

handle('memory that is full forgets streams, not events', async () => {
  const { store, instance, register, reputation, events } = await world()
  const reading = counted(store)
  const submit = instance({ store: reading, cacheBytesMax: 6000 })
  const nodes = Array.from({ length: 5 }, someNode)
  for (const node of nodes) await submit(register(node))
  for (let n = 0; n < 3; n++) for (const node of nodes) await submit(reputation(node, 1))
  for (const node of nodes) assert.equal(scores(await events('reputation', node.id)), [51, 52, 53])
  assert.ok(reading.count.reads > 15)
})

handle('a log restored from an older copy is read again from its start', async () => {
  const { store, instance, register, reputation, events } = await world()
  const submit = instance()
  const node = someNode()
  await submit(register(node))
  for (let n = 0; n < 3; n++) await submit(reputation(node, 1))
  store.restore(namespace, 3)
  assert.is((await submit(reputation(node, 10))).outcome, 'accepted')
  assert.equal(scores(await events('reputation', node.id)), [51, 61])
})

handle('an endless stream is read backwards, no further than its state and the memory of commands need', async () => {
  const { store, clock, instance, register, heartbeat } = await world()
  const node = someNode()
  const [writer, behind] = [instance(), instance()]
  await writer(register(node))
  const first = heartbeat(node)
  await behind(first)
  for (let n = 0; n < 100; n++) {
    clock.forward(60)
    await writer(heartbeat(node))
  }
  clock.forward(1)
  const last = heartbeat(node)
  for (const [reader, fate] of [
    [instance, 'accepted'],
    [instance, 'repeated'],
  ] as const) {
    const reading = counted(store)
    assert.is(await fateOf(reader({ store: reading })(last)), fate)
    assert.ok(reading.count.events < 40, `${reading.count.events} events`)
  }
  // The one that knows only the first heartbeat finds its way, too.
  assert.is(await fateOf(behind(last)), 'repeated')
  clock.forward(1)
  assert.is(await fateOf(behind(heartbeat(node))), 'HeartbeatTooEarly')
  clock.forward(60)
  assert.is(await fateOf(behind(heartbeat(node))), 'accepted')
  assert.is(await fateOf(behind(first)), 'CommandStale')
})

handle('a process without its network says so', async () => {
  const { instance, register } = await world()
  const networkId = '11111111-1111-4111-8111-111111111111'
  const envelope = register(someNode())
  const submit = instance({ networkId, verify: async () => true })
  assert.is(await fateOf(submit({ ...envelope, command: { ...envelope.command, audience: networkId } })), 'Error')
})

handle('counts what became of commands', async () => {
  const { instance, register } = await world()
  const counts: string[] = []
  const times: number[] = []
  const metrics = {
    decided: (type: string, outcome: string) => void counts.push(`${type} ${outcome}`),
    appended: (s: number) => void times.push(s),
  }
  const submit = instance({ metrics })
  const command = register(someNode())
  await submit(command)
  await submit(command)
  await fateOf(submit({ ...command, signature: Buffer.alloc(64).toString('base64url') }))
  await fateOf(submit('nonsense'))
  assert.equal(counts, ['RegisterNode accepted', 'RegisterNode repeated', 'unknown SignatureInvalid', 'unknown CommandMalformed'])
  assert.is(times.length, 1)
  assert.ok(times[0]! >= 0 && times[0]! < 60)
})

handle.run()
