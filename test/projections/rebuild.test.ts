// New generations are built beside those that serve.
import { rejects } from 'node:assert/strict'
import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openReader } from '../../adapters/postgres/pool.ts'
import type { LogSource } from '../../projections/log-source.ts'
import { nodeDirectory } from '../../projections/node-directory.ts'
import { appended, keyed, type Projection } from '../../projections/projection.ts'
import { queries } from '../../projections/queries.ts'
import { type ReadModels, ReadModelUnavailable } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { schemaName } from '../../projections/schema.ts'
import { closeStages, eventually, openStage, type Stage, seed } from './harness.ts'
import { extendHistory, founded, instant, keyOf, nodeId, profile, randomHistory, randomOf, vitals } from './history.ts'

const rebuild = suite('rebuild')
rebuild.after.each(closeStages)
console.log(`SEED=${seed}`)

/** A log whose complete reading stops before the event with this index until it is let go on. */
function gated(source: LogSource, index: number) {
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  async function* readAll(options?: Parameters<LogSource['readAll']>[0]) {
    let count = options?.after ? index + 1 : 0
    for await (const event of source.readAll(options)) {
      if (count++ === index) {
        reached.resolve()
        await gate.promise
      }
      yield event
    }
  }
  const head = () => source.head()
  return {
    source: { readAll, head, subscribe: (options) => source.subscribe(options) } satisfies LogSource,
    reached: reached.promise,
    gate,
  }
}

async function schemas({ postgres }: Stage): Promise<string[]> {
  const { rows } = await sql<{
    name: string
  }>`select nspname as name from pg_namespace where nspname ~ '_v[0-9]+_g[0-9]+$' order by 1`.execute(postgres.db)
  return rows.map(({ name }) => name)
}

async function agrees(stage: Stage, projections: readonly Projection[] = readModels): Promise<void> {
  assert.equal(
    (await stage.verify(projections)).map(({ difference }) => difference),
    projections.map(() => undefined),
  )
}

rebuild('what serves goes on and takes in new events until the switch', async () => {
  const stage = await openStage()
  const random = randomOf(seed)
  await randomHistory(stage.log, random, 100)
  const { source, reached, gate } = gated(stage.log.store, 60)
  const running = stage.start()
  await running.caughtUp()
  await running.stop()
  const beside = stage.start({ source })
  await beside.caughtUp()
  const building = beside.projector.rebuild('all')
  await reached
  const before = await stage.queries.stats()
  await extendHistory(stage.log, random, 20, 5, 100)
  const head = (await stage.log.store.head())!.position
  await eventually(async () => (await stage.queries.stats()).position === head)
  assert.is((await stage.queries.stats()).generation, 1)
  assert.ok(head > before.position)
  assert.ok((await beside.projector.status()).every(({ state, generation }) => state === 'building' && generation === 1))
  gate.resolve()
  await building
  const after = await stage.queries.stats()
  assert.equal([after.generation, after.position], [2, head])
  await extendHistory(stage.log, random, 20, 5, 120)
  await beside.caughtUp()
  await agrees(stage)
  assert.equal(
    await schemas(stage),
    readModels.map((projection) => schemaName(projection, 2)).sort(),
    'the former generation is gone',
  )
})

rebuild('a read that began before the switch is answered from one generation, whichever', async () => {
  const stage = await openStage()
  const random = randomOf(seed)
  await randomHistory(stage.log, random, 60)
  const running = stage.start()
  await running.caughtUp()
  let isOver = false
  const reading = (async () => {
    const seen = new Set<number>()
    let last = -1n
    while (!isOver) {
      const { position, generation, value } = await stage.queries.subjectEvents(`node:${nodeId(1)}`, { limit: 1, descending: true })
      seen.add(generation)
      assert.ok(position >= last, 'the position never goes back')
      assert.ok(value.items.every((event) => event.position <= position))
      last = position
    }
    return seen
  })()
  for (let n = 0; n < 3; n++) {
    await extendHistory(stage.log, random, 10, 5, 60 + n * 10)
    await running.projector.rebuild('all')
  }
  isOver = true
  assert.ok((await reading).size > 1)
  await running.caughtUp()
  await agrees(stage)
})

rebuild('another version in the code is built at the start while the old one serves', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 50)
  const first = stage.start()
  await first.caughtUp()
  await first.stop()
  const next: Projection = { ...nodeDirectory, version: 2 }
  const projections = readModels.map((projection) => (projection.name === next.name ? next : projection))
  const { source, reached, gate } = gated(stage.log.store, 10)
  const running = stage.start({ projections, source })
  await reached
  assert.is((await stage.queries.stats()).generation, 1)
  await running.until('node-directory', ({ state, version }) => state === 'building' && version === 1)
  await running.until('network', ({ state }) => state === 'live')
  gate.resolve()
  await running.caughtUp()
  const [status] = (await running.projector.status()).filter(({ name }) => name === next.name)
  assert.equal([status!.version, status!.generation], [2, 2])
  assert.ok((await schemas(stage)).includes('node_directory_v2_g2'))
  assert.not((await schemas(stage)).includes('node_directory_v1_g1'))
  await agrees(stage, projections)

  // A program of the older version that still runs steps aside; it does not build against the newer one.
  await running.stop()
  const older = stage.start()
  await older.caughtUp()
  const newer = stage.start({ projections })
  await newer.caughtUp()
  await extendHistory(stage.log, randomOf(seed), 20, 5, 50)
  await older.until('node-directory', ({ state, detail }) => state === 'waiting' && detail === 'version 2 serves, not 1')
  await newer.until('node-directory', ({ state, lagSeconds }) => state === 'live' && lagSeconds === 0)
})

rebuild('a build that breaks off leaves nothing behind, and is made again', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 80)
  const { source, reached, gate } = gated(stage.log.store, 40)
  const running = stage.start({ source })
  await reached
  await stage.endSessions()
  await eventually(async () => (await schemas(stage)).length === 0)
  await rejects(() => stage.queries.stats(), ReadModelUnavailable)
  gate.resolve()
  await running.caughtUp()
  await agrees(stage)
  assert.is((await schemas(stage)).length, readModels.length)
  assert.is((await stage.queries.stats()).generation, 1)
})

rebuild('two processes that rebuild at once take turns', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 80)
  const one = stage.start()
  await one.caughtUp()
  const other = stage.start()
  await other.caughtUp()
  const built = await Promise.all([one.projector.rebuild('all'), other.projector.rebuild(['network', 'node-directory'])])
  assert.ok(built.flat().every(({ serving }) => serving))
  await agrees(stage)
  assert.is((await stage.queries.stats()).generation, 3)
  await rejects(() => one.projector.rebuild(['nonsense']), /no projection nonsense; there are: event-log/)
})

rebuild('the reader role reads what serves, before and after, and cannot write', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 30)
  const running = stage.start()
  await running.caughtUp()
  const reader = openReader<ReadModels>({ url: stage.readerUrl })
  try {
    const asked = queries(reader.db)
    assert.is((await asked.stats()).generation, 1)
    await running.projector.rebuild('all')
    assert.is((await asked.stats()).generation, 2)
    assert.is((await asked.findNode(nodeId(1))).generation, 2)
    assert.is((await asked.subjectEvents(`node:${nodeId(1)}`, { limit: 1 })).generation, 2)
    await rejects(() => sql`delete from duxnet.nodes`.execute(reader.db), /permission denied|read-only/)
  } finally {
    await reader.close()
  }
})

rebuild('a table with retention keeps what is young enough, to the hour, however it was made', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  /** Keyed rows can be too old as well: a row that is gone is folded from nothing. */
  const recent = keyed({
    columns: { nodeId: 'text', heartbeats: 'integer', recordedAt: 'instant' },
    key: 'nodeId',
    retain: { field: 'recordedAt', days: 2 },
    keys: (fact) => (fact.type === 'HeartbeatRecorded' ? [fact.data.nodeId] : []),
    evolve: (row, { metadata }, id) => ({ nodeId: id, heartbeats: (row?.heartbeats ?? 0) + 1, recordedAt: metadata.recordedAt }),
  })
  const days = appended({
    columns: { nodeId: 'text', revision: 'integer', recordedAt: 'instant' },
    key: ['nodeId', 'revision'],
    retain: { field: 'recordedAt', days: 1 },
    rows: ({ type, data, revision, metadata: { recordedAt } }) =>
      type === 'HeartbeatRecorded' ? [{ nodeId: data.nodeId, revision, recordedAt }] : [],
  })
  const projections: Projection[] = [...readModels, { name: 'recent', version: 1, tables: { recent, days } }]
  const first = stage.start({ projections })
  await first.caughtUp()
  await first.stop()
  const random = randomOf(seed)
  for (let n = 0; n < 10; n++) {
    const running = stage.start({ projections, batchMax: 1 + random(40) })
    for (let event = 0; event < 30; event++) {
      // About an hour apart, not always in order, and now and then days of silence.
      const seconds = (n * 30 + event) * 3600 - random(10_000) + (n > 5 ? 4 * 86_400 : 0)
      const heard = { nodeId: nodeId(random(3) + (n === 7 ? 10 : 0)), issuedAt: instant(seconds), vitals }
      await stage.log.add({ type: 'HeartbeatRecorded', data: heard }, Math.max(0, seconds))
    }
    await running.caughtUp()
    await running.stop()
    await agrees(stage, projections)
  }
  const { tables } = await foldLog(stage.log.store.readAll(), projections, { keepRows: true })
  const followed = tables.recent!
  assert.ok(followed.days!.length > 5 && followed.days!.length < 60)
  assert.ok(tables['node-heartbeats']!.heartbeats!.length < 300)
  const last = stage.start({ projections })
  await last.projector.rebuild('all')
  await last.caughtUp()
  await agrees(stage, projections)
})

rebuild('rows of every type of column survive COPY, upsert and reading', async () => {
  const stage = await openStage()
  await stage.log.add(founded(), 0)
  const awkward = ['', ' ', 'a\tb\nc\\d\r"e"{f},\\N', 'null', '{}', 'ünïcødé 🙂 \ufffd', "'; drop table x; --", '\\x00', '�']
  const columns = {
    id: 'text',
    text: 'text',
    list: 'list',
    json: 'json',
    bytes: 'bytes',
    integer: 'integer',
    position: 'position',
    boolean: 'boolean',
    none: 'text?',
    noBytes: 'bytes?',
    noList: 'list?',
    noJson: 'json?',
    noPosition: 'position?',
  } as const
  const all = keyed({
    columns,
    key: 'id',
    keys: ({ type }) => (type === 'NodeRegistered' ? awkward.map((text, n) => `${n} ${text}`) : []),
    evolve(row, fact, id) {
      const text = awkward[Number(id.split(' ')[0])]!
      return {
        id,
        text,
        list: [text, ...awkward],
        json: { [text]: [text, null, Number.MAX_SAFE_INTEGER, { a: true }] },
        bytes: Buffer.from([0, 92, 10, 255, fact.revision]),
        integer: (row?.integer ?? Number.MIN_SAFE_INTEGER) + 1,
        position: 2n ** 62n + fact.position,
        boolean: fact.revision % 2 === 0,
        none: null,
        noBytes: null,
        noList: null,
        noJson: null,
        noPosition: null,
      }
    },
  })
  const log = appended({
    columns: all.columns,
    key: ['id', 'integer'],
    rows: (fact) => all.keys(fact).map((id) => ({ ...all.evolve(null, fact, id)!, integer: fact.index })),
  })
  const projections: Projection[] = [{ name: 'all-types', version: 1, tables: { all, log } }]
  const running = stage.start({ projections })
  await running.caughtUp()
  const add = (n: number) =>
    stage.log.add({ type: 'NodeRegistered', data: { nodeId: nodeId(1), publicKey: keyOf('1'), profile } }, n)
  await add(1)
  await add(2)
  await running.caughtUp()
  await agrees(stage, projections)
  await running.projector.rebuild('all')
  await running.caughtUp()
  await agrees(stage, projections)
  await add(3)
  await running.caughtUp()
  await agrees(stage, projections)
})

rebuild.run()
