// The same log through real Postgres, however it is cut into batches and lives, makes the same rows as the fold in memory.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { closeStages, isLong, openStage, type Stage, seed } from './harness.ts'
import { extendHistory, founded, randomHistory, randomOf } from './history.ts'

const runner = suite('projector')
runner.after.each(closeStages)
console.log(`SEED=${seed}`)

async function equalsReplay(stage: Stage): Promise<void> {
  const { digests, position } = await foldLog(stage.log.store.readAll(), readModels)
  const verified = await stage.verify()
  assert.equal(verified.map(({ difference }) => difference).filter(Boolean), [])
  assert.equal(Object.fromEntries(verified.map(({ name, stored }) => [name, stored])), digests)
  assert.equal(Object.fromEntries(verified.map(({ name, folded }) => [name, folded])), digests)
  assert.ok(verified.every((one) => one.position === position))
  assert.is(verified.length, readModels.length)
}

runner('any batch sizes and any interruptions make the same rows and digests', async () => {
  const session = fc.record({
    events: fc.integer({ min: 1, max: 120 }),
    batchMax: fc.integer({ min: 1, max: 50 }),
    isHasty: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: 6 }), fc.nat(1_000_000), async (sessions, historySeed) => {
      const stage = await openStage()
      try {
        const random = randomOf(historySeed)
        await stage.log.add(founded(), 0)
        const first = stage.start()
        await first.caughtUp()
        await first.stop()
        let told = 0
        for (const { events, batchMax, isHasty } of sessions) {
          const running = stage.start({ batchMax })
          await extendHistory(stage.log, random, events, 5, told)
          told += events
          if (!isHasty) await running.caughtUp()
          await running.stop()
        }
        const last = stage.start()
        await last.caughtUp()
        await last.stop()
        await equalsReplay(stage)
        assert.is((await stage.queries.stats()).generation, 1, 'it was built once and followed since')
      } finally {
        await stage.close()
      }
    }),
    { seed, numRuns: isLong ? 60 : 5, endOnFailure: !isLong },
  )
})

runner('a build by COPY makes the same rows as following event by event', async () => {
  const stage = await openStage()
  await randomHistory(stage.log, randomOf(seed), 900)
  const running = stage.start()
  await running.caughtUp()
  await equalsReplay(stage)
  await running.projector.rebuild('all')
  await running.caughtUp()
  await running.stop()
  await equalsReplay(stage)
  assert.is((await stage.queries.stats()).generation, 2)
})

runner.run()
