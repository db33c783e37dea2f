// `duxnet eventstore`, through a client that we did not write: beside the same client on a server that stores nothing, which is
// what the client can do at best, and beside LMDB writing the same bytes as durably, without any client.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { EventStoreDBClient, type JSONType, jsonEvent, type ResolvedEvent } from '@eventstore/db-client'
import { encodeRecord } from '../../infra/embedded/eventstore/storage/record.ts'
import { standalone } from '../infra/eventstore/support.ts'
import { openBareLmdb } from './bare-lmdb.ts'
import {
  aim,
  type Contestant,
  expectCount,
  interleave,
  note,
  pick,
  printMachine,
  quantile,
  rate,
  scratch,
  table,
} from './harness.ts'
import { listen } from './listeners.ts'
import { type CannedEvent, startStub } from './stub-event-store.ts'

const callersAtOnce = [1, 64, 256] as const
const appendsOf = (callers: number) => (callers === 1 ? 500 : Math.ceil(8_192 / callers))
const eventsPerAppend = 100
const batchCallers = 16
const batchesPerCaller = 10
const eventsRead = 30_000
const listeners = 10
const eventsHeard = 4_000
const deliveries = 300

await using open = new AsyncDisposableStack()
printMachine(['@eventstore/db-client', 'lmdb'])
const data = scratch()

// An event of the size of ours.
const canned: CannedEvent = {
  stream: 'bench-heartbeat-7f3a9c52',
  type: 'HeartbeatRecorded',
  data: JSON.stringify({
    nodeId: randomUUID(),
    issuedAt: new Date().toISOString(),
    vitals: { cpu: 0.25, memory: 0.5, load: [1, 2, 3] },
  }),
  metadata: JSON.stringify({ commandId: randomUUID(), signer: 'x'.repeat(43), signature: 'y'.repeat(86), rules: 1 }),
}
const event = () =>
  jsonEvent({ type: canned.type, data: JSON.parse(canned.data) as JSONType, metadata: JSON.parse(canned.metadata) as JSONType })
const events = Array.from({ length: eventsPerAppend }, event)
const record = encodeRecord({
  id: randomUUID(),
  stream: Buffer.from(canned.stream),
  revision: 1,
  position: 1,
  type: Buffer.from(canned.type),
  isJson: true,
  created: Date.now(),
  metadata: Buffer.from(canned.metadata),
  data: Buffer.from(canned.data),
})
const records = Array.from({ length: eventsPerAppend }, () => record)

/** A server, and clients of it. */
interface Side {
  readonly name: string
  readonly client: EventStoreDBClient
  another(): EventStoreDBClient
  /** Events appended so far. */
  appended: number
}

function side(name: string, connectionString: string): Side {
  const another = () => {
    const client = EventStoreDBClient.connectionString(connectionString)
    open.defer(() => client.dispose())
    return client
  }
  return { name, another, client: another(), appended: 0 }
}

const store = await standalone(['--db', join(data, 'eventstore')])
open.defer(async () => void (await store.kill('SIGTERM')))
const stubServer = await startStub(canned)
open.defer(() => stubServer.close())
const [ours, stub] = [side('ours', store.connectionString), side('stub', stubServer.connectionString)]
const sides = [ours, stub]
const lmdb = await openBareLmdb(data)
open.defer(() => lmdb.close())
let putIntoLmdb = 0

const named = (who: string, what: string) => `${who}: ${what}`
const atOnce = (callers: number) => `${callers} ${callers === 1 ? 'caller' : 'callers'}`
const inBatches = `${batchCallers} callers, ${eventsPerAppend} events an append`

function appending(on: Side, callers: number): Contestant<number> {
  return {
    name: named(on.name, atOnce(callers)),
    round: () =>
      rate(callers, appendsOf(callers), async (caller) => {
        await on.client.appendToStream(`bench-${callers}-${caller}`, event())
        on.appended++
      }),
  }
}

function appendingMany(on: Side): Contestant<number> {
  return {
    name: named(on.name, inBatches),
    async round() {
      const batches = await rate(batchCallers, batchesPerCaller, async (caller) => {
        for (const event of events) event.id = randomUUID()
        await on.client.appendToStream(`bench-batch-${caller}`, events)
        on.appended += eventsPerAppend
      })
      return batches * eventsPerAppend
    },
  }
}

function putting(callers: number): Contestant<number> {
  return {
    name: named('LMDB', atOnce(callers)),
    round: () =>
      rate(callers, appendsOf(callers), async () => {
        putIntoLmdb++
        if (callers === 1) lmdb.putAlone(record)
        else await lmdb.put([record])
      }),
  }
}

const puttingMany: Contestant<number> = {
  name: named('LMDB', inBatches),
  async round() {
    const batches = await rate(batchCallers, batchesPerCaller, async () => {
      putIntoLmdb += eventsPerAppend
      await lmdb.put(records)
    })
    return batches * eventsPerAppend
  },
}

const appends = table(
  `Events appended, each of ${record.length} bytes as stored`,
  'a second',
  await interleave<number>([
    ...callersAtOnce.flatMap((callers) => [...sides.map((on) => appending(on, callers)), putting(callers)]),
    ...sides.map(appendingMany),
    puttingMany,
  ]),
)
const appendedBy = (who: string, callers: number) => appends[named(who, atOnce(callers))]!
for (const callers of [64, 256])
  aim(`ours / stub at ${callers} callers`, appendedBy('ours', callers) / appendedBy('stub', callers), { atLeast: 0.75 })
const wantedAlone = Math.min(2_000, 0.8 * appendedBy('LMDB', 1))
aim('a single caller / 2,000 a second or 0.8 of LMDB, what is less', appendedBy('ours', 1) / wantedAlone, { atLeast: 1 })
note('ours / stub at 1 caller', appendedBy('ours', 1) / appendedBy('stub', 1))
note(
  `ours / stub with ${eventsPerAppend} events an append`,
  appends[named('ours', inBatches)]! / appends[named('stub', inBatches)]!,
)

// A stream of its own in our store, to be read; the stub makes up as many as it is asked for.
for (let n = 0; n < eventsRead; n += eventsPerAppend) {
  for (const event of events) event.id = randomUUID()
  await ours.client.appendToStream('bench-read', events)
  ours.appended += eventsPerAppend
}

async function readOnce(what: string, from: AsyncIterable<ResolvedEvent>, wanted: number): Promise<number> {
  let read = 0
  const started = performance.now()
  for await (const { event } of from) if (event) read++
  const seconds = (performance.now() - started) / 1000
  expectCount(what, read, wanted)
  return read / seconds
}

const reading = (on: Side): Contestant<number>[] => [
  {
    name: named(on.name, 'a stream'),
    round: () => readOnce(on.name, on.client.readStream('bench-read', { maxCount: eventsRead }), eventsRead),
  },
  {
    name: named(on.name, '$all'),
    round: () => readOnce(on.name, on.client.readAll({ maxCount: eventsRead }), eventsRead),
  },
]
const reads = table('Events read', 'a second', await interleave(sides.flatMap(reading)))
for (const what of ['a stream', '$all'])
  aim(`ours / stub, ${what}`, reads[named('ours', what)]! / reads[named('stub', what)]!, { atLeast: 0.95 })

async function fanningOut(on: Side): Promise<Contestant<number>> {
  const { hear } = await listen(Array.from({ length: listeners }, on.another), 'bench-fan')
  return {
    name: named(on.name, `${listeners} subscribers`),
    async round() {
      const allHeard = hear(eventsHeard * listeners)
      const started = performance.now()
      for (let n = 0; n < eventsHeard; n += eventsPerAppend) {
        for (const event of events) event.id = randomUUID()
        await on.client.appendToStream('bench-fan', events)
        on.appended += eventsPerAppend
      }
      await allHeard
      return (eventsHeard * listeners) / ((performance.now() - started) / 1000)
    },
  }
}
const fan = table('Live events delivered', 'a second', await interleave(await Promise.all(sides.map(fanningOut))))
const heardBy = (who: string) => fan[named(who, `${listeners} subscribers`)]!
note('ours / stub', heardBy('ours') / heardBy('stub'))

async function delivering(on: Side): Promise<Contestant<{ p50: number; p99: number }>> {
  const { hear } = await listen([on.another()], 'bench-delivery')
  return {
    name: on.name,
    async round() {
      const milliseconds: number[] = []
      for (let n = 0; n < deliveries; n++) {
        const heard = hear(1)
        const started = performance.now()
        const answered = on.client.appendToStream('bench-delivery', event())
        await heard
        milliseconds.push(performance.now() - started)
        await answered
        on.appended++
      }
      return { p50: quantile(milliseconds, 0.5), p99: quantile(milliseconds, 0.99) }
    },
  }
}
const delivered = await interleave(await Promise.all(sides.map(delivering)))
const p50 = table(
  'From the call of append until a subscriber of another connection hears it, p50',
  'ms',
  pick(delivered, ({ p50 }) => p50),
)
table(
  'The same, p99',
  'ms',
  pick(delivered, ({ p99 }) => p99),
)
aim('append to live delivery, p50 in ms', p50.ours!, { atMost: 1 })

// Nothing lost, nothing doubled.
let stored = 0
for await (const { event } of ours.client.readAll()) if (event!.streamId.startsWith('bench-')) stored++
expectCount('events in the log', stored, ours.appended)
expectCount('records in LMDB', lmdb.count(), putIntoLmdb)
console.log(`\ncounts are exact: ${stored} events in the log, ${putIntoLmdb} records in LMDB`)
