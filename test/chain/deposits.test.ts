import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { vault } from './instance.ts'
import { type ChainWorld, chainWorld, coin } from './world.ts'

const deposits = suite<{ world: ChainWorld }>('deposits')
deposits.before.each(async (context) => {
  context.world = await chainWorld()
})
deposits.after.each(({ world }) => world.close())

const typesOf = async (world: ChainWorld) => (await world.events()).map(({ type }) => type)

deposits('count once they have the confirmations of the policy, to the unit', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, 123_456_789n)
  await world.settle()
  await world.pass(2)
  assert.is(await wallet.balance(), 0n)
  await world.pass(1)
  assert.is(await wallet.balance(), 123_456_789n)
  await world.pass(5)
  assert.is(await wallet.balance(), 123_456_789n, 'once')
  assert.equal(
    await world.accounts(),
    new Map([
      [`wallet:${wallet.walletId}`, 123_456_789n],
      ['outside:chain', -123_456_789n],
    ]),
  )
})

deposits('of one transaction are told apart by their outputs', async ({ world }) => {
  const [one, other] = [await world.openWallet(), await world.openWallet()]
  await world.node.chain.payMany([
    [one.address, coin],
    [other.address, 2n * coin],
    [one.address, 3n * coin],
    [vault.change.address, coin],
  ])
  await world.node.chain.mine(3)
  await world.settle()
  assert.is(await one.balance(), 4n * coin)
  assert.is(await other.balance(), 2n * coin)
})

deposits('are found again after any downtime of ours, of the node and of both', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.settle()
  for (let day = 1; day <= 3; day++) {
    await world.node.chain.pay(wallet.address, coin)
    await world.node.chain.mine(40)
    if (day === 2) await world.node.kill()
    await world.restart()
    if (day === 2) await world.node.restart()
  }
  await world.node.chain.pay(wallet.address, coin)
  await world.node.chain.mine(3)
  await world.settle()
  assert.is(await wallet.balance(), 4n * coin)
})

deposits('are found by a node that never watched before', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, coin)
  await world.node.chain.mine(3)
  world.node.replaceWallet()
  await world.restart()
  await world.settle()
  assert.is(await wallet.balance(), coin)
})

deposits('are found again by a node that was replaced while nobody looked, once that is seen', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.pass(4)
  world.node.replaceWallet()
  await world.node.chain.pay(wallet.address, coin)
  await world.pass(6)
  assert.is(await wallet.balance(), 0n)
  await world.restart()
  await world.settle()
  assert.is(await wallet.balance(), coin)
})

deposits('are undone with their block, and count again when another block holds them', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, coin)
  await world.pass(4)
  assert.is(await wallet.balance(), coin)
  await world.node.chain.reorganise(5)
  await world.settle()
  assert.is(await wallet.balance(), 0n, 'in no block')
  await world.pass(3)
  assert.is(await wallet.balance(), coin)
  const money = (await typesOf(world)).filter((type) => type.startsWith('Deposit'))
  assert.equal(money, ['DepositCredited', 'DepositReversed', 'DepositCredited'])
  await world.pass(3)
  await world.node.chain.reorganise(8)
  await world.pass(4)
  assert.is((await typesOf(world)).filter((type) => type === 'DepositCredited').length, 3)
  assert.is(await wallet.balance(), coin)
})

deposits('in any number are undone, more than are looked at together too', async ({ world }) => {
  const wallet = await world.openWallet()
  await world.node.chain.payMany(Array.from({ length: 205 }, () => [wallet.address, coin / 100n] as const))
  await world.pass(3)
  assert.is(await wallet.balance(), (205n * coin) / 100n)
  await world.node.chain.reorganise(3)
  await world.settle()
  assert.is(await wallet.balance(), 0n)
})

deposits('that were undone after they were spent are owed by the wallet, which is frozen', async ({ world }) => {
  const [wallet, friend] = [await world.openWallet(), await world.openWallet()]
  const txid = await world.node.chain.pay(wallet.address, 5n * coin)
  await world.pass(3)
  await wallet.command('Transfer', { to: friend.walletId, amount: String(4n * coin) })
  await world.node.chain.reorganise(4, { without: [txid] })
  await world.settle()
  const accounts = await world.accounts()
  assert.is(accounts.get(`wallet:${wallet.walletId}`), undefined)
  assert.is(accounts.get(`shortfall:${wallet.walletId}`), -4n * coin)
  assert.is(accounts.get('outside:chain'), undefined)
  const refused = await wallet.withdraw(1n, vault.change.address).catch((error) => error.code)
  assert.is(refused, 'WalletFrozen')
  await world.node.chain.pay(wallet.address, 6n * coin)
  await world.pass(3)
  assert.is(await wallet.balance(), 2n * coin, 'what comes in pays the debt first')
})

deposits('to addresses that are nobody’s are left alone', async ({ world }) => {
  await world.node.chain.pay(vault.change.address, coin)
  await world.pass(4)
  assert.equal(await world.accounts(), new Map())
})

deposits.run()
