import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { vault } from './instance.ts'
import { type ChainWorld, chainWorld, coin } from './world.ts'

const reconciliation = suite<{ world: ChainWorld }>('reconciliation')
reconciliation.before.each(async (context) => {
  context.world = await chainWorld()
})
reconciliation.after.each(({ world }) => world.close())

async function look({ instance }: ChainWorld): Promise<void> {
  await instance.caughtUp()
  await instance.reconciliation.look()
  await instance.caughtUp()
}

async function differences(world: ChainWorld) {
  return (await world.events()).flatMap((event) =>
    event.type === 'DifferenceFound'
      ? [`found ${event.data.subject} ${event.data.difference}`]
      : event.type === 'DifferenceClosed'
        ? [`closed ${event.data.subject}`]
        : [],
  )
}

reconciliation('finds nothing while deposits and withdrawals are at any stage', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, 9n * coin)
  await world.settle()
  for (let block = 0; block < 14; block++) {
    if (block === 4 || block === 6) await wallet.withdraw(coin, vault.deposit(`elsewhere ${block}`).address)
    await world.settle()
    await look(world)
    await look(world)
    await world.pass(1)
    await look(world)
    await look(world)
  }
  assert.equal(await differences(world), [])
  assert.is((await world.instance.work.withdrawals('confirmed', 10)).length, 2)
})

reconciliation('says in the log and by an alarm what differs, once, and when it agrees again', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, 9n * coin)
  await world.pass(3)
  const gift = await world.node.chain.pay(vault.change.address, 2n * coin)
  await world.pass(3)
  await look(world)
  assert.equal(await differences(world), [], 'one look may be of a bad moment')
  for (let again = 0; again < 3; again++) await look(world)
  assert.equal(await differences(world), [`found treasury ${2n * coin}`])
  assert.equal(
    world.instance.alarms.filter(({ kind }) => kind === 'difference'),
    [{ kind: 'difference', subject: 'treasury', expected: 9n * coin, actual: 11n * coin }],
  )
  assert.equal(await world.instance.work.differences(), ['treasury'])
  await world.node.chain.reorganise(3, { without: [gift] })
  await world.pass(3)
  await look(world)
  assert.equal(await differences(world), [`found treasury ${2n * coin}`, 'closed treasury'])
  assert.equal(await world.instance.work.differences(), [])
})

reconciliation('finds coins of the ledger that nobody watches', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, 9n * coin)
  await world.pass(3)
  // The wallet of another node, which was told of the addresses but not to look at old blocks.
  world.node.replaceWallet()
  await world.instance.chain.watch([vault.change.address, wallet.address], false)
  for (let again = 0; again < 2; again++) await look(world)
  assert.equal(await differences(world), [`found treasury -${9n * coin}`])
})

reconciliation.run()
