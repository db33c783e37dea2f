// Requests that share transactions: what is durable, what fails, and in which order positions go.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Feed } from '../../../infra/embedded/eventstore/engine/feed.ts'
import { RecentIds } from '../../../infra/embedded/eventstore/engine/recent-ids.ts'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { Streams } from '../../../infra/embedded/eventstore/engine/streams.ts'
import { type Outcome, type Proposal, Writer } from '../../../infra/embedded/eventstore/engine/writer.ts'
import { type Commit, type Log, openLog } from '../../../infra/embedded/eventstore/storage/log.ts'

const test = suite('writer')

const burst = 100
const empty = Buffer.alloc(0)
const proposal = (): Proposal => ({ id: randomUUID(), type: Buffer.from('T'), isJson: true, metadata: empty, data: empty })

/** A writer on a log of which somebody else sees every transaction first. */
function open(before: (commit: Commit) => void) {
  const real = openLog(undefined)
  const write: Log['write'] = async (commit, isAlone) => {
    before(commit)
    await real.write(commit, isAlone)
  }
  const log: Log = Object.create(real, { write: { value: write } })
  const feed = new Feed(0)
  const writer = new Writer(log, new Streams(log), new RecentIds(), feed)
  const append = (stream: string, count: number) =>
    new Promise<Outcome>((resolve) => writer.append(stream, any, Array.from({ length: count }, proposal), resolve))
  return { log, feed, append, close: () => real.close() }
}

test('a burst shares transactions, and every answer is right', async () => {
  let transactions = 0
  const { log, feed, append, close } = open(() => transactions++)
  // Some append nothing: their positions are no event's, wherever a transaction ends.
  const outcomes = await Promise.all(Array.from({ length: burst }, (_, n) => append(`s-${n % 3}`, n % 4)))
  assert.ok(transactions < burst / 10, `${transactions} transactions`)
  const positions = outcomes.map((outcome) => (outcome.kind === 'written' ? outcome.position! : Number.NaN))
  assert.ok(positions.every((position, n) => n === 0 || position > positions[n - 1]!))
  const stored: number[] = []
  log.scanAll(0, log.nextPosition, false, (position) => stored.push(position) > 0)
  const lastOfEach = positions.filter((_, n) => n % 4 > 0)
  assert.ok(lastOfEach.every((position) => stored.includes(position)))
  assert.is(
    stored.length,
    outcomes.reduce((sum, _, n) => sum + (n % 4), 0),
  )
  assert.is(feed.position, stored.at(-1))
  await close()
})

test('when a transaction fails, what was decided on top of it fails too, and the next ones go on where the log is', async () => {
  const outcomes: Promise<Outcome>[] = []
  const more = () => outcomes.push(...Array.from({ length: burst }, () => append('s', 1)))
  let transactions = 0
  const { log, append, close } = open(() => {
    transactions++
    if (transactions <= 2) more()
    if (transactions === 2) throw new Error('the disk is full')
  })
  more()
  while (outcomes.length < 3 * burst) await Promise.race(outcomes.slice(-burst))
  const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind)
  assert.equal(kinds, [...Array(burst).fill('written'), ...Array(2 * burst).fill('failed')])
  assert.is(log.nextPosition, burst + 1)
  assert.equal(await append('s', 2), { kind: 'written', revision: burst + 1, position: burst + 2 })
  await close()
})

test.run()
