import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { commandBytesMax } from '../../commands/check.ts'
import { proveKey, signCommand } from '../../commands/sign.ts'
import type { Envelope, SignedCommand } from '../../domain/envelope.ts'
import { DomainError } from '../../domain/errors.ts'
import { canonicalEvent, eventBytesMax } from '../../domain/event.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { fateOf, profile, someNode, vitals, type World, world } from './world.ts'

const submit = suite('submit')

type Loose = { command: Record<string, unknown> & { data: Record<string, unknown> } } & Record<string, unknown>

/** Registers a node with `change` made to the envelope, signed again when it still can be; answers the refusal. */
async function refusal(here: World, change: (envelope: Loose) => unknown, signAgain = false): Promise<DomainError> {
  const node = someNode()
  const envelope = structuredClone(here.register(node)) as unknown as Loose
  const answer = change(envelope)
  const changed = answer === undefined ? envelope : answer
  const sent = signAgain ? signCommand(node.signer, (changed as unknown as Envelope).command) : changed
  const appended = await here.store.head()
  try {
    await here.instance()(sent)
  } catch (error) {
    assert.equal(await here.store.head(), appended)
    if (error instanceof DomainError) return error
    throw error
  }
  throw new Error('it was taken')
}

const malformed: [field: string, change: (envelope: Loose) => unknown][] = [
  ['envelope', () => 'nonsense'],
  ['envelope', () => null],
  ['envelope', () => []],
  ['extra', (envelope) => ({ ...envelope, extra: 1 })],
  ['publicKey', ({ publicKey: _, ...rest }) => rest],
  ['publicKey', (envelope) => ({ ...envelope, publicKey: `${envelope.publicKey}=` })],
  ['signature', (envelope) => ({ ...envelope, signature: 7 })],
  ['signature', (envelope) => ({ ...envelope, signature: String(envelope.signature).slice(1) })],
  ['command', (envelope) => ({ ...envelope, command: [] })],
  ['command.extra', ({ command }) => void (command.extra = 1)],
  ['command.type', ({ command }) => void (command.type = 'register node')],
  ['command.subject', ({ command }) => void (command.subject = 'A_b')],
  ['command.subject', ({ command }) => void delete command.subject],
  ['command.commandId', ({ command }) => void (command.commandId = String(command.commandId).toUpperCase())],
  ['command.issuedAt', ({ command }) => void (command.issuedAt = '2026-02-30T00:00:00.000Z')],
  ['command.issuedAt', ({ command }) => void (command.issuedAt = 1767225600000)],
  ['command.audience', ({ command }) => void (command.audience = 'test')],
  ['command.data', ({ command }) => void (command.data = 'x' as never)],
  ['command.data', ({ command }) => void (command.data = [] as never)],
  ['command.data.profile', ({ command }) => void delete command.data.profile],
  ['command.data.note', ({ command }) => void (command.data.note = 'x')],
  ['command.data.profile.cores', ({ command }) => void (command.data.profile = { ...profile, cores: 0 })],
  ['command.data.profile.cores', ({ command }) => void (command.data.profile = { ...profile, cores: '8' })],
  ['command.data.profile.cores', ({ command }) => void (command.data.profile = { ...profile, cores: 1.5 })],
  ['command.data.profile.region', ({ command }) => void (command.data.profile = { ...profile, region: 'a\u0000' })],
  ['command.data.profile.gpu', ({ command }) => void (command.data.profile = { ...profile, gpu: 1 })],
  ['command.data.profile.capabilities', ({ command }) => void (command.data.profile = { ...profile, capabilities: ['b', 'a'] })],
  ['command.data.profile.capabilities[1]', ({ command }) => void (command.data.profile = { ...profile, capabilities: ['a', ''] })],
  ['command.data.x.y', ({ command }) => void (command.data.x = { y: 'a\ud800' })],
  ['command.data.x', ({ command }) => void (command.data.x = 2 ** 53)],
  ['command.data.__proto__', ({ command }) => void (command.data = { ...command.data, ...JSON.parse('{"__proto__":{}}') })],
]

for (const [field, change] of malformed) {
  submit(`refuses what is malformed and names ${field}: ${String(change).replace(/^.*?=> (void )?/, '')}`, async () => {
    const { code, details } = await refusal(await world(), change)
    assert.equal([code, details.field], ['CommandMalformed', field])
    assert.ok(String(details.reason).length > 0)
  })
}

submit('refuses a type that nobody knows', async () => {
  for (const type of ['Unheard', 'FoundNetwork', 'ToString']) {
    const { code, details } = await refusal(await world(), ({ command }) => void (command.type = type), true)
    assert.equal([code, details.field, details.type], ['CommandUnknownType', 'command.type', type])
  }
})

submit('refuses a command that is too large', async () => {
  const text = 'x'.repeat(commandBytesMax)
  const { code, details } = await refusal(await world(), ({ command }) => void (command.data.text = text), true)
  assert.equal([code, details.field, details.bytesMax], ['CommandTooLarge', 'command', commandBytesMax])
})

submit('refuses a command for another network', async () => {
  const audience = '11111111-1111-4111-8111-111111111111'
  const { code, details } = await refusal(await world(), ({ command }) => void (command.audience = audience), true)
  assert.equal([code, details.field], ['AudienceMismatch', 'command.audience'])
})

submit('refuses a signature that is not of this command by this key', async () => {
  const here = await world()
  const changes: ((envelope: Loose) => unknown)[] = [
    ({ command }) => void (command.data.profile = { ...profile, cores: 9 }),
    ({ command }) => void (command.commandId = '11111111-1111-4111-8111-111111111111'),
    (envelope) => ({ ...envelope, publicKey: someNode().signer.publicKey }),
    (envelope) => ({ ...envelope, signature: signerFrom(generateSeed()).sign(Buffer.from('duxnet-command-v1\n')) }),
  ]
  for (const change of changes) {
    const { code, details } = await refusal(here, change)
    assert.equal([code, details.field], ['SignatureInvalid', 'signature'])
  }
})

submit('a signature counts however the JSON around it is written', async () => {
  const here = await world()
  const { command, publicKey, signature } = here.register(someNode())
  const reversed = Object.fromEntries(Object.entries(command).reverse())
  assert.is(await fateOf(here.instance()({ signature, publicKey, command: reversed })), 'accepted')
})

submit('refuses a command whose time is not ours', async () => {
  const here = await world()
  const issued = (seconds: number) => ({ issuedAt: new Date(here.clock.now.getTime() + seconds * 1000).toISOString() })
  const fate = (seconds: number) => {
    const { id, signer } = someNode()
    return fateOf(here.instance()(signCommand(signer, here.command('RegisterNode', id, { profile }, issued(seconds)))))
  }
  assert.is(await fate(-300), 'accepted')
  assert.is(await fate(300), 'accepted')
  assert.is(await fate(-300.001), 'CommandStale')
  assert.is(await fate(300.001), 'CommandFromTheFuture')
  const { details } = await refusal(here, ({ command }) => void Object.assign(command, issued(301)), true)
  assert.equal([details.field, details.serverTime, details.windowSeconds], ['command.issuedAt', here.clock.now.toISOString(), 300])
})

submit('every command finds its way', async () => {
  const here = await world()
  const { command, network, authority, health, clock } = here
  const send = here.instance()
  const node = someNode()
  const types: string[] = []
  const sent = async (envelope: Envelope) => types.push((await send(envelope)).events[0]!.type)
  await sent(here.register(node))
  await sent(signCommand(node.signer, command('UpdateNode', node.id, { profile: { ...profile, cores: 1 } })))
  await sent(here.heartbeat(node))
  await sent(signCommand(authority, command('ChangeReputation', node.id, { rule: 'task_success' })))
  const at = clock.now.toISOString()
  await sent(signCommand(health, command('ChangeHealth', node.id, { to: 'healthy', reasons: [], at, heartbeatRevision: 0 })))
  const recovery = command('ChangeNodeKey', node.id, {})
  const newKey = signerFrom(generateSeed())
  const data = proveKey(newKey, { networkId: network.networkId, nodeId: node.id, commandId: recovery.commandId })
  await sent(signCommand(authority, { ...recovery, data }))
  await sent(signCommand(newKey, command('DeregisterNode', node.id, {})))
  assert.equal(types, [
    'NodeRegistered',
    'NodeUpdated',
    'HeartbeatRecorded',
    'ReputationChanged',
    'NodeHealthChanged',
    'NodeKeyChanged',
    'NodeDeregistered',
  ])
  const actors = []
  for await (const { metadata } of here.store.readAll()) actors.push((metadata as { actor: string }).actor)
  const itself = `node:${node.id}`
  assert.equal(actors, ['authority', itself, itself, itself, 'authority', 'service:health', 'authority', itself])
})

submit('a key is proven for one command of one node in one network', async () => {
  const here = await world()
  const { network, command } = here
  const [node, other] = [someNode(), someNode()]
  const send = here.instance()
  await send(here.register(node))
  const change = command('ChangeNodeKey', node.id, {})
  const right = { networkId: network.networkId, nodeId: node.id, commandId: change.commandId }
  const newKey = signerFrom(generateSeed())
  for (const wrong of [
    { ...right, networkId: '11111111-1111-4111-8111-111111111111' },
    { ...right, nodeId: other.id },
    { ...right, commandId: '11111111-1111-4111-8111-111111111111' },
  ])
    assert.is(await fateOf(send(signCommand(node.signer, { ...change, data: proveKey(newKey, wrong) }))), 'NodeKeyProofInvalid')
  assert.is(await fateOf(send(signCommand(node.signer, { ...change, data: proveKey(newKey, right) }))), 'accepted')
})

submit('an event keeps the signed text, the facts and where it came from', async () => {
  const here = await world()
  const send = here.instance()
  const node = someNode()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const [causationId, correlationId] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
  await send(here.register(node), { traceparent: 'nonsense' })
  const heartbeat = here.heartbeat(node)
  await send(heartbeat, { traceparent, causationId, correlationId })
  const [registered] = await here.events('node', node.id)
  const { commandId } = registered!.metadata
  assert.equal([registered!.metadata.causationId, registered!.metadata.correlationId], [commandId, commandId])
  assert.is(registered!.metadata.traceparent, undefined)

  const [recorded] = await here.events('heartbeat', node.id)
  const { command, facts, ...metadata } = recorded!.metadata
  assert.equal(JSON.parse(command!), heartbeat.command)
  const now = here.clock.now.toISOString()
  assert.equal(facts, {
    now,
    network: { stream: `dux_network-${here.network.networkId}`, revision: 0 },
    node: { stream: `dux_node-${node.id}`, revision: 0 },
  })
  assert.equal(metadata, {
    commandId: heartbeat.command.commandId,
    causationId,
    correlationId,
    actor: `node:${node.id}`,
    publicKey: heartbeat.publicKey,
    signature: heartbeat.signature,
    rules: 1,
    policyVersion: 1,
    recordedAt: now,
    schemaVersion: 1,
    traceparent,
  })
  assert.is(nodeIdOf(metadata.publicKey), node.id)
})

submit('the largest command makes an event that the log can hold', async () => {
  const here = await world()
  const send = here.instance()
  const node = someNode()
  await send(here.register(node))
  // Quotation marks and line feeds double in the text of the text.
  const reason = '"\n'.repeat(100)
  await send(signCommand(here.authority, here.command('ChangeReputation', node.id, { rule: 'custom', delta: 1, reason })))
  for await (const event of here.store.readAll()) assert.ok(Buffer.byteLength(canonicalEvent(event)) < eventBytesMax)
  assert.ok(3 * commandBytesMax + 4096 < eventBytesMax)
})

submit('a custom delta is refused by the name of what it lacks, a rule by what it has too much', async () => {
  const here = await world()
  const send = here.instance()
  for (const [field, data] of [
    ['reason', { rule: 'custom', delta: 1 }],
    ['delta', { rule: 'custom', delta: 0.5, reason: 'why' }],
    ['delta', { rule: 'task_success', delta: 1 }],
    ['rule', { rule: 'Task' }],
  ] as const) {
    const envelope = { ...here.reputation(someNode(), 1) }
    const [rejected] = await Promise.allSettled([send({ ...envelope, command: { ...envelope.command, data } })])
    const { code, details } = (rejected as PromiseRejectedResult).reason as DomainError
    assert.equal([code, details.field], ['CommandMalformed', `command.data.${field}`])
  }
})

submit('vitals that cannot be are refused by name', async () => {
  const here = await world()
  const send = here.instance()
  const node = someNode()
  await send(here.register(node))
  const beat = (over: object): SignedCommand => here.command('RecordHeartbeat', node.id, { vitals: { ...vitals, ...over } })
  for (const [field, over] of [
    ['memoryUsedBytes', { memoryUsedBytes: vitals.memoryTotalBytes + 1 }],
    ['cpuPermille', { cpuPermille: 1001 }],
    ['tasksFailed', { tasksFailed: -1 }],
    ['cores', { cores: 0 }],
  ] as const) {
    const [rejected] = await Promise.allSettled([send(signCommand(node.signer, beat(over)))])
    const { code, details } = (rejected as PromiseRejectedResult).reason as DomainError
    assert.equal([code, details.field], ['CommandMalformed', `command.data.vitals.${field}`])
  }
})

submit.run()
