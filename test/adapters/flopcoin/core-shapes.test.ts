// The test node is believed only as far as it answers as Core 1.14 documents it: no field that 1.14 does not have, none that it always has left out.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRpc, type NodeRefused, type Rpc } from '../../../adapters/flopcoin/rpc.ts'
import { vault } from '../../chain/instance.ts'
import { startTestNode, type TestNode } from '../../support/flopcoin/node.ts'

const shapes = suite<{ node: TestNode; rpc: Rpc; txid: string }>('the test node')
const words = (text: string) => text.split(' ')
const { address } = vault.deposit('somebody')

/** Of the help texts of 1.14: what is always there, and what may be. */
const listed = {
  always: words('account category amount vout confirmations txid walletconflicts bip125-replaceable'),
  maybe: words(
    'involvesWatchonly address fee generated trusted blockhash blockindex blocktime time timereceived abandoned comment label to',
  ),
}
const documented: Readonly<Record<string, { readonly always: readonly string[]; readonly maybe: readonly string[] }>> = {
  listsinceblock: { always: words('transactions lastblock'), maybe: [] },
  'listsinceblock transactions': listed,
  listunspent: {
    always: words('txid vout scriptPubKey amount confirmations spendable solvable'),
    maybe: words('address account redeemScript'),
  },
  gettransaction: {
    always: words('amount confirmations txid walletconflicts bip125-replaceable details hex'),
    maybe: words('fee generated trusted blockhash blockindex blocktime time timereceived comment'),
  },
  gettxout: { always: words('bestblock confirmations value scriptPubKey coinbase'), maybe: words('version') },
  getblockheader: {
    always: words('hash confirmations height time'),
    maybe: words('version versionHex merkleroot mediantime nonce bits difficulty chainwork auxpow previousblockhash nextblockhash'),
  },
  validateaddress: {
    always: words('isvalid'),
    maybe: words(
      'address scriptPubKey ismine iswatchonly isscript script hex addresses sigsrequired pubkey iscompressed account timestamp hdkeypath hdmasterkeyid',
    ),
  },
  createmultisig: { always: words('address redeemScript'), maybe: [] },
}

function hasShape(name: string, value: unknown): void {
  const { always, maybe } = documented[name]!
  const fields = Object.keys(value as object)
  assert.equal(
    always.filter((field) => !fields.includes(field)),
    [],
    `${name} lacks`,
  )
  assert.equal(
    fields.filter((field) => !always.includes(field) && !maybe.includes(field)),
    [],
    `${name} has too much`,
  )
}

shapes.before(async (context) => {
  context.node = await startTestNode()
  context.rpc = createRpc({ url: context.node.url })
  await context.rpc.send('importaddress', [address, 'duxnet', false])
  context.txid = await context.node.chain.pay(address, 123_456_789n)
  await context.node.chain.mine(1)
  await context.node.chain.pay(address, 1n * 100_000_000n)
})
shapes.after(({ node }) => node.close())

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => assert.unreachable('it should have refused'),
    (error: unknown) => (error as NodeRefused).code,
  )

shapes('answers as Core 1.14 does, amounts as numbers of eight decimals', async ({ rpc, txid }) => {
  const since = (await rpc.read('listsinceblock', ['', 1, true])) as { transactions: { amount: unknown; confirmations: unknown }[] }
  hasShape('listsinceblock', since)
  assert.is(since.transactions.length, 2)
  for (const transaction of since.transactions) hasShape('listsinceblock transactions', transaction)
  assert.equal(since.transactions[0]!.amount, JSON.rawJSON('1.23456789'))
  for (const coin of (await rpc.read('listunspent', [0])) as unknown[]) hasShape('listunspent', coin)
  hasShape('gettransaction', await rpc.read('gettransaction', [txid, true]))
  hasShape('gettxout', await rpc.read('gettxout', [txid, 0, false]))
  hasShape('getblockheader', await rpc.read('getblockheader', [await rpc.read('getbestblockhash')]))
  hasShape('validateaddress', await rpc.read('validateaddress', [address]))
  hasShape('validateaddress', await rpc.read('validateaddress', ['nonsense']))
})

shapes(
  'lists watched payments only where it is asked for them, and all of them after a block that it does not know',
  async ({ rpc }) => {
    assert.equal(((await rpc.read('listsinceblock', ['', 1])) as { transactions: unknown[] }).transactions, [])
    const unknown = (await rpc.read('listsinceblock', ['00'.repeat(32), 1, true])) as { transactions: unknown[] }
    assert.is(unknown.transactions.length, 2)
    const tip = await rpc.read('getbestblockhash')
    const later = (await rpc.read('listsinceblock', [tip, 1, true])) as { transactions: unknown[]; lastblock: string }
    assert.is(later.transactions.length, 1, 'what is in no block yet')
    assert.is(later.lastblock, tip)
  },
)

shapes('refuses with the codes of Core 1.14', async ({ rpc, txid }) => {
  assert.is(await refusal(rpc.read('getblockhash', [9999])), -8)
  assert.is(await refusal(rpc.read('getblockheader', ['00'.repeat(32)])), -5)
  assert.is(await refusal(rpc.read('gettransaction', ['00'.repeat(32), true])), -5)
  assert.is(await refusal(rpc.read('gettransaction', [txid])), -5, 'watched ones are shown only when asked for')
  assert.is(await refusal(rpc.send('importaddress', ['nonsense', '', false])), -5)
  assert.is(await refusal(rpc.send('sendrawtransaction', ['zz'])), -22)
  assert.is(await rpc.read('gettxout', ['00'.repeat(32), 0]), null)
  const { hex } = (await rpc.read('gettransaction', [txid, true])) as { hex: string }
  assert.is(await refusal(rpc.send('sendrawtransaction', [hex])), -27)
  for (const newer of ['getaddressinfo', 'createpsbt', 'walletcreatefundedpsbt', 'getbalances', 'rescanblockchain'])
    assert.is(await refusal(rpc.read(newer)), -32601, newer)
})

shapes.run()
