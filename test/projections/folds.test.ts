// What each read model makes of events, without Postgres.
import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DomainEvent, UnreadableEvent } from '../../domain/catalogue.ts'
import { canonicalEvent, type RecordedEvent } from '../../domain/event.ts'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { byKey, tableDigest } from '../../projections/digest.ts'
import { FoldFailed } from '../../projections/fold.ts'
import { appended, keyed, type Projection, type Row } from '../../projections/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { type Folded, foldLog } from '../../projections/replay.ts'
import {
  authority,
  founded,
  instant,
  keyOf,
  networkId,
  nodeId,
  profile,
  randomHistory,
  randomOf,
  testLog,
  vitals,
} from './history.ts'

const folds = suite('folds')
const id = nodeId(1)
const registered: DomainEvent = { type: 'NodeRegistered', data: { nodeId: id, publicKey: keyOf('1'), profile } }
const deregistered: DomainEvent = { type: 'NodeDeregistered', data: { nodeId: id } }
const heard = (change: Partial<typeof vitals> = {}): DomainEvent => ({
  type: 'HeartbeatRecorded',
  data: { nodeId: id, issuedAt: instant(0), vitals: { ...vitals, ...change } },
})
const became = (to: 'healthy' | 'unhealthy' | 'offline', from: 'registered' | 'healthy' = 'healthy'): DomainEvent => ({
  type: 'NodeHealthChanged',
  data: { nodeId: id, from, to, reasons: to === 'offline' ? ['missed_heartbeats'] : [], at: instant(0), heartbeatRevision: 0 },
})
const rated = (old: number, now: number): DomainEvent => ({
  type: 'ReputationChanged',
  data: { nodeId: id, rule: 'task_success', old, new: now, delta: 10, applied: now - old, clamped: now - old !== 10 },
})

/** Events a second apart, folded; the first is the founding. */
async function given(...events: readonly DomainEvent[]): Promise<Folded & { events: RecordedEvent[] }> {
  const log = testLog()
  await log.add(founded(), 0)
  for (const [index, event] of events.entries()) await log.add(event, index + 1)
  const recorded: RecordedEvent[] = []
  for await (const event of log.store.readAll()) recorded.push(event)
  return { ...(await foldLog(recorded, readModels, { keepRows: true })), events: recorded }
}

const only = ({ tables }: Folded, projection: string, table: string): Row => {
  const rows = tables[projection]![table]!
  assert.is(rows.length, 1)
  return rows[0]!
}
const node = (folded: Folded) => only(folded, 'node-directory', 'nodes')
const watch = (folded: Folded) => only(folded, 'health-watch', 'watchedNodes')

folds('node-directory: a registered node begins with the reputation of the policy', async () => {
  const folded = await given(registered)
  assert.equal(node(folded), {
    nodeId: id,
    status: 'registered',
    publicKey: keyOf('1'),
    ...profile,
    reputation: 50,
    registeredAt: instant(1),
    updatedAt: instant(1),
    lastHeartbeatAt: null,
    vitals: null,
    changedPosition: folded.events[1]!.position,
  })
  const log = testLog()
  await log.add(founded({ ...initialPolicy, reputation: { ...initialPolicy.reputation, start: 7 } }), 0)
  await log.add(registered, 1)
  assert.is(node(await foldLog(log.store.readAll(), readModels)).reputation, 7)
})

folds('node-directory: profile, key, heartbeat, health and reputation each change their part', async () => {
  const other = { ...profile, region: 'us-east', capabilities: ['gpu-cuda'] }
  const folded = await given(
    registered,
    { type: 'NodeUpdated', data: { nodeId: id, profile: other } },
    { type: 'NodeKeyChanged', data: { nodeId: id, previousKey: keyOf('1'), publicKey: keyOf('2'), by: 'node' } },
    heard({ cpuPermille: 5 }),
    became('healthy', 'registered'),
    rated(50, 60),
  )
  assert.equal(node(folded), {
    nodeId: id,
    status: 'healthy',
    publicKey: keyOf('2'),
    ...other,
    reputation: 60,
    registeredAt: instant(1),
    updatedAt: instant(3),
    lastHeartbeatAt: instant(4),
    vitals: { ...vitals, cpuPermille: 5 },
    changedPosition: folded.events[6]!.position,
  })
})

folds('node-directory: a node that left stays as such, whatever was decided while it left', async () => {
  const folded = await given(registered, deregistered, heard(), became('healthy'))
  assert.is(node(folded).status, 'deregistered')
  assert.is(node(folded).updatedAt, instant(2))
  assert.is(node(folded).lastHeartbeatAt, instant(3))
})

folds('node-directory: what is about a node that nobody knows makes no row', async () => {
  const folded = await given(deregistered, heard(), became('healthy'), rated(50, 60))
  assert.equal(folded.tables['node-directory']!.nodes, [])
})

folds('node-heartbeats, node-health and reputation-history keep one row an event', async () => {
  const folded = await given(registered, heard(), heard(), became('offline'), rated(95, 100))
  assert.equal(
    folded.tables['node-heartbeats']!.heartbeats!.map(({ revision, recordedAt }) => [revision, recordedAt]),
    [
      [0, instant(2)],
      [1, instant(3)],
    ],
  )
  assert.equal(only(folded, 'node-health', 'healthChanges'), {
    nodeId: id,
    revision: 0,
    from: 'healthy',
    to: 'offline',
    reasons: ['missed_heartbeats'],
    at: instant(0),
    recordedAt: instant(4),
    heartbeatRevision: 0,
    position: folded.events[4]!.position,
  })
  assert.equal(only(folded, 'reputation-history', 'reputationChanges'), {
    nodeId: id,
    revision: 0,
    rule: 'task_success',
    reason: null,
    old: 95,
    new: 100,
    delta: 10,
    applied: 5,
    clamped: true,
    recordedAt: instant(5),
    position: folded.events[5]!.position,
  })
})

folds('network: the founding is one row', async () => {
  const row = only(await given(registered), 'network', 'networks')
  assert.is(row.kind, 'test')
  assert.is(row.authority, authority)
  assert.equal(row.policy, initialPolicy)
})

folds('network: its keys and roles as they stand', async () => {
  const quorum = { members: [keyOf('arbiter')], threshold: 1 }
  const folded = await given(
    { type: 'ServiceKeyChanged', data: { networkId, role: 'settlement', publicKey: keyOf('settlement') } },
    registered,
    { type: 'QuorumChanged', data: { networkId, role: 'arbiters', quorum } },
  )
  const row = only(folded, 'network', 'networks')
  assert.equal(row.serviceKeys, { health: keyOf('health'), settlement: keyOf('settlement') })
  assert.equal([row.arbiters, row.stewards], [quorum, { members: [keyOf('steward')], threshold: 1 }])
  assert.is(row.changedPosition, folded.events[3]!.position)
})

folds('event-log: dense indexes, canonical text and Merkle leaves', async () => {
  const { tables, events } = await given(registered, heard(), rated(50, 60))
  const rows = tables['event-log']!.events!
  assert.equal(
    rows.map(({ index, type, subject }) => [index, type, subject]),
    [
      [0, 'NetworkFounded', `network:${networkId}`],
      [1, 'NodeRegistered', `node:${id}`],
      [2, 'HeartbeatRecorded', `node:${id}`],
      [3, 'ReputationChanged', `node:${id}`],
    ],
  )
  for (const [index, row] of rows.entries()) {
    const { position, ...event } = events[index]!
    assert.is(row.position, position)
    assert.is(row.canonical, canonicalEvent(event))
    assert.equal(row.leaf, leafHash(canonicalEvent(event)))
  }
})

folds('merkle-log: the tree over all leaves, and the roots of its full tiles', async () => {
  const { tables } = await given(registered, ...Array.from({ length: 600 }, (_, n) => rated(n % 100, (n + 1) % 100)))
  const leaves = tables['event-log']!.events!.map(({ leaf }) => leaf as Buffer)
  const tree = leaves.reduce(appendLeaf, emptyTree)
  const [row] = tables['merkle-log']!.logTree!
  assert.equal([row!.size, row!.subtrees], [602, Buffer.concat(tree.subtrees)])
  const roots = [0, 1].map((tile) => rootOf(leaves.slice(tile * 256, (tile + 1) * 256).reduce(appendLeaf, emptyTree)))
  assert.equal(tables['merkle-log']!.logHashes, [
    { level: 1, index: 0, hash: roots[0] },
    { level: 1, index: 1, hash: roots[1] },
  ])
})

folds('health-watch: an item is open while the status is not the verdict of the last heartbeat', async () => {
  assert.equal(watch(await given(registered)), {
    nodeId: id,
    status: 'registered',
    verdict: null,
    reasons: [],
    heartbeatRevision: null,
    heartbeatAt: null,
    open: false,
  })
  const first = watch(await given(registered, heard()))
  assert.equal([first.verdict, first.open, first.heartbeatRevision, first.heartbeatAt], ['healthy', true, 0, instant(2)])
  assert.is(watch(await given(registered, heard(), became('healthy', 'registered'))).open, false)
  const full = watch(
    await given(registered, heard(), became('healthy', 'registered'), heard({ memoryUsedBytes: vitals.memoryTotalBytes })),
  )
  assert.equal([full.verdict, full.reasons, full.open, full.heartbeatRevision], ['unhealthy', ['memory'], true, 1])
  assert.is(watch(await given(registered, heard(), became('offline'))).open, true)
})

folds('health-watch: a node that left opens nothing', async () => {
  const row = watch(await given(registered, heard(), deregistered, heard(), became('healthy')))
  assert.equal([row.status, row.open], ['deregistered', false])
})

folds('the same log makes the same digests, another makes others', async () => {
  const one = testLog()
  const other = testLog()
  await randomHistory(one, randomOf(5), 200)
  await randomHistory(other, randomOf(5), 200)
  const digests = async (log: typeof one, keepRows: boolean) =>
    (await foldLog(log.store.readAll(), readModels, { keepRows })).digests
  assert.equal(await digests(one, false), await digests(other, true))
  assert.is(Object.keys(await digests(one, false)).length, readModels.length)
  await other.add(rated(1, 2), 0)
  const before = await digests(one, false)
  const after = await digests(other, false)
  assert.equal(
    Object.keys(before).filter((name) => before[name] !== after[name]),
    ['event-log', 'merkle-log', 'node-directory', 'reputation-history'],
  )
})

folds('digests are pinned and know nothing of positions: another format would make every published one worthless', async () => {
  const { events, digests } = await given(registered, heard(), became('healthy', 'registered'), rated(50, 60))
  assert.equal(digests, {
    'event-log': '98fd7e1b88292aa1fe9fe291b81844c446b7dbe29a214b93ab47df47b3798653',
    'merkle-log': 'd91f19119327462a6bd1225d2b20f4a18b2d29e60b6d6bd20844e03c363d1832',
    network: 'ec7a2d5011ff2304fee2e6a8c2fb461df2118bf7e8e7735fb3bbc2b5d4aa43b5',
    'node-directory': '97a085698100ca4a8248e9180b95f3701d894246ae12c9a14895100405ff1ae5',
    'node-heartbeats': 'c07b1e88c0184cf15f4a16cf20188221ad5df05f73e09ef23383adbe6011aa1a',
    'node-health': '950bb77753d5578e9e14b6ff19b8b9204048e6c4c8eb66a9c48fabb9eaba87dd',
    'reputation-history': 'b5cd3933b8bca6ae7b7a2ea215596497f713fb605c9084ec0ed769e18de6d09e',
    'health-watch': '0e4fb0cfb48d3307794da248a7d9a75dec9545247e11e94736ef3ea691d859ac',
    settlement: '2c12d872e3c0241b8901047350fe9fdfb9e57bbd6757649632fb63567465b1c8',
    airdrops: '4e5b9990387ec1dac05a61d152a68aa6b00aaf2cee87287ef5ab9e96ce861380',
    'wallet-balances': '6473cbb80798e5b8602b968dc4f2e6b98c7d3b0dc72de69068c75e2f6ff506af',
    'chain-work': 'f8dc2d7d040ed0bfd7fe1323e9599a27edcf58f065bd3b5e898e483dc935ba2e',
    ledger: 'c05ee1814c07a5406717f97f3542b0a8b655441e0d006628bd75a1f500b8a447',
    'escrow-summary': '177e54a98b0d7465bfc554975a786edc3cc3239743208a41410e4f32c8951915',
    'community-fund': '3080c69f23e2266bfd2f16f9470396a170b8f78020f9b56bdab3b4e94702863e',
    reconciliation: 'a7202debb14643af71834d106b25d8fef8517eb231bddac586ee9540b8dac5e9',
    withdrawals: 'ceee1237581c96acf0654e6c9c19e3888e6269fecce17bf29bb70f76fb1e3d8f',
    deposits: '51857c42caa17942accfbec39a2a373cecba0dc1fdd256c434c5248b4cf14f72',
  })
  const elsewhere = events.map((event) => ({ ...event, position: event.position * 3n + 11n, created: new Date(0) }))
  assert.equal((await foldLog(elsewhere, readModels)).digests, digests)
})

folds('a log with an event that nobody can read, or that no fold can bear, is not folded', async () => {
  const log = testLog()
  await log.add(founded(), 0)
  await log.addRaw('dux_node-x', { type: 'NodeExploded', data: {}, metadata: {} })
  const failed = await foldLog(log.store.readAll(), readModels).catch((error: unknown) => error)
  assert.instance(failed, UnreadableEvent)

  const glass = keyed({
    columns: { id: 'text' },
    key: 'id',
    keys: () => ['x'],
    evolve() {
      throw new RangeError('it broke')
    },
  })
  const good = testLog()
  await good.add(founded(), 0)
  const broken = await foldLog(good.store.readAll(), [{ name: 'glass', version: 1, tables: { glass } }]).catch(
    (error: unknown) => error,
  )
  assert.instance(broken, FoldFailed)
  assert.match((broken as Error).message, 'glass cannot fold NetworkFounded at position 0')
})

folds('a table that says it ascends is held to it', async () => {
  const falling = appended({ columns: { n: 'integer' }, key: ['n'], ascending: true, rows: ({ index }) => [{ n: -index }] })
  const model: Projection = { name: 'falling', version: 1, tables: { falling } }
  const { events } = await given(registered)
  const failed = await foldLog(events, [model]).catch((error: unknown) => error)
  assert.match((failed as Error).message, 'falling is declared ascending and is not')
})

folds('rows sort by the bytes of their key, as Postgres sorts them', () => {
  const table = appended({ columns: { a: 'text', n: 'integer' }, key: ['a', 'n'], rows: () => [] })
  const rows = ['b', 'a', 'B', 'é', '\u{1f642}', '\uffff', ''].flatMap((a) => [{ a, n: 10 }, { a, n: 9 }]) // biome-ignore format: pairs
  const sorted = rows.sort(byKey(table)).map(({ a, n }) => `${a}${n}`)
  assert.equal(sorted, [
    '9',
    '10',
    'B9',
    'B10',
    'a9',
    'a10',
    'b9',
    'b10',
    'é9',
    'é10',
    '\uffff9',
    '\uffff10',
    '\u{1f642}9',
    '\u{1f642}10',
  ])
  const digest = tableDigest(table.columns)
  digest.add({ a: 'x', n: 1 })
  assert.is(digest.end(), createHash('sha256').update('{"a":"x","n":1}\n').digest('hex'))
})

folds.run()
