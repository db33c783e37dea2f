import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { replayDecisions } from '../../commands/replay.ts'
import { proveKey, signCommand } from '../../commands/sign.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { property } from '../support/property.ts'
import { fateOf, namespace, profile, someNode, type TestNode, world } from './world.ts'

const replay = suite('replay of decisions')

async function* iterate(events: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* events
}

const replayed = (events: readonly RecordedEvent[]) => replayDecisions(iterate(events), { namespace, verify: verifySignature })

async function logOf(here: Awaited<ReturnType<typeof world>>): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const event of here.store.readAll()) events.push(event)
  return events
}

/** A step of a random run: what somebody tries, at which instance, and how long after the one before. */
const step = fc.record({
  what: fc.constantFrom('register', 'update', 'beat', 'beat', 'rule', 'custom', 'health', 'key', 'recover', 'deregister', 'again'),
  node: fc.nat(2),
  instance: fc.nat(1),
  figure: fc.integer({ min: 1, max: 60 }),
  seconds: fc.constantFrom(0, 1, 30, 60, 200),
})

replay('every event of a random run is decided again as it is', () =>
  property(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const here = await world()
      const { command, network, authority, health, clock } = here
      const instances = [here.instance(), here.instance()]
      const nodes: TestNode[] = Array.from({ length: 3 }, someNode)
      let last = here.register(nodes[0]!)
      for (const { what, node: index, instance, figure, seconds } of steps) {
        clock.forward(seconds)
        const node = nodes[index]!
        const at = clock.now.toISOString()
        const keyChange = command('ChangeNodeKey', node.id, {})
        const newKey = signerFrom(generateSeed())
        const proof = () => proveKey(newKey, { networkId: network.networkId, nodeId: node.id, commandId: keyChange.commandId })
        const make = {
          register: () => here.register(node),
          update: () => signCommand(node.signer, command('UpdateNode', node.id, { profile: { ...profile, cores: figure } })),
          beat: () => here.heartbeat(node),
          rule: () => signCommand(authority, command('ChangeReputation', node.id, { rule: 'task_failure' })),
          custom: () => here.reputation(node, figure),
          health: () =>
            signCommand(health, command('ChangeHealth', node.id, { to: 'healthy', reasons: [], at, heartbeatRevision: figure })),
          key: () => signCommand(node.signer, { ...keyChange, data: proof() }),
          recover: () => signCommand(authority, { ...keyChange, data: proof() }),
          deregister: () => signCommand(node.signer, command('DeregisterNode', node.id, {})),
          again: () => last,
        }
        last = make[what]()
        const fate = await fateOf(instances[instance]!(last))
        if ((what === 'key' || what === 'recover') && fate === 'accepted') nodes[index] = { ...node, signer: newKey }
      }
      const log = await logOf(here)
      assert.equal(await replayed(log), { events: log.length, difference: undefined })
    }),
    10,
  ),
)

/** A log with one event of each kind that has facts, which the tests below tamper with. */
async function someLog(): Promise<RecordedEvent[]> {
  const here = await world()
  const submit = here.instance()
  const node = someNode()
  await submit(here.register(node))
  await submit(here.heartbeat(node))
  await submit(here.reputation(node, 5))
  return logOf(here)
}

type Loose = Record<string, unknown>

const tamperings: [
  what: string,
  index: number,
  change: (event: Loose & { data: Loose; metadata: Loose }) => void,
  reason: RegExp,
][] = [
  ['the data', 3, ({ data }) => void (data.delta = 6), /decided otherwise/],
  ['the outcome', 3, ({ data }) => void Object.assign(data, { new: 60, applied: 10 }), /decided otherwise/],
  ['the event id', 1, (event) => void (event.id = '11111111-1111-4111-8111-111111111111'), /decided otherwise/],
  ['the actor', 2, ({ metadata }) => void (metadata.actor = 'authority'), /decided otherwise/],
  ['the time it was recorded', 2, ({ metadata }) => void (metadata.recordedAt = '2026-01-01T00:00:01.000Z'), /decided otherwise/],
  ['the policy version', 2, ({ metadata }) => void (metadata.policyVersion = 2), /decided otherwise/],
  ['the signature', 2, ({ metadata }) => void (metadata.signature = Buffer.alloc(64).toString('base64url')), /SignatureInvalid/],
  ['the signature of genesis', 0, ({ metadata }) => void (metadata.signature = Buffer.alloc(64).toString('base64url')), /genesis/],
  [
    'the signed text',
    1,
    ({ metadata }) => void (metadata.command = String(metadata.command).replace('"cores":8', '"cores":9')),
    /SignatureInvalid/,
  ],
  ['the spelling of the signed text', 1, ({ metadata }) => void (metadata.command = ` ${metadata.command}`), /decided otherwise/],
  ['the signed text away', 1, ({ metadata }) => void delete metadata.command, /not decided by any command/],
  ['the facts away', 2, ({ metadata }) => void delete metadata.facts, /facts|object/],
  ['the revision of a fact', 2, ({ metadata }) => void fact(metadata, 'node', { revision: 5 }), /comes later/],
  ['an older fact', 2, ({ metadata }) => void fact(metadata, 'node', { revision: -1 }), /NodeNotRegistered/],
  ['the stream of a fact', 2, ({ metadata }) => void fact(metadata, 'node', { stream: 'dux_node-other' }), /should name/],
  ['the rules', 1, ({ metadata }) => void (metadata.rules = 2), /decided by rules 2/],
  ['the type', 1, (event) => void (event.type = 'Unheard'), /no such event type/],
  ['the stream', 1, (event) => void (event.stream = 'dux_node-other'), /does not write this stream/],
  ['the namespace', 1, (event) => void (event.stream = 'other_node-a'), /no stream of this network/],
  ['the revision', 3, (event) => void (event.revision = 1), /follows revision -1/],
  [
    'the time far from the command',
    2,
    ({ metadata }) => void fact(metadata, undefined, { now: '2026-01-01T00:05:01.000Z' }),
    /CommandStale/,
  ],
]

function fact(metadata: Loose, name: string | undefined, change: Loose): void {
  const facts = metadata.facts as Loose
  Object.assign(name ? (facts[name] as Loose) : facts, change)
}

for (const [what, index, change, reason] of tamperings) {
  replay(`finds an event of which somebody changed ${what}`, async () => {
    const log = structuredClone(await someLog())
    change(log[index] as unknown as Parameters<typeof change>[0])
    const { events, difference } = await replayed(log)
    assert.is(events, index)
    assert.is(difference?.event, log[index])
    assert.match(difference!.reason, reason)
  })
}

replay('finds an event that is missing, doubled or out of place', async () => {
  const log = await someLog()
  for (const [changed, at] of [
    [log.toSpliced(1, 1), 1],
    [log.toSpliced(2, 0, log[1]!), 2],
    [[log[0]!, log[2]!, log[1]!, log[3]!], 1],
    [log.slice(1), 0],
  ] as const)
    assert.is((await replayed(changed)).difference?.event, changed[at])
})

replay.run()
