// Whether Postgres holds what the log makes, and where not.
import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { batches } from '../../projections/batches.ts'
import { eventLog } from '../../projections/event-log.ts'
import { nodeDirectory } from '../../projections/node-directory.ts'
import type { Projection } from '../../projections/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { eventBehind } from '../../projections/verify.ts'
import { closeStages, openStage, type Stage, seed } from './harness.ts'
import { extendHistory, nodeId, randomHistory, randomOf } from './history.ts'

const verification = suite('verify')
verification.after.each(closeStages)
console.log(`SEED=${seed}`)

async function differences(stage: Stage): Promise<string[]> {
  return (await stage.verify()).flatMap(({ difference }) => difference ?? [])
}

async function stopped(): Promise<Stage> {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 300)
  const running = stage.start()
  await running.caughtUp()
  await running.stop()
  assert.equal(await differences(stage), [])
  return stage
}

/** Schema of the first generation. */
const nodes = sql.table('node_directory_v1_g1.nodes')
const events = sql.table('event_log_v2_g1.events')

verification('a row that was changed, one that is missing and one too many are named', async () => {
  const stage = await stopped()
  const { db } = stage.postgres
  const { rows } = await sql<{ nodeId: string }>`select "nodeId" from ${nodes} order by 1`.execute(db)
  const id = rows[1]!.nodeId
  await sql`update ${nodes} set reputation = 4711 where "nodeId" = ${id}`.execute(db)
  let [difference, ...others] = await differences(stage)
  assert.equal(others, [])
  assert.match(difference!, `node-directory: nodes {"nodeId":"${id}"} is {`)
  assert.match(difference!, '"reputation":4711')
  assert.match(difference!, 'and the log makes')

  await sql`delete from ${nodes} where "nodeId" = ${id}`.execute(db)
  ;[difference, ...others] = await differences(stage)
  assert.match(difference!, `nodes {"nodeId":"${id}"} is missing, and the log makes {`)
  const last = rows.at(-1)!.nodeId
  await sql`delete from ${nodes} where "nodeId" = ${last}`.execute(db)
  await sql`insert into ${nodes} select 'zzz', status, "publicKey", cores, "memoryBytes", platform, arch, version, region, capabilities, reputation,
    "registeredAt", "updatedAt", "lastHeartbeatAt", vitals, "changedPosition" from ${nodes} limit 1`.execute(db)
  await sql`delete from ${nodes} where "nodeId" <> 'zzz'`.execute(db)
  ;[difference, ...others] = await differences(stage)
  assert.match(difference!, `nodes {"nodeId":"${rows[0]!.nodeId}"} is missing`)
})

verification('a difference in the event log, whose rows are not kept, is named too', async () => {
  const stage = await stopped()
  const { db } = stage.postgres
  await sql`update ${events} set position = position + 1 where index = 200`.execute(db)
  const [difference] = await differences(stage)
  assert.match(difference!, 'event-log: events {"index":200} is not what the log makes of row 200')
  await sql`update ${events} set position = position - 1 where index = 200`.execute(db)
  assert.equal(await differences(stage), [])
  const { folded, stored, position, generation } = (await stage.verify())[0]!
  assert.is(folded, stored)
  assert.equal([position, generation], [(await stage.log.store.head())!.position, 1])
  await sql`delete from ${events} where index = 300`.execute(db)
  assert.match((await differences(stage))[0]!, 'events ends after 300 rows, and the log makes 301')
})

verification('the event behind a row that differs is named, in keyed and in appended tables', async () => {
  const stage = await stopped()
  const { db } = stage.postgres
  const { rows } = await sql<{ nodeId: string }>`select "nodeId" from ${nodes} order by 1`.execute(db)
  const [id, gone] = [rows[1]!.nodeId, rows[2]!.nodeId]
  await sql`update ${nodes} set reputation = 4711 where "nodeId" = ${id}`.execute(db)
  await sql`update ${events} set position = position + 1 where index = 200`.execute(db)
  const verified = await stage.verify()
  const behind = async (projection: Projection) => {
    const { row, position } = verified.find(({ name }) => name === projection.name)!
    return eventBehind(stage.log.store, projection, row!, position)
  }
  assert.is((await behind(eventLog))!.index, 200)
  // What the directory shows of a node was made by an event of one of its streams, and by none that came later.
  const made = (await behind(nodeDirectory))!
  const shown = await sql<{ changedPosition: string }>`select "changedPosition" from ${nodes} where "nodeId" = ${id}`.execute(db)
  assert.ok(made.stream.endsWith(id))
  assert.is(String(made.position), String(shown.rows[0]!.changedPosition))
  await sql`update ${nodes} set "nodeId" = '0' where "nodeId" = ${gone}`.execute(db)
  const { row, position } = (await stage.verify()).find(({ name }) => name === nodeDirectory.name)!
  assert.equal(row, { table: 'nodes', key: { nodeId: '0' } })
  assert.is(await eventBehind(stage.log.store, nodeDirectory, row!, position), undefined)
})

verification('a projection that runs on meanwhile is compared where it is by then', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 100)
  const running = stage.start({ batchMax: 3 })
  await running.caughtUp()
  const adding = extendHistory(stage.log, randomOf(seed + 1), 300, 5, 100)
  for (let n = 0; n < 3; n++) assert.equal(await differences(stage), [])
  await adding
})

verification('a log that does not lead to the checkpoint is a difference', async () => {
  const stage = await stopped()
  stage.log.store.restore('dux', 100)
  for (const difference of await differences(stage)) assert.match(difference, 'the log does not hold event')
  assert.is((await differences(stage)).length, readModels.length)
})

verification('batches hand out whatever is there, and what came before a failure', async () => {
  let left = ''
  async function* source(fail: boolean) {
    try {
      for (let n = 0; n < 10; n++) {
        if (n === 5) await new Promise((resolve) => setTimeout(resolve, 5))
        yield n
      }
      if (fail) throw new Error(nodeId(1))
    } finally {
      left = 'left'
    }
  }
  const gathered: number[][] = []
  for await (const batch of batches(source(false), 3)) gathered.push(batch)
  assert.equal(gathered.flat(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.ok(gathered.every(({ length }) => length <= 3))
  assert.is(left, 'left')
  const seen: number[] = []
  let failure: unknown
  try {
    for await (const batch of batches(source(true), 100)) seen.push(...batch)
  } catch (error) {
    failure = error
  }
  assert.is(seen.length, 10)
  assert.is((failure as Error).message, nodeId(1))
  for await (const _ of batches(source(false), 2)) break
})

verification.run()
