// A projector to be killed: makes the log of argv[4] events from the seed argv[3] (the same in every process) and follows it into
// the database argv[2] in small batches.
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { createProjector } from '../../projections/projector.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { randomHistory, randomOf, testLog } from './history.ts'

const [url, seed, count] = process.argv.slice(2)
const log = testLog()
await randomHistory(log, randomOf(Number(seed)), Number(count))
const { db, pool } = openWriter<ReadModels>({ url: url! })
const projector = createProjector({
  projections: readModels,
  source: log.store,
  db,
  copyTransaction: (work) => copyTransaction(pool, work),
  clock: () => new Date(),
  onAdvance: (name, position) => name === 'network' && console.log(String(position)),
  batchMax: 3,
})
await projector.run(new AbortController().signal)
