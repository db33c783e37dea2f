// An airdrop that leaves over the chain: credited through the ledger, ordered away by the wallets, paid by one transaction.
import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decode } from '../../domain/catalogue.ts'
import { postingsOf } from '../../domain/ledger.ts'
import { initialPolicy, moneyPolicy } from '../../domain/network/policy.ts'
import { type TestPostgres, testPostgres } from '../support/engines.ts'
import { startTestNode, type TestNode } from '../support/flopcoin/node.ts'
import { airdropStory } from '../support/frozen-airdrop.ts'
import { releasedAirdrop } from '../support/frozen-standing-order.ts'
import { committed, keyOf, namespace } from '../support/money-world.ts'
import { startChainInstance, vault } from './instance.ts'

const airdrop = suite<{ node: TestNode; postgres: TestPostgres; closing: (() => Promise<void>)[] }>('an airdrop over the chain')
airdrop.before(async (context) => {
  context.node = await startTestNode()
  context.postgres = await testPostgres()
  context.closing = [context.node.close, context.postgres.close]
})
airdrop.after(async ({ closing }) => {
  for (const close of closing) await close()
})

const coin = 100_000_000n
const recipients = 30

airdrop(
  'pays all whose wallets have a standing order by one transaction, each once, and the books are even',
  async ({ node, postgres, closing }) => {
    const money = { depositConfirmations: 3 }
    const story = await airdropStory({ name: 'chain', money })
    const instance = await startChainInstance({
      store: story.store,
      namespace,
      networkId: story.networkId,
      databaseUrl: postgres.url,
      nodeUrl: node.url,
      policy: { ...moneyPolicy(initialPolicy), ...money },
      seed: createHash('sha256').update('key of chain').digest('hex'),
    })
    closing.unshift(instance.stop)
    const settle = async () => {
      await instance.caughtUp()
      for (let left = 20; left > 0 && !(await instance.runner.round()); left--);
    }
    const pass = async (blocks: number) => {
      for (let left = blocks; left > 0; left--) {
        await node.chain.mine(1)
        await settle()
      }
    }

    const nodes = Array.from({ length: recipients }, (_, n) => keyOf(`recipient ${n}`))
    const addresses = nodes.map((_, n) => vault.deposit(`elsewhere ${n}`).address)
    const wallets: string[] = []
    for (const [n, owner] of nodes.entries()) {
      wallets.push(await story.openWallet(owner))
      const salt = createHash('sha256').update(`salt of ${addresses[n]}`).digest()
      const row = { discloser: 'test', salt, content: Buffer.from(addresses[n]!), mediaType: 'text/plain', readers: [] }
      const db = await instance.privateStore.db()
      await db
        .insertInto('disclosures')
        .values({ ...row, commitment: committed(addresses[n]!), createdAt: new Date(), erasedAt: null })
        .execute()
      const order = { destination: committed(addresses[n]!), feeMax: '10000000', amountMin: String(coin) }
      // The last one keeps it in the wallet.
      if (n < recipients - 1) await story.send(owner, 'ChangeStandingOrder', wallets[n]!, { order })
    }
    const paid = await releasedAirdrop(
      nodes.map((owner, n) => [owner, wallets[n]!] as const),
      story,
      String(BigInt(recipients) * 5n * coin),
    )
    // What the treasury pays from: a deposit of somebody else's. By the real clock, so it comes after the campaign's window.
    const depositor = await story.openWallet(keyOf('depositor'))
    const { address } = vault.deposit(depositor)
    await instance.chainStore.addAddress(depositor, address)
    await instance.chain.watch([address], false)
    await node.chain.pay(address, 1000n * coin)
    await pass(4)

    await paid.credit()
    await pass(1)
    assert.is(node.calls.get('sendrawtransaction'), 1)
    assert.is(node.calls.get('sendmany'), undefined)
    await pass(4)

    const events = (await story.log()).map((event) => decode(event))
    const signed = events.flatMap((event) => (event.type === 'WithdrawalSigned' ? [event.data] : []))
    assert.is(signed.length, recipients - 1)
    assert.is(new Set(signed.map(({ txid }) => txid)).size, 1)
    const requested = events.flatMap((event) => (event.type === 'WithdrawalRequested' ? [event.data] : []))
    const outputs = Map.groupBy(await node.outputs(), ({ script }) => script)
    for (const [n, to] of addresses.entries()) {
      const found = outputs.get(Buffer.from(vault.scriptTo(to)!).toString('hex')) ?? []
      const asked = requested.filter(({ walletId }) => walletId === wallets[n]).map(({ amount }) => BigInt(amount))
      assert.equal(
        found.map(({ value }) => value),
        asked,
      )
      assert.is(asked.length, n < recipients - 1 ? 1 : 0)
    }
    const sums = new Map<string, bigint>()
    for (const event of events)
      for (const { account, amount } of postingsOf(event)) sums.set(account, (sums.get(account) ?? 0n) + amount)
    assert.is(
      [...sums.values()].reduce((sum, amount) => sum + amount, 0n),
      0n,
    )
    for (const [account, amount] of sums) if (account.startsWith('clearing:')) assert.is(amount, 0n, account)
    await instance.reconciliation.look()
    await instance.reconciliation.look()
    assert.is(
      events.some(({ type }) => type === 'DifferenceFound'),
      false,
    )
    assert.equal(await instance.work.differences(), [])
  },
)

airdrop.run()
