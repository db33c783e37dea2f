import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { chainStore } from '../../adapters/postgres/private/chain.ts'
import { openPrivateStore, type PrivateStore } from '../../adapters/postgres/private/store.ts'
import type { ChainStore, PaymentAttempt } from '../../commands/ports.ts'
import { type TestPostgres, testPostgres } from '../support/engines.ts'

const store = suite<{ postgres: TestPostgres; privateStore: PrivateStore; kept: ChainStore }>('the chain’s private store')
store.before.each(async (context) => {
  context.postgres = await testPostgres()
  context.privateStore = openPrivateStore({ url: context.postgres.url })
  context.kept = chainStore(context.privateStore)
})
store.after.each(async ({ postgres, privateStore }) => {
  await privateStore.close()
  await postgres.close()
})

const txid = (n: number) => n.toString(16).padStart(64, '0')

/** A first attempt that spends outputs 0 of these transactions. */
function attemptOf(withdrawalId: string, ...origins: number[]): PaymentAttempt {
  const inputs = origins.map((n) => ({
    txid: txid(n),
    vout: 0,
    address: `address ${n}`,
    walletId: n % 2 ? `wallet ${n}` : undefined,
    amount: 10n ** 18n + BigInt(n),
  }))
  return {
    withdrawalId,
    attempt: 1,
    psbt: Buffer.from(`psbt of ${withdrawalId}`),
    fee: 9_007_199_254_740_993n,
    height: 7,
    signed: undefined,
    inputs,
  }
}

store('keeps attempts as they are, to the unit and the byte', async ({ kept }) => {
  const first = attemptOf('one', 1, 2, 3)
  assert.ok(await kept.keep(first))
  const signed = { txid: txid(99), bytes: Buffer.from('signed') }
  const second = { ...first, attempt: 2, fee: first.fee * 2n, signed }
  assert.ok(await kept.keep(second))
  assert.equal(await kept.attempts(['one', 'none']), new Map([['one', [first, second]]]))
  assert.equal(await kept.unsigned(), ['one'])
})

store('gives no coin to two payments, however many ask at once', async ({ kept }) => {
  const asked = await Promise.all(Array.from({ length: 8 }, (_, n) => kept.keep(attemptOf(`payment ${n}`, 100 + n, 1))))
  assert.is(asked.filter(Boolean).length, 1)
  assert.not(await kept.keep(attemptOf('late', 1)))
  assert.equal(await kept.spokenFor([`${txid(1)}:0`, `${txid(1)}:1`, `${txid(50)}:0`]), new Set([`${txid(1)}:0`]))
  const winner = `payment ${asked.indexOf(true)}`
  await kept.release(winner)
  assert.equal(await kept.attempts([winner]), new Map())
  assert.ok(await kept.keep(attemptOf('late', 1)), 'its coins are free again')
})

store('never changes bytes that may have been told of, nor loses a cosigner’s signature', async ({ kept }) => {
  const { psbt } = attemptOf('one', 1)
  await kept.keep(attemptOf('one', 1))
  const more = Buffer.from('with a signature')
  const at = { withdrawalId: 'one', attempt: 1 }
  assert.ok(await kept.keepSignatures({ ...at, psbt: more, signed: undefined }, psbt))
  assert.not(await kept.keepSignatures({ ...at, psbt: Buffer.from('without that one'), signed: undefined }, psbt))
  const signed = { txid: txid(99), bytes: Buffer.from('complete') }
  assert.ok(await kept.keepSignatures({ ...at, psbt: more, signed }, more))
  assert.not(await kept.keepSignatures({ ...at, psbt: more, signed: { txid: txid(98), bytes: Buffer.from('other') } }, more))
  assert.equal((await kept.attempts(['one'])).get('one')![0]!.signed, signed)
  assert.equal(await kept.unsigned(), [])
})

store('knows whose address is whose, and how far deposits were taken in', async ({ kept }) => {
  for (const n of [3, 1, 2]) await kept.addAddress(`wallet ${n}`, `address ${n}`)
  await kept.addAddress('wallet 1', 'address 1')
  assert.equal(await kept.walletsOf(['address 2', 'address 9']), new Map([['address 2', 'wallet 2']]))
  assert.equal(await kept.addressesAfter('', 2), ['address 1', 'address 2'])
  assert.equal(await kept.addressesAfter('address 2', 2), ['address 3'])
  assert.is(await kept.place(), undefined)
  for (const place of [txid(1), txid(2), undefined]) {
    await kept.setPlace(place)
    assert.is(await kept.place(), place)
  }
})

store('gives an address that was disclosed until it is erased', async ({ kept, privateStore }) => {
  const db = await privateStore.db()
  const row = {
    commitment: 'c',
    discloser: 'd',
    salt: Buffer.alloc(32),
    content: Buffer.from(' address\n'),
    mediaType: 'text/plain',
    readers: [],
    createdAt: new Date(),
    erasedAt: null,
  }
  assert.is(await kept.destination('c'), undefined)
  await db.insertInto('disclosures').values(row).execute()
  assert.is(await kept.destination('c'), 'address')
  await db.updateTable('disclosures').set({ salt: null, content: null, erasedAt: new Date() }).execute()
  assert.is(await kept.destination('c'), undefined)
})

store.run()
