// What goes wrong around a projector, and what it does about it.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reachedAt, readCheckpoints } from '../../projections/checkpoints.ts'
import { foldFact, tableFolds } from '../../projections/fold.ts'
import { logReader } from '../../projections/log-reader.ts'
import { nodeDirectory } from '../../projections/node-directory.ts'
import { keyed, type Projection } from '../../projections/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { writeSteps } from '../../projections/write.ts'
import { closeStages, eventually, openStage, type Stage, seed } from './harness.ts'
import { extendHistory, founded, keyOf, metadata, networkId, nodeId, profile, randomHistory, randomOf, testLog } from './history.ts'

const faults = suite('projector, faults')
faults.after.each(closeStages)
console.log(`SEED=${seed}`)

async function agrees(stage: Stage, projections: readonly Projection[] = readModels): Promise<void> {
  const verified = await stage.verify(projections)
  assert.equal(verified.map(({ difference }) => difference).filter(Boolean), [])
  assert.is(verified.length, projections.length)
}

faults('a projector that is killed at any moment goes on where its last transaction ended', async () => {
  const count = 600
  const log = testLog()
  await randomHistory(log, randomOf(seed), count)
  const stage = await openStage(log)
  // The tables exist, and all events are still to come.
  const empty = await openStageLike(stage)
  await empty.caughtUp()
  await empty.stop()
  for (let kill = 0; kill < 4; kill++) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'projector-child.ts'), stage.url, String(seed), String(count)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let advanced = 0
    await new Promise<void>((resolve) => {
      child.stdout.on('data', () => ++advanced === 6 && child.kill('SIGKILL'))
      child.on('exit', () => resolve())
    })
    assert.is(child.signalCode, 'SIGKILL')
    await agrees(stage)
  }
  const position = (await readCheckpoints(stage.postgres.db)).get('event-log')!.position
  assert.ok(position > 0n && position < (await log.store.head())!.position, 'the kills came in the middle')
  const last = stage.start()
  await last.caughtUp()
  await agrees(stage)
})

/** A projector on the stage's database and on the beginning of its log: the founding and nothing more. */
async function openStageLike(stage: Stage) {
  const beginning = testLog()
  await beginning.add(founded(), 0)
  return stage.start({ source: beginning.store })
}

faults('of two projectors the fenced one writes nothing, and both together make what one would', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const [one, other] = [stage.start({ batchMax: 4 }), stage.start({ batchMax: 7 })]
  await Promise.all([one.caughtUp(), other.caughtUp()])
  const random = randomOf(seed)
  for (let round = 0; round < 5; round++) {
    await extendHistory(stage.log, random, 60, 5, round * 60)
    await sleep(50)
  }
  await one.caughtUp()
  await other.caughtUp()
  await agrees(stage)
  assert.is((await stage.queries.stats()).generation, 1, 'they did not build twice')
  assert.ok([...one.said, ...other.said].includes('warn projections wait'), 'one was fenced and stepped back')
})

faults('a checkpoint that moved fences off the rows that were to be written with it', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const running = stage.start()
  await running.caughtUp()
  await running.stop()
  const { db } = stage.postgres
  const from = (await readCheckpoints(db)).get(nodeDirectory.name)!
  await stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(1), publicKey: keyOf('1'), profile } }, 1)
  const reader = logReader(from.log)
  const folds = tableFolds(nodeDirectory)
  let to = from as Parameters<typeof writeSteps>[1][number]['to']
  for await (const event of stage.log.store.readAll({ after: { position: from.position, eventId: from.eventId! } })) {
    const fact = reader.take(event)
    for (const fold of folds) foldFact(nodeDirectory, fold, fact)
    to = reachedAt(fact, reader.state.networkId)
  }
  const rows = async () => (await sql`select from duxnet.nodes`.execute(db)).rows.length
  for (const stale of [
    { ...from, position: from.position - 1n },
    { ...from, generation: from.generation + 1 },
  ]) {
    assert.is((await writeSteps(db, [{ from: stale, to, folds }])).size, 0)
    assert.is(await rows(), 0)
  }
  const network = (await readCheckpoints(db)).get('network')!
  const moved = await writeSteps(db, [
    { from: { ...from, position: 7n }, to, folds },
    { from: network, to, folds: [] },
  ])
  assert.equal([...moved], ['network'], 'a fenced step does not hold up another')
  assert.is(await rows(), 0)
  assert.equal([...(await writeSteps(db, [{ from, to, folds }]))], [nodeDirectory.name])
  assert.is(await rows(), 1)
})

faults('Postgres that goes away is waited for', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 20)
  const running = stage.start({ batchMax: 2 })
  await running.caughtUp()
  const random = randomOf(seed + 1)
  for (let round = 0; round < 3; round++) {
    await extendHistory(stage.log, random, 30, 5, 20 + round * 30)
    await stage.endSessions()
  }
  await running.caughtUp()
  await agrees(stage)
})

faults('a log that goes away is waited for', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 50)
  stage.log.store.goAway()
  const running = stage.start()
  const { detail } = await running.until('network', ({ detail }) => detail?.includes('away') ?? false)
  assert.match(detail!, 'the event store is away')
  stage.log.store.comeBack()
  await running.caughtUp()
  stage.log.store.goAway()
  stage.log.store.comeBack()
  await extendHistory(stage.log, randomOf(seed), 50, 5, 50)
  await running.caughtUp()
  await agrees(stage)
})

faults('an older copy of the log under a newer Postgres is noticed, at once and after a restart, until a rebuild', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 60)
  const running = stage.start()
  await running.caughtUp()
  stage.log.store.restore('dux', 40)
  for (const { name } of readModels) await running.until(name, ({ state }) => state === 'diverged')
  await running.stop()

  // The log grows past the checkpoint again: it is another log all the same.
  const copy = testLog(stage.log.store.connect())
  for (let n = 0; n < 40; n++) await copy.addRaw(`dux_node-other${n}`, { type: 'NodeRegistered', data: {}, metadata: {} })

  const restarted = stage.start()
  const { detail } = await restarted.until('node-directory', ({ state }) => state === 'diverged')
  assert.match(detail!, /should hold event|ends/)
  stage.log.store.restore('dux', 40)
  const built = await restarted.projector.rebuild('all')
  assert.ok(built.every(({ serving, poison }) => serving && !poison))
  await restarted.caughtUp()
  await agrees(stage)
  const { value, generation } = await stage.queries.subjectEvents(`node:${nodeId(1)}`, { limit: 1000 })
  assert.is(generation, 2)
  assert.ok(value.items.every(({ index }) => index < 40))
})

faults('a log of another network, as long as the old one, is noticed at the start', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 30)
  const running = stage.start()
  await running.caughtUp()
  await running.stop()
  const other = testLog()
  for (let n = 0; n < 60; n++) await other.add({ ...founded(), data: { ...founded().data, networkId: nodeUuid(n) } } as never, n)
  const misled = stage.start({ source: other.store })
  for (const { name } of readModels) await misled.until(name, ({ state }) => state === 'diverged')
})

function nodeUuid(n: number): string {
  return networkId.replace(/..$/, String(10 + n))
}

faults('an event that nobody can read halts all projections at it, and queries go on', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 30)
  const running = stage.start()
  await running.caughtUp()
  const good = (await stage.log.store.head())!.position
  const bad = await stage.log.addRaw('dux_node-x', { type: 'NodeExploded', data: {}, metadata: metadata(networkId, 31) })
  await stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(1), publicKey: keyOf('1'), profile } }, 32)
  for (const { name } of readModels) {
    const { poison, position } = await running.until(name, ({ state }) => state === 'halted')
    assert.is(position, good)
    assert.equal(
      { ...poison, id: '' },
      {
        position: String(bad),
        id: '',
        stream: 'dux_node-x',
        revision: 0,
        type: 'NodeExploded',
        error: `NodeExploded at dux_node-x@0 (position ${bad}): no such event type`,
      },
    )
  }
  assert.is((await stage.queries.stats()).position, good)
  assert.ok(running.said.includes('error projection network halted'))

  // A build comes as far and no further.
  const built = await running.projector.rebuild(['node-directory'])
  assert.equal(
    built.map(({ serving, poison }) => [serving, poison?.type]),
    [[true, 'NodeExploded']],
  )
  await running.until(
    'node-directory',
    ({ state, generation, position }) => state === 'halted' && generation === 2 && position === good,
  )
  await agrees(stage)
})

/** Nodes by id, and a fold that throws at the key given. */
function fragile(name: string, table: string, poison: string, version = 1): Projection {
  const seen = keyed({
    columns: { nodeId: 'text', events: 'integer' },
    key: 'nodeId',
    keys: ({ data }) => ('nodeId' in data ? [data.nodeId] : []),
    evolve(row, fact, key) {
      if (fact.type === 'NodeRegistered' && key === poison) throw new Error(`cannot bear ${key}`)
      return { nodeId: key, events: (row?.events ?? 0) + 1 }
    },
  })
  return { name, version, tables: { [table]: seen } }
}

faults('a fold that throws halts its projection at that event, whatever the batch, while the others go on', async () => {
  const stage = await openStage()
  const random = randomOf(seed)
  await stage.log.add(founded(), 0)
  const projections = [fragile('glass', 'glasses', nodeId(77)), fragile('steel', 'steels', '')]
  const running = stage.start({ projections })
  await running.caughtUp()
  stage.log.store.goAway()
  stage.log.store.comeBack()
  await extendHistory(stage.log, random, 13, 5, 1)
  const good = (await stage.log.store.head())!.position
  const bad = await stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(77), publicKey: keyOf('1'), profile } }, 20)
  await extendHistory(stage.log, random, 40, 5, 21)
  const head = (await stage.log.store.head())!.position
  const { poison, position } = await running.until('glass', ({ state }) => state === 'halted')
  assert.is(position, good)
  assert.equal([poison?.position, poison?.error], [String(bad), `cannot bear ${nodeId(77)}`])
  await running.until('steel', (status) => status.position === head)
  await running.stop()

  // It tries again in its next life, and halts there again; a version that can bear it is built and goes on.
  const again = stage.start({ projections })
  await again.until('glass', ({ state }) => state === 'halted')
  await again.until('steel', ({ state, position }) => state === 'live' && position === head)
  await again.stop()
  const healed = [fragile('glass', 'glasses', '', 2), projections[1]!]
  const better = stage.start({ projections: healed })
  await better.caughtUp()
  await agrees(stage, healed)

  // A build with the old fold comes to a halt before the generation that serves: that one stays.
  await better.stop()
  const worse = stage.start({ projections: [fragile('glass', 'glasses', nodeId(77), 3), projections[1]!] })
  const halted = await worse.until('glass', ({ state }) => state === 'halted')
  assert.equal([halted.version, halted.position], [2, head])
  await worse.until('steel', ({ state }) => state === 'live')
})

faults('a value that Postgres refuses halts only the projection it is of', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const wide = keyed({
    columns: { nodeId: 'text', text: 'text' },
    key: 'nodeId',
    indexes: [['text']],
    keys: ({ data }) => ('nodeId' in data ? [data.nodeId] : []),
    // Larger than an entry of an index may be, and nothing that could be compressed.
    evolve: (_, { type, revision }, key) =>
      type === 'ReputationChanged'
        ? { nodeId: key, text: Array.from({ length: 2000 }, (_, n) => keyOf(`${n}`)).join('') }
        : { nodeId: key, text: `${revision}` },
  })
  const projections = [{ name: 'wide', version: 1, tables: { wide } }, nodeDirectory]
  const running = stage.start({ projections })
  await running.caughtUp()
  await stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(1), publicKey: keyOf('1'), profile } }, 1)
  await stage.log.add({ type: 'NodeDeregistered', data: { nodeId: nodeId(1) } }, 2)
  const data = { nodeId: nodeId(1), rule: 'custom', old: 1, new: 2, delta: 1, applied: 1, clamped: false }
  const bad = await stage.log.add({ type: 'ReputationChanged', data }, 3)
  const { poison } = await running.until('wide', ({ state }) => state === 'halted')
  assert.is(poison?.position, String(bad))
  assert.match(poison!.error, 'index row')
  await running.until('node-directory', ({ position }) => position === bad)
})

faults('a log that does not begin with its founding is not folded', async () => {
  const stage = await openStage()
  await stage.log.add({ type: 'NodeDeregistered', data: { nodeId: nodeId(1) } }, 2)
  const running = stage.start()
  const { poison } = await running.until('network', ({ state }) => state === 'halted')
  assert.match(poison!.error, 'does not begin with NetworkFounded')
})

faults('a database that was emptied is filled again', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 50)
  const running = stage.start()
  await running.caughtUp()
  await sql`drop schema duxnet cascade`.execute(stage.postgres.db)
  await stage.log.add({ type: 'NodeDeregistered', data: { nodeId: nodeId(1) } }, 60)
  await eventually(async () => (await stage.verify().catch(() => [])).length === readModels.length)
  await running.caughtUp()
  await agrees(stage)
})

faults.run()
