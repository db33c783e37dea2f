import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import type { ChainPoint } from '../../commands/processes/chain.ts'
import { type TestEventStore, testEventStore } from '../support/engines.ts'
import { vault } from './instance.ts'
import { type ChainWorld, chainWorld, coin, namespace } from './world.ts'

const killed = suite<{ world: ChainWorld; engine: TestEventStore }>('the chain process, killed')
const rounds = process.env.SCALE === 'long' ? 25 : 1

killed.before.each(async (context) => {
  context.engine = await testEventStore()
  const store = connectEventStore({ connectionString: context.engine.connectionString, namespace })
  context.world = await chainWorld({ store })
})
killed.after.each(async ({ world, engine }) => {
  await world.close()
  await world.store.close()
  await engine.close()
})

/** A point, or the nth time that it is reached. */
type Moment = ChainPoint | `${ChainPoint}:${number}`

/** A process of its own that works until it has been killed at `point`. */
async function dieAt(point: Moment, { world: { options }, engine }: { world: ChainWorld; engine: TestEventStore }): Promise<void> {
  const { store: _, ...plain } = options
  const child = spawn(process.execPath, [fileURLToPath(new URL('child.ts', import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      CHAIN_OPTIONS: JSON.stringify({ ...plain, eventStore: engine.connectionString }),
      CHAIN_POINT: point,
    },
  })
  const signal = await new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)))
  assert.is(signal, 'SIGKILL', point)
}

/** What the chain paid to each address, output by output. */
async function paid(world: ChainWorld, addresses: readonly string[]): Promise<bigint[][]> {
  const outputs = Map.groupBy(await world.node.outputs(), ({ script }) => script)
  const scripts = addresses.map((address) => Buffer.from(vault.scriptTo(address)!).toString('hex'))
  return scripts.map((script) => (outputs.get(script) ?? []).map(({ value }) => value))
}

const many = 5
/** Behind the nth of what a payment of many does for each. */
const momentsOf = (round: number): readonly Moment[] => [
  'payment drafted',
  'payment signed',
  `payment recorded:${1 + (round % many)}`,
  `payment recorded:${1 + ((round + 2) % many)}`,
  'payment broadcast',
]

const payment: readonly ChainPoint[] = ['payment drafted', 'payment signed', 'payment recorded', 'payment broadcast']

killed('behind each step of a withdrawal pays it once', async (context) => {
  const { world } = context
  const wallet = await world.openWallet()
  const addresses = Array.from({ length: rounds * payment.length }, (_, n) => vault.deposit(`elsewhere ${n}`).address)
  for (const _ of addresses) await world.node.chain.pay(wallet.address, 2n * coin)
  await world.pass(3)
  for (const [n, address] of addresses.entries()) {
    await wallet.withdraw(coin, address)
    await dieAt(payment[n % payment.length]!, context)
  }
  await world.settle()
  await world.node.chain.mine(3)
  await dieAt('payment confirmed', context)
  await world.settle()
  assert.equal(
    await paid(world, addresses),
    addresses.map(() => [coin]),
  )
  const accounts = await world.accounts()
  assert.is(accounts.get('clearing:withdrawals'), undefined)
  assert.is(accounts.get(`wallet:${wallet.walletId}`), BigInt(addresses.length) * coin - accounts.get('fees:chain')!)
})

killed('at any moment of a payment of many, pays each of them once', async (context) => {
  const { world } = context
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, 1000n * coin)
  await world.pass(3)
  const addresses: string[] = []
  for (const point of Array.from({ length: rounds }, (_, round) => momentsOf(round)).flat()) {
    for (let n = 0; n < many; n++) {
      addresses.push(vault.deposit(`elsewhere ${addresses.length}`).address)
      await wallet.withdraw(coin, addresses.at(-1)!)
    }
    await dieAt(point, context)
    await world.settle()
    await world.node.chain.mine(3)
    await dieAt(`payment confirmed:${1 + (addresses.length % many)}`, context)
    await world.settle()
  }
  assert.equal(
    await paid(world, addresses),
    addresses.map(() => [coin]),
  )
  assert.is(world.node.calls.get('sendmany'), undefined)
  const accounts = await world.accounts()
  assert.is(accounts.get('clearing:withdrawals'), undefined)
  assert.is(accounts.get(`wallet:${wallet.walletId}`), (1000n - BigInt(addresses.length)) * coin - accounts.get('fees:chain')!)
})

killed('while it credits deposits, and takes them back, does each once', async (context) => {
  const { world } = context
  const wallets = [await world.openWallet(), await world.openWallet()]
  const balances = () => Promise.all(wallets.map((wallet) => wallet.balance()))
  for (let round = 0; round < rounds; round++) {
    for (const { address } of wallets) await world.node.chain.pay(address, coin)
    await world.node.chain.mine(3)
    await dieAt('deposit credited', context)
    await dieAt('deposits placed', context)
    await world.settle()
    const sum = BigInt(round + 1) * coin
    assert.equal(await balances(), [sum, sum])
    await world.node.chain.reorganise(3)
    await dieAt('block undone', context)
    await world.settle()
    assert.equal(await balances(), [sum - coin, sum - coin])
    await world.pass(3)
    assert.equal(await balances(), [sum, sum])
  }
})

killed.run()
