// The program killed with -9 at each step of the settlement process, and started again: the books are those of a run that nobody disturbed.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allSettled, deals, idOf, type Party } from './deals.ts'
import { duxnet, scratch, startProgram, supervise } from './program.ts'

const test = suite('settlement, killed')
const directory = scratch()
const isLong = process.env.SCALE === 'long'
const kills = isLong ? 200 : 2
const env = { DUXNET_ROLES: 'commands,queries,projector,processes' }

/** Each command of the process before it is sent, when it was answered, and when its event is durable and nobody knows it yet. */
const points = [
  ['RecordFunding', 'EscrowFunded'],
  ['CaptureHold', 'HoldCaptured'],
  ['PostCredit', 'CreditPosted'],
  ['PassDeadline', 'EscrowExpired'],
  ['SweepContributions', 'ContributionsSwept'],
].flatMap(([command, event]) => [`appended ${event}`, `before ${command}`, `after ${command}`])

/** The nth point to be killed at; every few rounds of all points it is the second or third time there. */
const pointOf = (n: number) => `${points[(n * 4) % points.length]}:${1 + (Math.floor(n / points.length) % 3)}`

test.after(() => directory.remove())

const endsPerRound = 4

/** What the nth round does: all that the process can have to do. It ends four escrows. */
async function round(
  n: number,
  { open, hold, start, deliver, release, send }: ReturnType<typeof deals>,
  client: Party,
  provider: Party,
) {
  const sold = async () => {
    const id = await open(`sold ${n}`, client, provider)
    await hold(id, client)
    await start(id, provider)
    await deliver(id, provider)
    await release(id, client)
  }
  const declined = async () => {
    const id = await open(`declined ${n}`, client, provider)
    await hold(id, client)
    await start(id, provider)
    await send(provider.signer, 'GrantRefund', id, { amount: '100' }, idOf(`grant ${id}`))
    await send(provider.signer, 'DeclineEscrow', id, {}, idOf(`decline ${id}`))
  }
  /** The client never looks at the result. */
  const unseen = async () => {
    const id = await open(`unseen ${n}`, client, provider, { accept: 1 })
    await hold(id, client)
    await start(id, provider)
    await deliver(id, provider)
  }
  const transfer = { to: provider.walletId, amount: '7' }
  await Promise.all([
    sold(),
    declined(),
    unseen(),
    open(`forgotten ${n}`, client, provider, { fund: 1 }),
    send(client.signer, 'Transfer', client.walletId, transfer, idOf(`transfer ${n}`)),
  ])
}

test(`${kills} kills change nothing`, async () => {
  const data = join(directory.path, 'killed')
  const supervised = await supervise(data, env, kills, pointOf)
  const { current } = supervised
  const killedDeals = deals(current)
  const [client, provider] = [await killedDeals.party('client'), await killedDeals.party('provider')]
  let rounds = 0
  while (supervised.kills() < kills) {
    await round(++rounds, killedDeals, client, provider)
    await allSettled(current, endsPerRound * rounds)
  }
  const books = await allSettled(current, endsPerRound * rounds)
  for (const args of [
    ['projections', 'verify'],
    ['replay', '--live'],
  ]) {
    const { code, stdout, stderr } = await duxnet([...args, '--data', data], {})
    assert.is(code, 0, stdout + stderr)
  }
  await supervised.stop()

  const quiet = await startProgram(join(directory.path, 'quiet'), env)
  const quietDeals = deals(() => quiet)
  const parties = [await quietDeals.party('client'), await quietDeals.party('provider')] as const
  for (let n = 1; n <= rounds; n++) await round(n, quietDeals, ...parties)
  const expected = await allSettled(() => quiet, endsPerRound * rounds)
  await quiet.stop()
  assert.equal(books.accounts, expected.accounts)
  assert.equal(books.events, expected.events)
  console.log(`killed ${supervised.kills()} times in ${rounds} rounds`)
})

test.run()
