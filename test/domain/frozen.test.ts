// Events as they were stored by every version ever released: all must decode, fold and hash as they did. A fixture is never changed.
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { deciders } from '../../commands/deciders.ts'
import { replayDecisions } from '../../commands/replay.ts'
import { decode, eventTypes, nameOf, schemaVersionOf, UnreadableEvent } from '../../domain/catalogue.ts'
import { type CanonicalEvent, canonicalEvent, type RecordedEvent, storedOf } from '../../domain/event.ts'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
import { type Category, parseStreamName } from '../../domain/stream.ts'

const frozen = suite('frozen events')

const directory = new URL('../frozen/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, directory), 'utf8')
const fixtures = readdirSync(directory).filter((name) => name.endsWith('.json'))
const stored = (event: CanonicalEvent, position = 0n): RecordedEvent => ({ ...event, position, created: new Date(0) })

const fixtureOf = (type: string) => `${nameOf(type)}.v${schemaVersionOf(type)}.json`

frozen('every event type has a fixture, and every fixture its event type', () => {
  assert.equal([...fixtures].sort(), eventTypes.map(fixtureOf).sort())
})

/** Logs with the roots that they had when they were made. */
const logs: readonly [name: string, root: string][] = [
  ['log.v1.ndjson', '5eee03e3f7ab4fb0802289cda379478b7dfe4332b485aa70ca137587284d1287'],
  ['log.v2.ndjson', 'ae60b2d388e8e307f4e744af7e3ed12cf93f32cda7b62d1c5f03f47dd05c89d0'],
  ['log.v3.ndjson', '69d8319bfaf4a03ec10e34289c084c79d973a917438dc627cb1cb2e9bbf6827c'],
  ['log.v4.ndjson', 'f414a890992b52708bf4513802d3ebaaf8dd0ae40031b10a67ebb59af55d5619'],
  ['log.v5.ndjson', '1bef30bed5d5480e6df4c6f021c574cb41381abf837138e9e17221cb85c47ef2'],
]

const eventsOf = (name: string): CanonicalEvent[] =>
  read(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

for (const name of fixtures) {
  frozen(`${name} decodes and folds`, () => {
    const event: CanonicalEvent = JSON.parse(read(name))
    const fact = decode(stored(event))
    assert.is(fixtureOf(event.type), name)
    assert.equal(storedOf(fact as CanonicalEvent), event)
    assert.is(fact.metadata.schemaVersion, schemaVersionOf(fact.type))
    const { category } = parseStreamName('dux', event.stream)!
    const { initialState, evolve } = deciders[category as Category]
    const log = logs.map(([name]) => eventsOf(name)).find((log) => log.some(({ id }) => id === event.id)) ?? []
    const stream = log.filter(({ stream }) => stream === event.stream)
    const upTo = stream.filter(({ revision }) => revision <= event.revision).map((event) => decode(stored(event)))
    assert.is(upTo.at(-1)?.id, event.id)
    upTo.reduce((state, fact) => evolve(state, fact, fact.metadata.recordedAt), initialState)
  })
}

for (const [name, root] of logs) {
  const log = eventsOf(name)

  frozen(`${name} has the bytes and the root that it had`, () => {
    assert.is(`${log.map(canonicalEvent).join('\n')}\n`, read(name))
    const tree = log.reduce((tree, event) => appendLeaf(tree, leafHash(canonicalEvent(event))), emptyTree)
    assert.is(rootOf(tree).toString('hex'), root)
  })

  frozen(`every decision of ${name} is made again as it was`, async () => {
    async function* events() {
      for (const [index, event] of log.entries()) yield stored(event, BigInt(index))
    }
    const replayed = await replayDecisions(events(), { namespace: 'dux', verify: verifySignature })
    assert.equal(replayed, { events: log.length, difference: undefined })
  })
}

frozen('an event that cannot be read says what and where it is', () => {
  const event: CanonicalEvent = JSON.parse(read('NodeRegistered.v1.json'))
  const { data, metadata } = event as unknown as { data: Record<string, unknown>; metadata: Record<string, unknown> }
  const unreadable: [why: RegExp, change: object][] = [
    [/no such event type/, { type: 'Unheard' }],
    [/no such event type/, { type: 'toString' }],
    [/data\.nodeId/, { data: { ...data, nodeId: 7 } }],
    [/extra/, { data: { ...data, extra: 1 } }],
    [/metadata\.signature/, { metadata: { ...metadata, signature: '' } }],
    [/metadata/, { metadata: null }],
  ]
  for (const [why, change] of unreadable)
    try {
      decode(stored({ ...event, ...change }, 42n))
      assert.unreachable(`it was read in spite of ${why}`)
    } catch (error) {
      assert.instance(error, UnreadableEvent)
      assert.match((error as Error).message, why)
      assert.match((error as Error).message, /dux_node-\w+@0 \(position 42\)/)
    }
})

frozen.run()
