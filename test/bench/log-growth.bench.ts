// Whether the event store stays as fast and as small as its log grows: the same measures on 10⁴ to 5·10⁶ events in 50,000 streams.
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BACKWARDS, END, EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client'
import { type Standalone, standalone } from '../infra/eventstore/support.ts'
import { expectCount, printMachine, quantile, rate, rounds, scratch } from './harness.ts'

const sizes = [10_000, 100_000, 1_000_000, 5_000_000].filter((size) => size <= Number(process.env.EVENTS ?? 5_000_000))
const streams = 50_000
const eventsPerAppend = 100
const fillers = 16
const eventsRead = 20_000
const lone = 300
const coldReads = 200
const atOnce = 64
const appendsAtOnce = 50

const directory = scratch()
const data = { nodeId: randomUUID(), vitals: { cpu: 0.25, memory: 0.5 }, note: 'x'.repeat(80) }
const event = () => jsonEvent({ type: 'HeartbeatRecorded', data, metadata: { commandId: randomUUID() } })
const streamOf = (n: number) => `bench_heartbeat-${String(n % streams).padStart(12, '0')}`

let written = 0
let hotEvents = 0
const streamsWritten = new Set<string>()
const client = (store: Standalone) => EventStoreDBClient.connectionString(store.connectionString)

/** Fills the log up to a size: a hundredth of the events goes to one stream, the others to one after the other. */
async function fill(on: EventStoreDBClient, size: number): Promise<void> {
  const fillOne = async () => {
    while (written < size) {
      const count = Math.min(eventsPerAppend, size - written)
      const first = written
      written += count
      const chunk = Math.floor(first / eventsPerAppend)
      const isHot = chunk % 100 === 0
      if (isHot) hotEvents += count
      const stream = isHot ? 'bench_hot' : streamOf(chunk * 7_919)
      streamsWritten.add(stream)
      await on.appendToStream(stream, Array.from({ length: count }, event))
    }
  }
  await Promise.all(Array.from({ length: fillers }, fillOne))
}

async function append(on: EventStoreDBClient, stream: string): Promise<void> {
  await on.appendToStream(stream, event())
  streamsWritten.add(stream)
  written++
}

async function readRate(read: () => AsyncIterable<ResolvedEvent>): Promise<number> {
  const started = performance.now()
  let count = 0
  for await (const _ of read()) count++
  return count / ((performance.now() - started) / 1000)
}

let nextCold = 0

/** Short streams, another one each time. */
async function readColdStreams(on: EventStoreDBClient): Promise<number> {
  const names = [...streamsWritten]
  let count = 0
  const seconds =
    coldReads /
    (await rate(8, coldReads / 8, async () => {
      nextCold = (nextCold + 7_919) % names.length
      for await (const _ of on.readStream(names[nextCold]!, { maxCount: eventsPerAppend })) count++
    }))
  return count / seconds
}

/** The median of some rounds, behind one that does not count. */
async function median(measure: () => Promise<number>): Promise<number> {
  const figures: number[] = []
  for (let round = -1; round < rounds; round++) {
    const figure = await measure()
    if (round >= 0) figures.push(figure)
  }
  return quantile(figures, 0.5)
}

function memory(store: Standalone): { readonly anonymous: number; readonly mapped: number } {
  const status = readFileSync(`/proc/${store.process.pid}/status`, 'utf8')
  const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) / 1024
  return { anonymous: mebibytes('RssAnon'), mapped: mebibytes('RssFile') }
}

async function start() {
  const started = performance.now()
  const store = await standalone(['--db', directory])
  return { store, seconds: (performance.now() - started) / 1000 }
}

const columns = [
  'events',
  'log MB',
  'alone/s',
  `${atOnce} at once/s`,
  '$all/s',
  'backwards/s',
  'hot/s',
  'cold/s',
  'start s',
  'filled MB',
  'idle MB',
  'busy MB',
  'mapped MB',
]
const row = (cells: readonly (string | number)[]) =>
  console.log(cells.map((cell) => (typeof cell === 'number' ? figure(cell) : cell).padStart(12)).join(''))
const figure = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2))

printMachine(['@eventstore/db-client'])
console.log(
  `\nThe log as it grows (medians of ${rounds} rounds; MB: RssAnon when it was filled, after the next start, and after the measures; RssFile)`,
)
row(columns)
let { store } = await start()
for (const size of sizes) {
  const filling = client(store)
  await fill(filling, size)
  await filling.dispose()
  const filled = memory(store)
  if ((await store.kill('SIGTERM')) !== 0) throw new Error('the store did not stop cleanly')
  const opened = await start()
  store = opened.store
  const idle = memory(store)
  const on = client(store)
  const middle = await middleOf(on)
  const alone = await median(() => rate(1, lone, () => append(on, 'bench_alone')))
  const together = await median(() => rate(atOnce, appendsAtOnce, (caller) => append(on, streamOf(caller * 31))))
  const all = await median(() => readRate(() => on.readAll({ fromPosition: middle, maxCount: eventsRead })))
  const backwards = await median(() =>
    readRate(() => on.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: eventsRead })),
  )
  const hot = await median(() => readRate(() => on.readStream('bench_hot', { maxCount: eventsRead })))
  const cold = await median(() => readColdStreams(on))
  const busy = memory(store)
  row([
    size,
    statSync(join(directory, 'log')).size / 1e6,
    alone,
    together,
    all,
    backwards,
    hot,
    cold,
    opened.seconds,
    filled.anonymous,
    idle.anonymous,
    busy.anonymous,
    busy.mapped,
  ])
  await on.dispose()
}

/** A position half-way. */
async function middleOf(on: EventStoreDBClient): Promise<{ commit: bigint; prepare: bigint }> {
  let newest = 0n
  for await (const { event } of on.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }))
    newest = event!.position!.commit
  return { commit: newest / 2n, prepare: newest / 2n }
}

await store.kill('SIGTERM')
const { store: last } = await start()
const counting = client(last)
let found = 0
for await (const { event: stored } of counting.readStream('bench_hot')) if (stored) found++
expectCount('events of the hot stream', found, hotEvents)
await counting.dispose()
await last.kill('SIGTERM')
