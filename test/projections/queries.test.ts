// What the read models answer, on a real Postgres.
import { rejects } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DomainEvent } from '../../domain/catalogue.ts'
import type { Profile } from '../../domain/node/events.ts'
import { batched } from '../../projections/batched.ts'
import type { NodeListing, NodePlace, NodeSort, NodeView } from '../../projections/node-directory.query.ts'
import { progress } from '../../projections/progress.ts'
import { ReadModelUnavailable } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { storedStatus } from '../../projections/status.ts'
import { closeStages, eventually, openStage, type Stage, seed } from './harness.ts'
import { extendHistory, founded, instant, keyOf, networkId, nodeId, profile, randomHistory, randomOf, vitals } from './history.ts'

const reads = suite('queries')
reads.after.each(closeStages)
console.log(`SEED=${seed}`)

const nodes = 25

/** Nodes 0 to 24: regions, capabilities and reputations in turn; the last has left, the first three send heartbeats. */
async function populated(): Promise<Stage> {
  const stage = await openStage()
  const { log } = stage
  await log.add(founded(), 0)
  for (let n = 0; n < nodes; n++)
    await log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(n), publicKey: keyOf(`${n}`), profile: profileOf(n) } }, 1 + n)
  for (let n = 0; n < nodes; n++) await rate(stage, n, (n * 7) % 100)
  for (let n = 0; n < 3; n++) {
    await log.add({ type: 'HeartbeatRecorded', data: { nodeId: nodeId(n), issuedAt: instant(60), vitals } }, 60 + n)
    await log.add(
      { type: 'NodeHealthChanged', data: { nodeId: nodeId(n), from: 'registered', to: 'healthy', reasons: [], at: instant(61) } },
      61 + n,
    )
  }
  await log.add({ type: 'NodeDeregistered', data: { nodeId: nodeId(nodes - 1) } }, 70)
  await stage.start().caughtUp()
  return stage
}

function profileOf(n: number): Profile {
  return { ...profile, region: ['eu-north', 'us-east'][n % 2]!, capabilities: n % 3 ? ['cpu'] : ['container', 'cpu'] }
}

function rate({ log }: Stage, n: number, reputation: number) {
  const data = {
    nodeId: nodeId(n),
    rule: 'custom',
    reason: 'a test',
    old: 50,
    new: reputation,
    delta: 1,
    applied: 1,
    clamped: false,
  }
  return log.add({ type: 'ReputationChanged', data }, 50)
}

async function all({ queries }: Stage, listing: Omit<NodeListing, 'limit' | 'after'>, limit: number): Promise<NodeView[]> {
  const found: NodeView[] = []
  let after: NodePlace | undefined
  do {
    const { value } = await queries.listNodes({ ...listing, limit, after })
    assert.ok(value.nodes.length <= limit)
    found.push(...value.nodes)
    after = value.next
  } while (after)
  return found
}

reads('a node is found with the position at which it is so', async () => {
  const stage = await populated()
  const head = (await stage.log.store.head())!.position
  const { value, position, generation } = await stage.queries.findNode(nodeId(1))
  assert.equal([position, generation], [head, 1])
  assert.equal(
    { ...value, changedPosition: 0n },
    {
      nodeId: nodeId(1),
      status: 'healthy',
      publicKey: keyOf('1'),
      profile: profileOf(1),
      reputation: 7,
      registeredAt: instant(2),
      updatedAt: instant(2),
      lastHeartbeatAt: instant(61),
      vitals,
      changedPosition: 0n,
    },
  )
  assert.ok(value!.changedPosition > 0n && value!.changedPosition < head)
  assert.is((await stage.queries.findNode(nodeId(nodes - 1))).value?.status, 'deregistered')
  assert.equal(await stage.queries.findNode('nobody'), { value: undefined, position: head, generation: 1 })
})

reads('many look-ups at once are few statements, each with its own answer', async () => {
  const stage = await populated()
  const asked = Array.from({ length: 300 }, (_, n) => nodeId(n % (nodes + 2)))
  const found = await Promise.all(asked.map((id) => stage.queries.findNode(id)))
  for (const [n, { value }] of found.entries()) assert.is(value?.nodeId, n % (nodes + 2) < nodes ? asked[n] : undefined)
})

reads('pages are complete and without repetition, in every order, whatever their size', async () => {
  const stage = await populated()
  const present = Array.from({ length: nodes - 1 }, (_, n) => nodeId(n)).sort()
  for (const sort of ['nodeId', 'registeredAt', 'updatedAt', 'reputation'] satisfies NodeSort[]) {
    for (const limit of [1, 7, 24, 100]) {
      const ascending = await all(stage, { sort }, limit)
      assert.equal(ascending.map((node) => node.nodeId).sort(), present)
      const places = ascending.map((node) => [node[sort], node.nodeId] as const)
      assert.equal(
        places,
        [...places].sort(([a, x], [b, y]) => (a < b || (a === b && x < y) ? -1 : 1)),
      )
      const descending = await all(stage, { sort, descending: true }, limit)
      assert.equal(descending, [...ascending].reverse())
    }
  }
})

reads('filters choose, alone and together', async () => {
  const stage = await populated()
  const chosen = async (filter: NodeListing['filter']) =>
    (await all(stage, { filter: filter! }, 10)).map((node) => node.nodeId).sort()
  const expected = (isChosen: (n: number) => boolean) =>
    Array.from({ length: nodes - 1 }, (_, n) => n).filter(isChosen).map((n) => nodeId(n)).sort() // biome-ignore format: one thought
  assert.equal(
    await chosen({ status: 'healthy' }),
    expected((n) => n < 3),
  )
  assert.equal(
    await chosen({ status: 'registered' }),
    expected((n) => n >= 3),
  )
  assert.equal(await chosen({ status: 'offline' }), [])
  assert.equal(
    await chosen({ region: 'us-east' }),
    expected((n) => n % 2 === 1),
  )
  assert.equal(
    await chosen({ capability: 'container' }),
    expected((n) => n % 3 === 0),
  )
  assert.equal(
    await chosen({ minReputation: 50 }),
    expected((n) => (n * 7) % 100 >= 50),
  )
  assert.equal(
    await chosen({ region: 'eu-north', capability: 'container', minReputation: 20, status: 'registered' }),
    expected((n) => n % 6 === 0 && (n * 7) % 100 >= 20 && n >= 3),
  )
  assert.equal(await chosen({ capability: "x' or true --" }), [])
})

reads('filters and orders are served by indexes', async () => {
  const stage = await populated()
  const { db } = stage.postgres
  await db.transaction().execute(async (tx) => {
    await sql`set local enable_seqscan = off`.execute(tx)
    const uses = async (where: string) =>
      (await sql<{ 'QUERY PLAN': string }>`explain select * from duxnet.nodes where ${sql.raw(where)} limit 10`.execute(tx)).rows
        .map((row) => row['QUERY PLAN'])
        .join(' ')
    for (const where of [
      `status = 'healthy' order by "nodeId"`,
      `region = 'x' order by "nodeId"`,
      `capabilities @> array['cpu']::text[]`,
      `(reputation, "nodeId") > (1, 'x') order by reputation, "nodeId"`,
      `(reputation, "nodeId") < (1, 'x') order by reputation desc, "nodeId" desc`,
      `("registeredAt", "nodeId") > ('x', 'x') order by "registeredAt", "nodeId"`,
      `("updatedAt", "nodeId") > ('x', 'x') order by "updatedAt", "nodeId"`,
    ])
      assert.match(await uses(where), /Index/, where)
  })
})

reads('paging over nodes that keep their place misses none and repeats none while others change and come', async () => {
  const stage = await populated()
  const seen: string[] = []
  let after: NodePlace | undefined
  let n = nodes
  do {
    const { value } = await stage.queries.listNodes({ sort: 'registeredAt', limit: 3, after })
    seen.push(...value.nodes.map((node) => node.nodeId))
    after = value.next
    await rate(stage, n % 5, n)
    await stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(n), publicKey: keyOf(`${n}`), profile } }, 100 + n)
    n++
  } while (after && n < nodes + 20)
  assert.is(new Set(seen).size, seen.length)
  for (let first = 0; first < nodes - 1; first++) assert.ok(seen.includes(nodeId(first)))
})

reads('histories page by revision in either direction', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  for (let n = 0; n < 10; n++) {
    await stage.log.add({ type: 'HeartbeatRecorded', data: { nodeId: nodeId(n % 2), issuedAt: instant(n), vitals } }, n)
    await rate(stage, n % 2, n)
    await stage.log.add(
      {
        type: 'NodeHealthChanged',
        data: { nodeId: nodeId(n % 2), from: 'healthy', to: 'offline', reasons: ['missed_heartbeats'], at: instant(n) },
      },
      n,
    )
  }
  await stage.start().caughtUp()
  const { nodeHeartbeats, nodeHealthHistory, nodeReputation, subjectEvents } = stage.queries
  for (const history of [nodeHeartbeats, nodeHealthHistory, nodeReputation]) {
    const first = await history(nodeId(1), { limit: 3 })
    assert.equal(
      first.value.items.map(({ revision }) => revision),
      [0, 1, 2],
    )
    assert.is(first.value.next, 2)
    const second = await history(nodeId(1), { limit: 3, after: first.value.next })
    assert.equal(
      second.value.items.map(({ revision }) => revision),
      [3, 4],
    )
    assert.is(second.value.next, undefined)
    const newest = await history(nodeId(1), { limit: 2, descending: true })
    assert.equal(
      newest.value.items.map(({ revision }) => revision),
      [4, 3],
    )
    const older = await history(nodeId(1), { limit: 5, descending: true, after: newest.value.next })
    assert.equal(
      older.value.items.map(({ revision }) => revision),
      [2, 1, 0],
    )
    assert.equal((await history('nobody', { limit: 5 })).value, { items: [], next: undefined })
  }
  const heartbeat = (await nodeHeartbeats(nodeId(1), { limit: 1 })).value.items[0]!
  assert.equal({ ...heartbeat, position: 0n }, { revision: 0, issuedAt: instant(1), recordedAt: instant(1), vitals, position: 0n })
  const events = await subjectEvents(`node:${nodeId(1)}`, { limit: 4, after: 4 })
  assert.equal(events.value.items.map(({ index, type }) => [index, type]), [[5, 'ReputationChanged'], [6, 'NodeHealthChanged'], [10, 'HeartbeatRecorded'], [11, 'ReputationChanged']]) // biome-ignore format: a list
  assert.is(events.value.next, 11)
  assert.equal(
    (await subjectEvents(`node:${nodeId(1)}`, { limit: 2, descending: true })).value.items.map(({ index }) => index),
    [30, 29],
  )
  const { stream } = events.value.items[0]!
  const ofStream = await stage.queries.streamEvents(stream, { limit: 2, after: 0 })
  assert.equal([ofStream.value.items.map(({ revision }) => revision), ofStream.value.next], [[1, 2], 2])
  const last = await stage.queries.streamEvents(stream, { limit: 9, after: 2, descending: true })
  assert.equal([last.value.items.map(({ revision }) => revision), last.value.next], [[1, 0], undefined])
  assert.equal((await stage.queries.streamEvents('dux_node-nobody', { limit: 9 })).value.items, [])
})

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** What escrow \`n\` between two of three wallets, its money and a proposal leave in the log, each with all the subjects it touches. */
function moneyOf(n: number): [DomainEvent, ...string[]][] {
  const [client, provider, escrowId] = [uuid(n % 3), uuid((n + 1) % 3), uuid(100 + n)]
  const ids = { escrowId, client, provider }
  const source = { kind: 'escrow', escrowId, leg: 'provider' } as const
  const all = [`escrow:${escrowId}`, `wallet:${client}`, `wallet:${provider}`] as const
  const proposalId = uuid(200 + n)
  return [
    [{ type: 'EscrowStarted', data: { ...ids, dueAt: instant(n) } }, ...all],
    [{ type: 'HoldPlaced', data: { walletId: client, holdId: escrowId, amount: '7' } }, all[0], all[1]],
    [{ type: 'EscrowExpired', data: { ...ids, reason: 'cancelled' } }, ...all],
    [{ type: 'CreditPosted', data: { walletId: provider, source, amount: '7', toShortfall: '0' } }, all[0], all[2]],
    [{ type: 'TransferSent', data: { walletId: client, transferId: uuid(n), to: provider, amount: '1' } }, all[1], all[2]],
    [{ type: 'ProposalWithdrawn', data: { proposalId } }, 'fund:community', `proposal:${proposalId}`],
  ]
}

reads('events are found by all that they touch, in pages of any size', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const touched = new Map<string, number[]>([[`network:${networkId}`, [0]]])
  let index = 0
  for (let n = 0; n < 7; n++)
    for (const [event, ...subjects] of moneyOf(n)) {
      await stage.log.add(event, ++index)
      for (const subject of subjects) touched.set(subject, [...(touched.get(subject) ?? []), index])
    }
  await stage.start().caughtUp()
  for (const [subject, indexes] of touched)
    for (const descending of [false, true])
      for (const limit of [1, 2, 3, 50]) {
        const found: number[] = []
        let after: number | undefined
        do {
          const { value } = await stage.queries.subjectEvents(subject, { limit, after, descending })
          assert.ok(value.items.length <= limit)
          found.push(...value.items.map(({ index }) => index))
          after = value.next
        } while (after !== undefined)
        assert.equal(found, descending ? indexes.toReversed() : indexes, `${subject} by ${limit}`)
      }
  assert.equal((await stage.queries.subjectEvents('wallet:nobody', { limit: 1 })).value, { items: [], next: undefined })
})

reads('a command is found by its id, with what it signed', async () => {
  const stage = await populated()
  const [first] = (await stage.queries.subjectEvents(`node:${nodeId(1)}`, { limit: 1 })).value.items
  const { value } = await stage.queries.findCommand(first!.commandId)
  assert.equal(value, [first])
  const event = JSON.parse(value[0]!.canonical)
  assert.equal(
    [event.type, event.metadata.commandId, event.metadata.publicKey],
    ['NodeRegistered', first!.commandId, value[0]!.signer],
  )
  assert.equal((await stage.queries.findCommand(networkId)).value, [])
})

reads('the network, its figures and what the health process looks at', async () => {
  const stage = await populated()
  const { value: network } = await stage.queries.network()
  const { changedPosition, ...data } = network!
  assert.equal(data, founded().data)
  assert.is(changedPosition, 0n)
  assert.equal((await stage.queries.stats()).value, {
    nodes: { registered: 21, healthy: 3, unhealthy: 0, offline: 0, deregistered: 1 },
    cores: 24 * 8,
    memoryBytes: 24 * profile.memoryBytes,
  })
  const { healthWatch } = stage.queries
  assert.equal(await healthWatch.changed(new Date(0), 10), [])
  const silent = await healthWatch.silent(new Date(instant(61)), 10)
  assert.equal(
    silent.map((node) => [node.nodeId, node.status, node.verdict, node.heartbeatAt]),
    [
      [nodeId(0), 'healthy', 'healthy', instant(60)],
      [nodeId(1), 'healthy', 'healthy', instant(61)],
    ],
  )
  const full = { ...vitals, memoryUsedBytes: vitals.memoryTotalBytes }
  await stage.log.add({ type: 'HeartbeatRecorded', data: { nodeId: nodeId(2), issuedAt: instant(99), vitals: full } }, 99)
  const head = (await stage.log.store.head())!.position
  await progress(stage.postgres.db).reached('health-watch', head, 20_000)
  assert.is(await healthWatch.position(), head)
  assert.equal(await healthWatch.changed(new Date(instant(98)), 10), [
    {
      nodeId: nodeId(2),
      status: 'healthy',
      verdict: 'unhealthy',
      reasons: ['memory'],
      heartbeatRevision: 1,
      heartbeatAt: instant(99),
    },
  ])
  assert.equal(await healthWatch.changed(new Date(instant(99)), 10), [])
})

reads('an answer is of the position it states', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const running = stage.start({ batchMax: 3 })
  await running.caughtUp()
  let isOver = false
  const changes: bigint[] = []
  const reading = (async () => {
    for (let count = 0; !isOver || count < 5; count++) {
      const { value, position } = await stage.queries.nodeReputation(nodeId(1), { limit: 1, descending: true })
      const [last] = value.items
      // Positions of this log are known: the newest row is the newest event of its kind at or before the stated position.
      assert.is(last?.position ?? -1n, changes.findLast((at) => at <= position) ?? -1n)
    }
  })()
  const random = randomOf(seed)
  for (let n = 0; n < 150; n++) {
    if (n % 3) await extendHistory(stage.log, random, 1, 1, n)
    else changes.push(await rate(stage, 1, n))
  }
  isOver = true
  await reading
})

reads('before anything was built, reads say so', async () => {
  const stage = await openStage()
  await rejects(() => stage.queries.stats(), ReadModelUnavailable)
  await rejects(() => stage.queries.findNode('x'), ReadModelUnavailable)
  await rejects(() => progress(stage.postgres.db).reached('network', 1n, 100), ReadModelUnavailable)
})

reads('who waits for a position is woken at it, told, and otherwise told how far it is', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 20)
  const running = stage.start()
  await running.caughtUp()
  const head = (await stage.log.store.head())!.position
  const waiting = progress(stage.postgres.db)
  assert.is(await waiting.reached('network', head, 5_000), head)
  assert.is(await waiting.reached('network', head - 1n, 0), head)
  assert.is(await waiting.reached('network', head + 1n, 30), head, 'in vain')
  assert.is(await waiting.reached('nonsense', 0n, 30), -1n)
  const later = Promise.all([waiting.reached('network', head + 1n, 20_000), waiting.reached('event-log', head + 1n, 20_000)])
  const position = await stage.log.add({ type: 'NodeDeregistered', data: { nodeId: nodeId(1) } }, 99)
  assert.equal(await later, [position, position])

  await running.stop()
  const told = waiting.reached('network', position + 1n, 20_000)
  await sleep(5)
  waiting.advanced('node-directory', position + 9n)
  waiting.advanced('network', position + 5n)
  assert.is(await told, position + 5n)
  const leaving = new AbortController()
  const left = waiting.reached('network', position + 99n, 20_000, leaving.signal)
  leaving.abort(new Error('gone'))
  await rejects(() => left, /gone/)
})

reads('the status in Postgres says what a projector in another process does', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 20)
  const clock = () => new Date()
  const running = stage.start()
  await running.caughtUp()
  await running.stop()
  const { db } = stage.postgres
  assert.ok(
    (await storedStatus(db, readModels, stage.log.store, clock)).every(
      ({ state, lagSeconds }) => state === 'live' && lagSeconds === 0,
    ),
  )
  await stage.log.addRaw('dux_node-x', { type: 'NodeExploded', data: {}, metadata: {} })
  const behind = await storedStatus(db, readModels, stage.log.store, () => new Date(Date.now() + 60_000))
  assert.ok(behind.every(({ lagSeconds, checkpointAgeSeconds }) => lagSeconds! > 59 && checkpointAgeSeconds! > 59))
  const again = stage.start()
  await again.until('network', ({ state }) => state === 'halted')
  await eventually(async () =>
    (await storedStatus(db, readModels, undefined, clock)).every(
      ({ state, poison, lagSeconds }) => state === 'halted' && poison?.type === 'NodeExploded' && lagSeconds === undefined,
    ),
  )
  const newer = readModels.map((projection) => ({
    ...projection,
    version: 2,
    name: projection.name === 'network' ? 'another' : projection.name,
  }))
  const states = (await storedStatus(db, newer, undefined, clock)).map(({ name, state, generation }) => [name, state, generation])
  assert.equal(states[readModels.findIndex(({ name }) => name === 'network')], ['another', 'building', 0])
})

reads('look-ups that fail fail all who asked together, and nobody after', async () => {
  let isBroken = true
  let statements = 0
  const find = batched(async (keys: readonly number[]) => {
    statements++
    await sleep(1)
    if (isBroken) throw new Error('away')
    return (key: number) => `${key} of ${keys.length}`
  })
  const failed = await Promise.allSettled([find(1), find(2)])
  assert.ok(failed.every(({ status }) => status === 'rejected'))
  isBroken = false
  assert.equal(await Promise.all([find(1), find(1), find(2)]), ['1 of 2', '1 of 2', '2 of 2'])
  assert.is(statements, 2)
})

reads.run()
