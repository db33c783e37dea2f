import { Transaction } from '@scure/btc-signer'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkNode, createChain } from '../../../adapters/flopcoin/node.ts'
import {
  accountOf,
  combinePayments,
  draftOf,
  draftPayment,
  dust,
  finishPayment,
  type SpendableCoin,
  signPayment,
  summaryOf,
} from '../../../adapters/flopcoin/payment.ts'
import { createRpc } from '../../../adapters/flopcoin/rpc.ts'
import { openVault, treasuryPlanSchema } from '../../../adapters/flopcoin/vault.ts'
import type { PaymentDraft, PaymentOrder } from '../../../commands/ports.ts'
import { startTestNode, type TestNode } from '../../support/flopcoin/node.ts'
import { property } from '../../support/property.ts'

const payment = suite('payments of the treasury')
const seeds = [1, 2, 3].map((fill) => Buffer.alloc(32, fill))
const accounts = seeds.map((seed) => accountOf(seed, 'regtest'))
const plan = treasuryPlanSchema.parse({
  format: 'duxnet-treasury-v1',
  chain: 'regtest',
  threshold: 2,
  cosigners: accounts.map(({ publicExtendedKey }) => publicExtendedKey),
})
const vault = openVault(plan)
const walletIds = ['5a0f1f3e-5d0f-4a9d-9a51-000000000001', '5a0f1f3e-5d0f-4a9d-9a51-000000000002']
const destination = 'mfWxJ45yp2SFn7UciZyNpvDKrzbhyfKrY8'
const coin = 100_000_000n
let node: TestNode

payment.before(async () => {
  node = await startTestNode()
})
payment.after(() => node.close())

const chainOf = () => createChain(createRpc({ url: node.url }))

/** The treasury's coins at the node, ready to be spent. */
async function coins(): Promise<SpendableCoin[]> {
  const scripts = [vault.change, ...walletIds.map(vault.deposit)]
  return (await chainOf().coins(1)).map((found) => ({
    ...found,
    walletId: undefined,
    at: scripts.find(({ address }) => address === found.address)!,
  }))
}

/** An order that pays these amounts, an output for each. */
const pays = (feeMax: bigint, ...amounts: bigint[]): PaymentOrder => ({
  outputs: amounts.map((amount) => ({ destination, amount })),
  feeMax,
})

payment('go from drafting by M of N signatures into a block, to the unit', async () => {
  const chain = chainOf()
  await checkNode(createRpc({ url: node.url }), vault)
  await chain.watch([vault.change.address, ...walletIds.map((id) => vault.deposit(id).address)], false)
  for (const id of walletIds) await node.chain.pay(vault.deposit(id).address, 3n * coin)
  await node.chain.mine(1)

  const order = pays(coin, 5n * coin)
  const draft = (await draftPayment(vault, order, await coins(), 1_000_000n, chain.transactionBytes)) as PaymentDraft
  assert.is(draft.inputs.length, 2)
  assert.equal(summaryOf(vault, draft.psbt), {
    outputs: [{ address: destination, amount: 5n * coin }],
    change: coin - draft.fee,
    fee: draft.fee,
    signatures: 0,
  })
  const [first, third] = [accounts[0]!, accounts[2]!].map((account) => signPayment(vault, draft.psbt, [account]))
  assert.is(finishPayment(vault, first!), undefined, 'one signature is not enough')
  const both = combinePayments([first!, third!])
  assert.is(summaryOf(vault, both).signatures, 2)
  const signed = finishPayment(vault, both)!
  assert.equal(
    finishPayment(vault, signPayment(vault, draft.psbt, [accounts[2]!, accounts[0]!])),
    signed,
    'the order of signers changes no byte',
  )

  assert.equal(await chain.broadcast(signed.bytes), { kind: 'sent' })
  assert.equal(await chain.broadcast(signed.bytes), { kind: 'sent' }, 'the same bytes again')
  assert.equal(await chain.places([signed.txid]), [{ kind: 'pending' }])
  await node.chain.mine(1)
  assert.equal(await chain.broadcast(signed.bytes), { kind: 'mined' })
  const [place] = await chain.places([signed.txid])
  assert.is(place!.kind, 'mined')
  const weighed = BigInt(signed.bytes.length)
  assert.ok(draft.fee >= weighed * 1000n && draft.fee <= (weighed + 20n) * 1000n, `fee ${draft.fee} for ${weighed} bytes`)
})

payment('are replaced by one that spends the same coins and pays more', async () => {
  const chain = chainOf()
  for (const id of walletIds) await node.chain.pay(vault.deposit(id).address, 2n * coin)
  await node.chain.mine(1)
  const order = pays(coin, coin)
  const draft = (await draftPayment(vault, order, await coins(), 1_000_000n, chain.transactionBytes)) as PaymentDraft
  const origins = await chain.transactionBytes(draft.inputs.map(({ txid }) => txid))
  const spent = draft.inputs as readonly SpendableCoin[]
  const signed = (fee: bigint) =>
    finishPayment(vault, signPayment(vault, draftOf(vault, order, spent, fee, origins).psbt, accounts))!
  assert.is((await chain.broadcast(signed(draft.fee).bytes)).kind, 'sent')
  assert.equal(await chain.broadcast(signed(draft.fee + 1n).bytes), {
    kind: 'refused',
    reason: 'fee_too_low',
    message: 'sendrawtransaction: 64: insufficient fee (-26)',
  })
  const bumped = signed(draft.fee * 2n)
  assert.is((await chain.broadcast(bumped.bytes)).kind, 'sent')
  await node.chain.mine(1)
  assert.equal(
    (await chain.places([signed(draft.fee).txid, bumped.txid])).map(({ kind }) => kind),
    ['pending', 'mined'],
  )
  const late = await chain.broadcast(signed(draft.fee).bytes)
  assert.is(late.kind === 'refused' && late.reason, 'inputs_spent')
})

payment('say why they cannot be made', async () => {
  const bytes = chainOf().transactionBytes
  const all = await coins()
  assert.is(await draftPayment(vault, pays(coin, 10n ** 15n), all, 1_000_000n, bytes), 'coins_missing')
  assert.is(await draftPayment(vault, pays(1000n, coin), all, 1_000_000n, bytes), 'fee_max_too_low')
  assert.is(await draftPayment(vault, pays(coin, coin), [], 1_000_000n, bytes), 'coins_missing')
})

payment('refuse to be signed where amounts are not proved or keys are not the treasury’s', async () => {
  const draft = (await draftPayment(vault, pays(coin, coin), await coins(), 1_000_000n, chainOf().transactionBytes)) as PaymentDraft
  const stranger = accountOf(Buffer.alloc(32, 9), 'regtest')
  assert.is(summaryOf(vault, signPayment(vault, draft.psbt, [stranger])).signatures, 0)
  assert.throws(() => summaryOf(vault, draft.psbt.subarray(0, 100)))
  const other = Buffer.from(draft.psbt)
  other[other.length >> 1]! ^= 1
  assert.throws(() => finishPayment(vault, signPayment(vault, other, accounts)) ?? assert.unreachable())
})

payment('never lose a unit: what goes in comes out as payment, change and fee', () => {
  property(
    fc.property(
      fc.array(fc.bigInt({ min: 1n, max: 10n ** 13n }), { minLength: 1, maxLength: 100 }),
      fc.bigInt({ min: 0n, max: 10n ** 8n }),
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      (amounts, fee, rest) => {
        const at = vault.change
        const amount = amounts.reduce((sum, one) => sum + one, 0n)
        const origin = transactionPaying(at.script, amount + fee + rest)
        const input = { txid: origin.id, vout: 0, address: at.address, amount: amount + fee + rest, walletId: undefined, at }
        const draft = draftOf(vault, pays(fee, ...amounts), [input], fee, [origin.bytes])
        const { change, fee: paid, outputs } = summaryOf(vault, draft.psbt)
        assert.equal(
          outputs.map((output) => output.amount),
          amounts,
        )
        assert.is(change + paid + amount, input.amount)
        assert.is(paid, draft.fee)
        assert.ok(change === 0n ? rest <= dust : change > dust)
      },
    ),
    50,
  )
})

payment('are made at a node of the same chain and the same addresses only', async () => {
  const rpc = createRpc({ url: node.url })
  const elsewhere = { ...plan, chain: 'test' as const }
  const refusal = (vault: Parameters<typeof checkNode>[1]) =>
    checkNode(rpc, vault).then(
      () => '',
      (error: Error) => error.message,
    )
  assert.is(await refusal(openVault(elsewhere)), 'the node is on the chain regtest, the treasury on test')
  assert.match(await refusal({ plan, change: openVault(elsewhere).change }), /makes other addresses/)
})

payment('know addresses of the chain from all others', () => {
  for (const address of [destination, vault.change.address]) assert.ok(vault.scriptTo(address))
  for (const address of [
    '',
    'mfWxJ45yp2SFn7UciZyNpvDKrzbhyfKrY9',
    'FLDe9sDaU63Y6GALoSAJfTJ8NtkR9goLok',
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
    'none1qw508d6qejxtdg4y5r3zarvary0c5xw7kx2ah5p',
  ])
    assert.is(vault.scriptTo(address), undefined, address)
  const main = openVault({ ...plan, chain: 'main', cosigners: seeds.map((seed) => accountOf(seed, 'main').publicExtendedKey) })
  assert.ok(main.scriptTo('FLDe9sDaU63Y6GALoSAJfTJ8NtkR9goLok'), 'the address that Flopcoin Core’s own parameters name')
  assert.is(main.scriptTo(destination), undefined)
})

payment('of one plan have the same addresses wherever they are derived', () => {
  const again = openVault({ ...plan, cosigners: [...plan.cosigners].reverse() })
  assert.is(again.deposit(walletIds[0]!).address, vault.deposit(walletIds[0]!).address)
  assert.is.not(vault.deposit(walletIds[0]!).address, vault.deposit(walletIds[1]!).address)
  const refused = (changes: object) => assert.not(treasuryPlanSchema.safeParse({ ...plan, ...changes }).success)
  refused({ threshold: 4 })
  refused({ cosigners: [plan.cosigners[0], plan.cosigners[0]] })
  assert.throws(
    () => openVault({ ...plan, cosigners: [accounts[0]!.privateExtendedKey, ...plan.cosigners.slice(1)] }),
    /private key/,
  )
})

payment.run()

/** A transaction out of nowhere with one output. */
function transactionPaying(script: Uint8Array, amount: bigint): { id: string; bytes: Uint8Array } {
  const transaction = new Transaction({ allowUnknownInputs: true })
  transaction.addOutput({ script, amount })
  transaction.addInput({ txid: '11'.repeat(32), index: 0, finalScriptSig: new Uint8Array([0]) })
  return { id: transaction.id, bytes: transaction.toBytes(true) }
}
