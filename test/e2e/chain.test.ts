// The whole way of money over the chain with the real program: treasury of three machines, address, deposit, withdrawal signed offline.
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { openVault } from '../../adapters/flopcoin/vault.ts'
import { signCommand } from '../../commands/sign.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { startTestNode, type TestNode } from '../support/flopcoin/node.ts'
import { duxnet, type Program, scratch, startProgram, until } from './program.ts'

const chain = suite<{ node: TestNode; directory: ReturnType<typeof scratch> }>('the chain, end to end')
const passphrase = 'three may keep a secret'
const coin = 100_000_000n

chain.before(async (context) => {
  context.node = await startTestNode()
  context.directory = scratch()
})
chain.after(async ({ node, directory }) => {
  await node.close()
  directory.remove()
})

/** `duxnet wallet …` on a machine; it must succeed. */
async function wallet(data: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await duxnet(['wallet', ...args], { DUXNET_DATA: data, DUXNET_WALLET_PASSPHRASE: passphrase })
  assert.is(code, 0, stderr)
  return stdout.trim()
}

chain('coins come in and go out by two of three signatures, one of them given offline', async ({ node, directory: { path } }) => {
  const [here, second, third, drill] = ['here', 'second', 'third', 'drill'].map((name) => join(path, name)) as [
    string,
    string,
    string,
    string,
  ]
  const others = [await wallet(second, 'init', '--chain', 'regtest'), await wallet(third, 'init', '--chain', 'regtest')]
  const shown = await wallet(here, 'init', ...others, '--threshold', '2', '--chain', 'regtest')
  const mine = shown.split('\n')[0]!
  const plan = await wallet(second, 'init', mine, others[1]!, '--threshold', '2', '--chain', 'regtest')
  assert.is(plan.split('\n').slice(1).join('\n'), shown.split('\n').slice(1).join('\n'), 'one treasury on all machines')
  assert.match(shown, /2 of 3 on regtest, change to 2\w+/)

  const backup = join(path, 'backup.json')
  await wallet(here, 'backup', backup)
  await wallet(drill, 'restore', backup)
  assert.is(await wallet(drill, 'show'), await wallet(here, 'show'))
  assert.is((await duxnet(['wallet', 'restore', backup], { DUXNET_DATA: drill, DUXNET_WALLET_PASSPHRASE: passphrase })).code, 1)
  const wrong = await duxnet(['wallet', 'backup', `${backup}.2`], { DUXNET_DATA: here, DUXNET_WALLET_PASSPHRASE: 'guess' })
  assert.match(wrong.stderr, /passphrase does not open/)
  const file = join(drill, 'wallet', 'keys.sealed')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"box": "./, '"box": "+'))
  const damaged = await duxnet(['wallet', 'backup', `${backup}.2`], { DUXNET_DATA: drill, DUXNET_WALLET_PASSPHRASE: passphrase })
  assert.match(damaged.stderr, /is damaged/)

  const program = await startProgram(here, {
    FLOPCOIN_RPC_URL: node.url,
    DUXNET_WALLET_PASSPHRASE: passphrase,
    DUXNET_ROLES: 'commands,queries,projector,processes,chain',
  })
  try {
    await moneyThere({ program, node, here, second, path })
  } finally {
    await program.stop()
  }
})

async function moneyThere({
  program,
  node,
  here,
  second,
  path,
}: {
  program: Program
  node: TestNode
  here: string
  second: string
  path: string
}) {
  const signer = signerFrom(generateSeed())
  const networkId = program.run.networkId!
  const walletId = randomUUID()
  const post = async (route: string, type: string, subject: string, data: object, commandId = randomUUID()) => {
    const command = { type, subject, data: { ...data }, commandId, issuedAt: new Date().toISOString(), audience: networkId }
    const response = await fetch(new URL(route, program.run.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(signCommand(signer, command)),
    })
    const body = await response.json()
    assert.ok(response.ok, JSON.stringify(body))
    return body
  }
  const typesOf = async () => {
    const { body } = await program.get<{ events: { event: { type: string } }[] }>(`/v1/events?subject=wallet:${walletId}`)
    return body.events.map(({ event }) => event.type)
  }

  await post('/v1/wallets', 'OpenWallet', walletId, {}, walletId)
  const unknown = await program.get<{ code: string }>(`/v1/wallets/${randomUUID()}/deposit-address`)
  assert.equal([unknown.status, unknown.body.code], [404, 'WalletUnknown'])
  const { address } = await until('the read model knows the wallet', async () => {
    const { status, body } = await program.get<{ address: string }>(`/v1/wallets/${walletId}/deposit-address`)
    return status === 200 && body
  })
  assert.is(address, await wallet(second, 'address', walletId), 'every cosigner can say whose address it is')

  await node.chain.pay(address, 5n * coin)
  await node.chain.mine(6)
  await until('the deposit is credited', async () => (await typesOf()).includes('DepositCredited'))

  const vault = openVault(JSON.parse(readFileSync(join(second, 'wallet', 'treasury.json'), 'utf8')))
  const destination = vault.deposit('elsewhere').address
  const [salt, content] = [randomBytes(32), Buffer.from(destination)]
  await post('/v1/disclosures', 'DiscloseContent', networkId, {
    salt: salt.toString('base64url'),
    content: content.toString('base64'),
    mediaType: 'text/plain',
    readers: [],
  })
  await post(`/v1/wallets/${walletId}/withdrawals`, 'RequestWithdrawal', walletId, {
    amount: String(2n * coin),
    feeMax: '10000000',
    destination: commitmentOf(salt, content),
  })
  const unsigned = join(path, 'unsigned.json')
  await until('the payment waits for signatures', async () => {
    rmSync(unsigned, { force: true })
    // A payment is kept before the key that is here has signed it.
    const told = await wallet(here, 'export-unsigned', unsigned)
    return told.includes(`2.00000000 to ${destination}`) && told.includes('1 of 2 signatures')
  })
  assert.match(await wallet(second, 'sign', unsigned, '--out', `${unsigned}.signed`), /2 of 2 signatures/)
  assert.match(await wallet(here, 'submit', `${unsigned}.signed`), /2 of 2 signatures/)
  await until('it is recorded', async () => (await typesOf()).includes('WithdrawalSigned'))
  await until('it is broadcast', async () => (node.calls.get('sendrawtransaction') ?? 0) > 0)
  await node.chain.mine(6)
  await until('the withdrawal is confirmed', async () => (await typesOf()).includes('WithdrawalConfirmed'))
  const script = Buffer.from(vault.scriptTo(destination)!).toString('hex')
  assert.equal(
    (await node.outputs()).filter((output) => output.script === script).map(({ value }) => value),
    [2n * coin],
  )
  const { body: metrics } = await program.get<string>('/metrics')
  assert.match(metrics, /duxnet_chain_height 1\d\d/)
  assert.match(metrics, /duxnet_chain_open_differences 0/)
}

chain(
  'a node without a treasury, or keys that the passphrase does not open, stop the start with what to do',
  async ({ node, directory: { path } }) => {
    const data = join(path, 'none')
    const env = { DUXNET_DATA: data, FLOPCOIN_RPC_URL: node.url }
    const none = await duxnet(['start'], env)
    assert.is(none.code, 1)
    assert.match(none.stderr, /there is no treasury in .*duxnet wallet init/)
    await wallet(data, 'init', '--threshold', '1', '--chain', 'regtest')
    const locked = await duxnet(['start'], { ...env, DUXNET_WALLET_PASSPHRASE: 'guess' })
    assert.is(locked.code, 1)
    assert.match(locked.stderr, /passphrase does not open/)
  },
)

chain.run()
