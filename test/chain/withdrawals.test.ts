import { Transaction } from '@scure/btc-signer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Payment } from '../../commands/ports.ts'
import { randomOf } from '../projections/history.ts'
import { startTestNode } from '../support/flopcoin/node.ts'
import { plan, vault } from './instance.ts'
import { type ChainWorld, chainWorld, coin } from './world.ts'

const withdrawals = suite<{ world: ChainWorld }>('withdrawals')
withdrawals.before.each(async (context) => {
  context.world = await chainWorld()
})
withdrawals.after.each(({ world }) => world.close())

const seed = Number(process.env.SEED ?? Math.trunc(Math.random() * 2 ** 31))
const many = process.env.SCALE === 'long' ? 10_000 : 15

/** Addresses of the other side, as many as are wanted. */
const elsewhere = (n: number) => vault.deposit(`elsewhere ${n}`).address

async function funded(world: ChainWorld, amount = 20n * coin) {
  const wallet = await world.openWallet()
  await world.node.chain.pay(wallet.address, amount)
  await world.pass(3)
  return wallet
}

/** What the chain paid to an address, by looking at all of its blocks. */
async function paidTo(world: ChainWorld, addresses: readonly string[]): Promise<bigint[]> {
  const wanted = new Map(addresses.map((address, index) => [Buffer.from(vault.scriptTo(address)!).toString('hex'), index]))
  const sums = addresses.map(() => 0n)
  for (const { script, value } of await world.node.outputs()) {
    const index = wanted.get(script)
    if (index !== undefined) sums[index]! += value
  }
  return sums
}

async function eventsOf(world: ChainWorld, withdrawalId: string): Promise<string[]> {
  const found = await world.events()
  return found
    .filter(({ data }) => 'withdrawalId' in data && data.withdrawalId === withdrawalId)
    .map(({ type }) => type.slice('Withdrawal'.length))
}

async function holdsTogether(world: ChainWorld): Promise<void> {
  const accounts = await world.accounts()
  assert.is(
    [...accounts.values()].reduce((sum, amount) => sum + amount, 0n),
    0n,
  )
  assert.is(accounts.get('clearing:withdrawals'), undefined)
  const coins = await world.instance.chain.coins(1)
  const treasury = coins.reduce((sum, { amount }) => sum + amount, 0n)
  assert.is(treasury, -(accounts.get('outside:chain') ?? 0n) - (accounts.get('fees:chain') ?? 0n))
}

withdrawals('are signed, recorded, broadcast and confirmed; what the fee did not need comes back', async ({ world }) => {
  const wallet = await funded(world)
  const id = await wallet.withdraw(7n * coin, elsewhere(1))
  await world.settle()
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed'])
  await world.pass(2)
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed'])
  await world.pass(1)
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed'])
  assert.equal(await paidTo(world, [elsewhere(1)]), [7n * coin])
  const fee = (await world.accounts()).get('fees:chain')!
  assert.ok(fee > 300_000n && fee < 500_000n, `${fee}`)
  assert.is(await wallet.balance(), 13n * coin - fee)
  await holdsTogether(world)
})

withdrawals('of an address that is none, was not disclosed, or of dust fail and give everything back', async ({ world }) => {
  const wallet = await funded(world)
  const wrong = await wallet.withdraw(coin, 'FLDe9sDaU63Y6GALoSAJfTJ8NtkR9goLok')
  const dust = await wallet.withdraw(999_999n, elsewhere(1))
  const cheap = await wallet.withdraw(coin, elsewhere(1), 1000n)
  await world.settle()
  for (const id of [wrong, dust, cheap]) assert.equal(await eventsOf(world, id), ['Requested', 'Failed'])
  const reasons = (await world.events()).flatMap((event) => (event.type === 'WithdrawalFailed' ? [event.data.reason] : []))
  assert.equal(reasons.sort(), ['amount_is_dust', 'destination_invalid', 'fee_max_too_low'])
  assert.is(await wallet.balance(), 20n * coin)
})

withdrawals('that wait together are paid by one transaction, and share its fee to the unit', async ({ world }) => {
  const wallets = [await funded(world), await funded(world)]
  const ids: string[] = []
  for (let n = 0; n < 7; n++) ids.push(await wallets[n % 2]!.withdraw(coin + BigInt(n), elsewhere(n)))
  await world.settle()
  assert.is(world.node.calls.get('sendrawtransaction'), 1)
  assert.is(world.node.calls.get('sendmany'), undefined)
  await world.pass(3)
  const signed = (await world.events()).flatMap((event) => (event.type === 'WithdrawalSigned' ? [event.data] : []))
  assert.equal(new Set(signed.map(({ withdrawalId }) => withdrawalId)), new Set(ids))
  assert.is(new Set(signed.map(({ txid }) => txid)).size, 1)
  const fees = signed.map(({ fee }) => BigInt(fee))
  assert.is(
    fees.reduce((sum, fee) => sum + fee, 0n),
    (await world.accounts()).get('fees:chain'),
  )
  assert.ok(fees.every((fee) => fee === fees.at(-1)! || fee === fees.at(-1)! + 1n))
  for (const id of ids) assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed'])
  const addresses = ids.map((_, n) => elsewhere(n))
  assert.equal(
    await paidTo(world, addresses),
    ids.map((_, n) => coin + BigInt(n)),
  )
  await holdsTogether(world)
})

withdrawals('that may bear too little are not paid with others; what is too little alone may do together', async ({ world }) => {
  const wallet = await funded(world)
  const [first, second] = [await wallet.withdraw(coin, elsewhere(1)), await wallet.withdraw(coin, elsewhere(2))]
  const cheap = await wallet.withdraw(coin, elsewhere(3), 1000n)
  const little = await wallet.withdraw(coin, elsewhere(4), 320_000n)
  await world.settle()
  await world.pass(3)
  assert.equal(await eventsOf(world, cheap), ['Requested', 'Failed'])
  for (const id of [first, second, little]) assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed'])
  assert.is(world.node.calls.get('sendrawtransaction'), 1)
  const later = await wallet.withdraw(coin, elsewhere(4), 320_000n)
  await world.settle()
  assert.equal(await eventsOf(world, later), ['Requested', 'Failed'])
  await holdsTogether(world)
})

/** Cosigners elsewhere: what is drafted waits until \`restart\` has their keys, and meanwhile things happen. */
async function drafted(world: ChainWorld, count: number) {
  const wallet = await funded(world)
  await world.restart({ keys: 1 })
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push(await wallet.withdraw(coin, elsewhere(n)))
  await world.settle().catch(() => {})
  return { wallet, ids }
}

withdrawals('are paid without the one that was cancelled after the payment was drafted', async ({ world }) => {
  const { wallet, ids } = await drafted(world, 4)
  await wallet.command('CancelWithdrawal', { withdrawalId: ids[2]! })
  await world.restart({ keys: plan.threshold })
  await world.settle()
  await world.pass(4)
  for (const [n, id] of ids.entries())
    assert.equal(await eventsOf(world, id), n === 2 ? ['Requested', 'Cancelled'] : ['Requested', 'Signed', 'Confirmed'])
  assert.equal(
    await paidTo(
      world,
      ids.map((_, n) => elsewhere(n)),
    ),
    [coin, coin, 0n, coin],
  )
  await holdsTogether(world)
})

withdrawals('already recorded when another is given up are paid with the same coins, without it', async ({ world }) => {
  const wallet = await funded(world)
  const ids = [await wallet.withdraw(coin, elsewhere(0)), await wallet.withdraw(coin, elsewhere(1)), await wallet.withdraw(coin, elsewhere(2))] // biome-ignore format: one line
  let left = 1
  // The last one is cancelled when the log knows the transaction for the first two.
  await world.restart({
    reached: (point) => {
      if (point === 'payment recorded' && left-- === 0) throw new Error('the process ends here')
    },
  })
  await world.instance.caughtUp()
  await world.instance.runner.round()
  const [, recorded, last] = (await world.instance.chainStore.payments(ids))[0]!.withdrawalIds
  await wallet.command('CancelWithdrawal', { withdrawalId: last! })
  await world.restart({ reached: () => {} })
  await world.settle()
  await world.pass(4)
  assert.equal(await eventsOf(world, recorded!), ['Requested', 'Signed', 'Signed', 'Confirmed'])
  assert.equal(await eventsOf(world, last!), ['Requested', 'Cancelled'])
  const sums = await paidTo(
    world,
    ids.map((_, n) => elsewhere(n)),
  )
  assert.equal(
    sums,
    ids.map((id) => (id === last ? 0n : coin)),
  )
  const [payment] = await world.instance.chainStore.payments([recorded!])
  assert.is(payment!.withdrawn.length, 1)
  await holdsTogether(world)
})

withdrawals('of a wallet that came to owe do not keep others waiting', async ({ world }) => {
  const [debtor, wallet] = [await world.openWallet(), await funded(world)]
  const txid = await world.node.chain.pay(debtor.address, 5n * coin)
  await world.pass(3)
  const kept = await debtor.withdraw(4n * coin, elsewhere(1), coin / 2n)
  await world.node.chain.reorganise(3, { without: [txid] })
  const paid = await wallet.withdraw(coin, elsewhere(2))
  await world.pass(6)
  assert.equal(await eventsOf(world, kept), ['Requested'])
  assert.equal((await eventsOf(world, paid)).at(-1), 'Confirmed')
  assert.equal(await paidTo(world, [elsewhere(1), elsewhere(2)]), [0n, coin])
  assert.ok(world.instance.alarms.some((alarm) => alarm.kind === 'payment_waits' && alarm.reason === 'wallet_frozen'))
})

withdrawals('that were cancelled before they were signed are never paid', async ({ world }) => {
  const wallet = await funded(world)
  const id = await wallet.withdraw(coin, elsewhere(1))
  await wallet.command('CancelWithdrawal', { withdrawalId: id })
  await world.settle()
  await world.pass(4)
  assert.equal(await paidTo(world, [elsewhere(1)]), [0n])
  const other = await wallet.withdraw(coin, elsewhere(2))
  await world.settle()
  await world.pass(4)
  assert.equal(await eventsOf(world, other), ['Requested', 'Signed', 'Confirmed'])
})

withdrawals('wait while the treasury has no coins that are deep enough, and say so', async ({ world }) => {
  const wallet = await funded(world, 2n * coin)
  const friend = await funded(world, 3n * coin)
  const first = await wallet.withdraw(coin, elsewhere(1), coin / 10n)
  await world.settle()
  const second = await friend.withdraw(2n * coin + coin / 2n, elsewhere(2), coin / 10n)
  await world.instance.caughtUp()
  await world.instance.runner.round()
  assert.ok(world.instance.alarms.some((alarm) => alarm.kind === 'payment_waits' && alarm.reason === 'coins_missing'))
  await world.pass(8)
  assert.equal([await eventsOf(world, first), await eventsOf(world, second)], Array(2).fill(['Requested', 'Signed', 'Confirmed']))
  await holdsTogether(world)
})

withdrawals('that no block takes are sent again for a higher fee, with the same coins', async ({ world }) => {
  const wallet = await funded(world)
  const id = await wallet.withdraw(coin, elsewhere(1))
  await world.settle()
  for (let block = 0; block < 6; block++) {
    await world.node.chain.mine(1, { empty: true })
    await world.settle()
  }
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Signed'])
  const [{ attempts }] = (await world.instance.chainStore.payments([id])) as [Payment]
  const inputs = attempts.map(({ signed }) => Transaction.fromRaw(signed!.bytes, { allowUnknownInputs: true }).getInput(0).txid)
  assert.equal(inputs[0], inputs[1])
  assert.ok(attempts[1]!.fee > attempts[0]!.fee)
  await world.pass(3)
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Signed', 'Confirmed'])
  assert.equal(await paidTo(world, [elsewhere(1)]), [coin])
  assert.is((await world.accounts()).get('fees:chain'), attempts[1]!.fee)
  await holdsTogether(world)
})

withdrawals('that the chain takes back are on their way again, and confirmed again', async ({ world }) => {
  const wallet = await funded(world)
  const id = await wallet.withdraw(coin, elsewhere(1))
  await world.settle()
  await world.pass(3)
  await world.node.chain.reorganise(3)
  await world.settle()
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed', 'Unconfirmed'])
  await world.pass(3)
  assert.equal((await eventsOf(world, id)).at(-1), 'Confirmed')
  assert.equal(await paidTo(world, [elsewhere(1)]), [coin])
  await holdsTogether(world)
})

withdrawals('are sent again, the same bytes, when the node was killed and lost them', async ({ world }) => {
  const wallet = await funded(world)
  const id = await wallet.withdraw(coin, elsewhere(1))
  await world.settle()
  await world.node.kill()
  await world.instance.runner.round().catch(() => {})
  await world.node.restart()
  await world.node.chain.mine(1)
  await world.settle()
  await world.pass(3)
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed'])
  assert.equal(await paidTo(world, [elsewhere(1)]), [coin])
})

withdrawals('whose coins were undone for good are told of, and pay nobody', async ({ world }) => {
  const wallet = await world.openWallet()
  const txid = await world.node.chain.pay(wallet.address, 5n * coin)
  await world.pass(3)
  const id = await wallet.withdraw(coin, elsewhere(1))
  await world.settle()
  await world.node.chain.reorganise(3, { without: [txid] })
  await world.settle()
  await world.pass(2)
  assert.ok(world.instance.alarms.some((alarm) => alarm.kind === 'payment_refused' && alarm.withdrawalIds.includes(id)))
  assert.equal(await paidTo(world, [elsewhere(1)]), [0n])
})

withdrawals('wait for cosigners whose keys are elsewhere', async ({ world }) => {
  const wallet = await funded(world)
  await world.restart({ keys: 1 })
  const id = await wallet.withdraw(coin, elsewhere(1))
  await world.settle().catch(() => {})
  assert.equal(await eventsOf(world, id), ['Requested'])
  const [waiting] = await world.instance.chainStore.unsigned()
  assert.equal(waiting!.withdrawalIds, [id])
  await world.restart({ keys: plan.threshold })
  await world.settle()
  await world.pass(3)
  assert.equal(await eventsOf(world, id), ['Requested', 'Signed', 'Confirmed'])
})

withdrawals.run()

const lost = suite('withdrawals while replies are lost')

lost(`of which ${many} are made with one reply in twenty lost are each paid once`, async () => {
  const node = await startTestNode({ blocks: many > 1000 ? 250 : 130 })
  const world = await chainWorld({ node })
  const random = randomOf(seed)
  const wallets = await Promise.all(Array.from({ length: 5 }, () => world.openWallet()))
  // Coins enough for a whole block of payments at a time.
  const each = Math.min(100, Math.ceil(many / 5))
  const worth = (BigInt(many) * coin) / BigInt(5 * each) / 4n + coin
  for (const { address } of wallets) {
    await node.chain.payMany(Array.from({ length: each }, () => [address, worth] as const))
    await node.chain.mine(1)
  }
  await world.pass(3)
  // Every twentieth reply, to whatever was asked.
  node.disturb({ lostReplies: 0.05, random: () => random(10_000) / 10_000 })
  const amounts: bigint[] = []
  for (let n = 0; n < many; n++) {
    amounts.push(BigInt(5_000_000 + random(5_000_000)))
    await wallets[n % 5]!.withdraw(amounts[n]!, elsewhere(n), 2_000_000n)
    if (n % 200 === 199) await stir(world)
  }
  for (let left = 400; left > 0 && (await open(world)); left--) await stir(world)
  node.disturb({ lostReplies: 0 })
  await world.pass(1)
  assert.equal(
    await paidTo(
      world,
      amounts.map((_, n) => elsewhere(n)),
    ),
    amounts,
  )
  const confirmed = (await world.events()).filter(({ type }) => type === 'WithdrawalConfirmed')
  assert.is(confirmed.length, many)
  await holdsTogether(world)
  await world.close()
  await node.close()
})

async function stir(world: ChainWorld): Promise<void> {
  await world.instance.caughtUp()
  await world.instance.runner.round().catch(() => {})
  await world.node.chain.mine(1)
}

async function open({ instance: { work, caughtUp } }: ChainWorld): Promise<boolean> {
  await caughtUp()
  return (await work.withdrawals('approved', 1)).length + (await work.withdrawals('signed', 1)).length > 0
}

lost.run()
