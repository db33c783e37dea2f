import { sql } from 'kysely'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { chainStore } from '../../adapters/postgres/private/chain.ts'
import { migrations } from '../../adapters/postgres/private/migrations.ts'
import { openPrivateStore, type PrivateStore } from '../../adapters/postgres/private/store.ts'
import type { ChainStore, PaymentAttempt, SignedPayment } from '../../commands/ports.ts'
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

/** A payment of these withdrawals that spends outputs 0 of transactions. */
function paymentOf(withdrawalIds: readonly string[], ...origins: number[]) {
  const inputs = origins.map((n) => ({
    txid: txid(n),
    vout: 0,
    address: `address ${n}`,
    walletId: n % 2 ? `wallet ${n}` : undefined,
    amount: 10n ** 18n + BigInt(n),
  }))
  const psbt = Buffer.from(`psbt of ${withdrawalIds}`)
  const first: PaymentAttempt = { attempt: 1, psbt, fee: 9_007_199_254_740_993n, height: 7, signed: undefined }
  return { withdrawalIds, inputs, attempts: [first] }
}

store('keeps payments as they are, to the unit and the byte', async ({ kept }) => {
  const payment = paymentOf(['one', 'two'], 1, 2, 3)
  const [first] = payment.attempts
  const { paymentId } = (await kept.keep(payment))!
  assert.equal(await kept.unrecorded(), [{ ...payment, paymentId, withdrawn: [] }])
  const signed = { txid: txid(99), bytes: Buffer.from('signed') }
  const second = { ...first!, attempt: 2, fee: first!.fee * 2n, signed }
  assert.ok(await kept.keepAttempt(paymentId, second))
  assert.not(await kept.keepAttempt(paymentId, second))
  const both = [{ ...payment, paymentId, attempts: [first, second], withdrawn: [] }]
  for (const ids of [['one'], ['two', 'none'], ['one', 'two']]) assert.equal(await kept.payments(ids), both)
  assert.equal(await kept.payments(['none']), [])
  assert.equal(await kept.unsigned(), both)
  await kept.recorded(paymentId)
  assert.equal(await kept.unrecorded(), [])
})

store('gives no coin to two payments and no withdrawal two payments, however many ask at once', async ({ kept }) => {
  const asked = await Promise.all(Array.from({ length: 8 }, (_, n) => kept.keep(paymentOf([`payment ${n}`], 100 + n, 1))))
  const [winner, ...others] = asked.filter((payment) => payment !== undefined)
  assert.equal(others, [])
  assert.is(await kept.keep(paymentOf(['late'], 1)), undefined)
  assert.is(await kept.keep(paymentOf(['new', winner!.withdrawalIds[0]!], 200)), undefined)
  assert.equal(await kept.spokenFor([`${txid(1)}:0`, `${txid(1)}:1`, `${txid(50)}:0`]), new Set([`${txid(1)}:0`]))
  await kept.release(winner!.paymentId)
  assert.equal(await kept.payments(winner!.withdrawalIds), [])
  assert.ok(await kept.keep(paymentOf(['late', ...winner!.withdrawalIds], 1)), 'its coins and its withdrawals are free again')
})

store('forgets the bytes of an attempt that somebody left, remembers its txid, and frees who left', async ({ kept }) => {
  const payment = paymentOf(['one', 'two', 'three'], 1)
  const { paymentId } = (await kept.keep(payment))!
  const [first] = payment.attempts
  const signed = { txid: txid(99), bytes: Buffer.from('pays all three') }
  await kept.keepSignatures(paymentId, { ...first!, signed }, first!.psbt)
  const next = { ...first!, attempt: 2, psbt: Buffer.from('pays two') }
  assert.ok(await kept.replace(paymentId, ['one', 'three'], next))
  const replaced = { ...payment, paymentId, withdrawalIds: ['one', 'three'], attempts: [next], withdrawn: [txid(99)] }
  assert.equal(await kept.payments(['one']), [replaced])
  assert.equal(await kept.payments(['two']), [])
  assert.not(await kept.replace(paymentId, ['one'], next))
  assert.not(await kept.keepSignatures(paymentId, { ...first!, signed }, first!.psbt), 'what was withdrawn does not come back')
  assert.equal(await kept.payments(['three']), [replaced])
})

store('never changes bytes that may have been told of, nor loses a cosigner’s signature', async ({ kept }) => {
  const payment = paymentOf(['one'], 1)
  const { paymentId } = (await kept.keep(payment))!
  const { psbt } = payment.attempts[0]!
  const more = Buffer.from('with a signature')
  const keep = (psbt: Uint8Array, before: Uint8Array, signed?: SignedPayment) =>
    kept.keepSignatures(paymentId, { attempt: 1, psbt, signed }, before)
  assert.ok(await keep(more, psbt))
  assert.not(await keep(Buffer.from('without that one'), psbt))
  const signed = { txid: txid(99), bytes: Buffer.from('complete') }
  assert.ok(await keep(more, more, signed))
  assert.not(await keep(more, more, { txid: txid(98), bytes: Buffer.from('other') }))
  assert.equal((await kept.payments(['one']))[0]!.attempts[0]!.signed, signed)
  assert.equal(await kept.unsigned(), [])
})

store('takes over payments of programs that paid each withdrawal by itself', async ({ postgres }) => {
  const { db, close } = openWriter({ url: postgres.url })
  const before = 4
  await sql.raw('create schema duxnet_private; set search_path = duxnet_private').execute(db)
  await sql
    .raw(`create table duxnet_private.migrations (number integer primary key, "appliedAt" timestamptz not null default now());
    insert into duxnet_private.migrations select generate_series(1, ${before})`)
    .execute(db)
  await sql
    .raw(`set search_path = duxnet_private; ${migrations.slice(0, before).join(';')};
    insert into payments ("withdrawalId", attempt, psbt, fee, height, txid, bytes) values
      ('old', 1, 'first', 5, 7, '${txid(98)}', 'bytes'), ('old', 2, 'second', 6, 8, null, null);
    insert into "paymentInputs" values ('${txid(1)}', 0, 'old', 0, 'address', null, 9)`)
    .execute(db)
  await close()
  const again = openPrivateStore({ url: postgres.url })
  const payments = await chainStore(again).payments(['old'])
  await again.close()
  assert.equal(payments, [
    {
      paymentId: 'old',
      withdrawalIds: ['old'],
      inputs: [{ txid: txid(1), vout: 0, address: 'address', walletId: undefined, amount: 9n }],
      attempts: [
        { attempt: 1, psbt: Buffer.from('first'), fee: 5n, height: 7, signed: { txid: txid(98), bytes: Buffer.from('bytes') } },
        { attempt: 2, psbt: Buffer.from('second'), fee: 6n, height: 8, signed: undefined },
      ],
      withdrawn: [],
    },
  ])
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
