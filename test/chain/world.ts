import { randomBytes, randomUUID } from 'node:crypto'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { foundNetwork } from '../../commands/network.ts'
import type { EventStore, Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { postingsOf } from '../../domain/ledger.ts'
import { initialPolicy, type Policy } from '../../domain/network/policy.ts'
import { testPostgres } from '../support/engines.ts'
import { startTestNode, type TestNode } from '../support/flopcoin/node.ts'
import { type ChainInstance, type ChainInstanceOptions, startChainInstance, vault } from './instance.ts'

export const namespace = 'dux'
export const coin = 100_000_000n
/** Far below what a test chain pays out, so that nothing waits for a steward unless a test says so. */
const generous = { velocityCountMax: 1_000_000, velocityAmountMax: String(10n ** 20n), newDestinationAmount: String(10n ** 20n) }

export interface ChainWorld {
  readonly node: TestNode
  readonly store: EventStore
  readonly instance: ChainInstance
  /** What another process needs to do the same work. */
  readonly options: ChainInstanceOptions
  /** Stops the instance that runs and starts one of its successors. */
  restart(options?: Partial<ChainInstanceOptions>): Promise<void>
  /** Opens a wallet whose address the node watches. */
  openWallet(): Promise<Wallet>
  /** Rounds until nothing is left to do. */
  settle(): Promise<void>
  /** Blocks, one after the other, each followed by rounds. */
  pass(blocks: number): Promise<void>
  /** All events so far. */
  events(): Promise<Fact[]>
  /** The trial balance of the log: accounts that are not 0. */
  accounts(): Promise<ReadonlyMap<string, bigint>>
  close(): Promise<void>
}

export interface Wallet {
  readonly walletId: string
  readonly signer: Signer
  readonly address: string
  /** Units at its disposal, by the log. */
  balance(): Promise<bigint>
  /** Asks for a withdrawal to `address` and gives its id. */
  withdraw(amount: bigint, address: string, feeMax?: bigint): Promise<string>
  command(type: string, data: Record<string, Json>): Promise<void>
}

export async function chainWorld({
  node: existing,
  store = memoryEventStore({ namespace }),
  withdrawal = {},
}: {
  node?: TestNode
  store?: EventStore
  withdrawal?: Partial<NonNullable<Policy['money']>['withdrawal']>
} = {}): Promise<ChainWorld> {
  const node = existing ?? (await startTestNode())
  const postgres = await testPostgres()
  const seed = generateSeed()
  const money = initialPolicy.money!
  const policy: Policy = {
    ...initialPolicy,
    money: { ...money, depositConfirmations: 3, withdrawal: { ...money.withdrawal, ...generous, ...withdrawal } },
  }
  const { networkId } = await foundNetwork({
    store,
    namespace,
    kind: 'test',
    authority: signerFrom(generateSeed()),
    serviceKeys: { health: signerFrom(generateSeed()).publicKey, chain: signerFrom(seed).publicKey },
    logKey: signerFrom(generateSeed()).publicKey,
    policy,
  })
  const options: ChainInstanceOptions = {
    store,
    namespace,
    networkId,
    databaseUrl: postgres.url,
    nodeUrl: node.url,
    policy: policy.money!,
    seed: Buffer.from(seed).toString('hex'),
  }
  let instance = await startChainInstance(options)

  async function send(signer: Signer, type: string, subject: string, data: Record<string, Json>, commandId = randomUUID()) {
    const command = { type, subject, data, commandId, issuedAt: new Date().toISOString(), audience: networkId }
    return instance.submit(signCommand(signer, command))
  }

  async function events(): Promise<Fact[]> {
    const found: Fact[] = []
    for await (const event of store.readAll()) found.push(decode(event))
    return found
  }

  async function accounts(): Promise<ReadonlyMap<string, bigint>> {
    const sums = new Map<string, bigint>()
    for (const event of await events())
      for (const { account, amount } of postingsOf(event)) sums.set(account, (sums.get(account) ?? 0n) + amount)
    return new Map([...sums].filter(([, amount]) => amount !== 0n))
  }

  async function disclose(address: string): Promise<string> {
    const [salt, content] = [randomBytes(32), Buffer.from(address)]
    const commitment = commitmentOf(salt, content)
    const db = await instance.privateStore.db()
    const row = {
      commitment,
      discloser: 'test',
      salt,
      content,
      mediaType: 'text/plain',
      readers: [],
      createdAt: new Date(),
      erasedAt: null,
    }
    await db.insertInto('disclosures').values(row).execute()
    return commitment
  }

  async function openWallet(): Promise<Wallet> {
    const signer = signerFrom(generateSeed())
    const walletId = randomUUID()
    const { address } = vault.deposit(walletId)
    await send(signer, 'OpenWallet', walletId, {}, walletId)
    await instance.chainStore.addAddress(walletId, address)
    await instance.chain.watch([address], false)
    return {
      walletId,
      signer,
      address,
      balance: async () => (await accounts()).get(`wallet:${walletId}`) ?? 0n,
      async withdraw(amount, to, feeMax = coin) {
        const data = { amount: String(amount), feeMax: String(feeMax), destination: await disclose(to) }
        const { events } = await send(signer, 'RequestWithdrawal', walletId, data)
        return (events[0]!.data as { withdrawalId: string }).withdrawalId
      },
      command: async (type, data) => void (await send(signer, type, walletId, data)),
    }
  }

  async function settle(): Promise<void> {
    await instance.caughtUp()
    for (let left = 50; left > 0; left--) if (await instance.runner.round()) return
    throw new Error('the chain process has found something to do fifty times')
  }

  return {
    node,
    store,
    options,
    get instance() {
      return instance
    },
    async restart(changes = {}) {
      await instance.stop()
      instance = await startChainInstance({ ...options, ...changes })
    },
    openWallet,
    settle,
    async pass(blocks) {
      for (let left = blocks; left > 0; left--) {
        await node.chain.mine(1)
        await settle()
      }
    },
    events,
    accounts,
    async close() {
      await instance.stop()
      await postgres.close()
      if (!existing) await node.close()
    },
  }
}
