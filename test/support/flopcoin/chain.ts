// A real chain in memory: bcoin's blocks, scripts and signatures in regtest, mined to order.
import { type BcoinBlock, type BcoinEntry, type BcoinTx, bcoin } from './bcoin.ts'

/** What the miner that mines it can be made to do. Amounts are units. */
export interface TestChain {
  readonly height: number
  /** Blocks with what waits in the mempool, or without. */
  mine(blocks: number, options?: { readonly empty?: boolean }): Promise<void>
  /** Pays from the miner's coins and waits for a block only when told to `mine`. Gives the txid. */
  pay(address: string, amount: bigint): Promise<string>
  /** As many outputs as there are addresses, in one transaction. */
  payMany(outputs: readonly (readonly [address: string, amount: bigint])[]): Promise<string>
  /**
   * Another branch of `depth` + 1 blocks replaces the last `depth`. What they held waits in the mempool again, but for the txids in
   * `without`: the branch spends the same coins otherwise, so these never come back.
   */
  reorganise(depth: number, options?: { readonly without?: readonly string[] }): Promise<void>
  close(): Promise<void>
}

/** The chain as a node's own parts see it. */
export interface ChainView {
  readonly chain: InstanceType<typeof bcoin.Chain>
  readonly mempool: InstanceType<typeof bcoin.Mempool>
  /** Takes a transaction in, in the place of those that it may replace (BIP 125). Throws Error with Core's words. */
  accept(tx: BcoinTx): Promise<void>
  /** Loses the mempool, as a killed node does. */
  forgetMempool(): Promise<void>
  onConnect(listener: (entry: BcoinEntry, block: BcoinBlock) => void): void
  onDisconnect(listener: (entry: BcoinEntry, block: BcoinBlock) => void): void
  onAccept(listener: (tx: BcoinTx) => void): void
}

/** Blocks until a coinbase may be spent. */
const maturity = 100
/** Units a payment of the miner's gives for its place in a block. */
const minerFee = 1_000_000

export async function openTestChain(): Promise<TestChain & ChainView> {
  const network = 'regtest'
  const key = bcoin.KeyRing.generate()
  const address = key.getAddress('string', network)
  const chain = new bcoin.Chain({ network, memory: true, coinCache: 0, entryCache: 5000 })
  const mempool = new bcoin.Mempool({
    network,
    chain,
    memory: true,
    replaceByFee: true,
    maxAncestors: 25,
    maxOrphans: 0,
    minRelay: 100_000,
    relayPriority: false,
  })
  const miner = new bcoin.Miner({ network, chain, mempool, address: [address] })
  const connected: ((entry: BcoinEntry, block: BcoinBlock) => void)[] = []
  const disconnected: typeof connected = []
  const accepted: ((tx: BcoinTx) => void)[] = []
  /** Every transaction that was ever in a block of the chain, by hash. */
  const mined = new Map<string, { tx: BcoinTx; height: number }>()
  /** The miner's coins, oldest first. */
  let purse: { tx: BcoinTx; index: number; height: number; mature: number }[] = []

  chain.on('connect', async (entry, block) => {
    await mempool._addBlock(entry, block.txs)
    for (const tx of block.txs) mined.set(tx.hash('hex'), { tx, height: entry.height })
    purse.push({ tx: block.txs[0]!, index: 0, height: entry.height, mature: entry.height + maturity })
    for (const listener of connected) listener(entry, block)
  })
  chain.on('disconnect', async (entry, block) => {
    await mempool._removeBlock(entry, block.txs)
    purse = purse.filter(({ tx }) => tx !== block.txs[0] && tx.txid() !== block.txs[0]!.txid())
    for (const listener of disconnected) listener(entry, block)
  })
  chain.on('reorganize', () => void mempool._handleReorg())
  await chain.open()
  await mempool.open()
  await miner.open()

  async function mineOn(tip: BcoinEntry, transactions: readonly BcoinTx[] | 'mempool'): Promise<BcoinEntry> {
    const job = await miner.cpu.createJob(tip)
    if (transactions !== 'mempool') {
      job.attempt.items.length = 0
      job.attempt.fees = 0
      for (const tx of transactions) job.pushTX(tx)
      job.refresh()
    }
    const entry = await chain.add(await job.mineAsync())
    if (!entry) throw new Error('the chain did not take a block')
    return entry
  }

  function spend(coins: typeof purse, outputs: readonly (readonly [string, bigint])[]): BcoinTx {
    const mtx = new bcoin.MTX()
    for (const { tx, index, height } of coins) mtx.addTX(tx, index, height)
    for (const [to, amount] of outputs) mtx.addOutput(bcoin.Script.fromAddress(to), Number(amount))
    const rest = worthOf(coins) - outputs.reduce((sum, [, amount]) => sum + Number(amount), 0) - minerFee
    mtx.addOutput(bcoin.Script.fromAddress(address), rest)
    mtx.sign(key)
    return mtx.toTX()
  }

  async function accept(tx: BcoinTx): Promise<void> {
    const rivals = new Set(
      tx.inputs.map(({ prevout }) => mempool.getSpentTX(prevout.hash, prevout.index)).filter((rival) => rival !== null),
    )
    if (rivals.size && !mempool.map.has(tx.hash('hex'))) await replace(tx, [...rivals])
    const missing = await mempool.addTX(tx).catch((error) => {
      throw new Error(error.reason ?? error.message)
    })
    if (missing) throw new Error('Missing inputs')
    for (const listener of accepted) listener(tx)
  }

  /** bcoin knows what may be replaced but does not replace it. */
  async function replace(tx: BcoinTx, rivals: readonly BcoinTx[]): Promise<void> {
    const entries = rivals.map((rival) => mempool.map.get(rival.hash('hex'))!)
    const coins = await Promise.all(tx.inputs.map(({ prevout }) => chain.db.getCoin(prevout.hash, prevout.index)))
    if (!rivals.every((rival) => rival.isRBF()) || coins.includes(null)) throw new Error('txn-mempool-conflict')
    const fee = coins.reduce((sum, coin) => sum + coin!.value, 0) - tx.outputs.reduce((sum, { value }) => sum + value, 0)
    const relay = Math.ceil((tx.getSize() * 100_000) / 1000)
    if (fee < entries.reduce((sum, entry) => sum + entry.fee, 0) + relay) throw new Error('insufficient fee')
    for (const entry of entries) mempool.evictEntry(entry)
  }

  const self: TestChain & ChainView = {
    chain,
    mempool,
    accept,
    get height() {
      return chain.height
    },
    async mine(blocks, { empty = false } = {}) {
      for (let made = 0; made < blocks; made++) await mineOn(chain.tip, empty ? [] : 'mempool')
    },
    pay: (to, amount) => self.payMany([[to, amount]]),
    async payMany(outputs) {
      const needed = outputs.reduce((sum, [, amount]) => sum + Number(amount), minerFee)
      const coins: typeof purse = []
      for (const coin of purse) if (worthOf(coins) <= needed && coin.mature <= chain.height) coins.push(coin)
      if (worthOf(coins) <= needed) throw new Error('the miner has too few coins: mine more first')
      const tx = spend(coins, outputs)
      await accept(tx)
      purse = [...purse.filter((coin) => !coins.includes(coin)), { tx, index: outputs.length, height: -1, mature: 0 }]
      return tx.txid()
    },
    async reorganise(depth, { without = [] } = {}) {
      const blocks: BcoinBlock[] = []
      for (let height = chain.height - depth + 1; height <= chain.height; height++) blocks.push((await chain.getBlock(height))!)
      const undone = blocks.flatMap(({ txs }) => txs.slice(1))
      const pending = [...mempool.map.values()].map(({ tx }) => tx)
      const doomed = [...undone, ...pending].filter((tx) => without.includes(tx.txid()))
      let tip = (await chain.getEntry(chain.height - depth))!
      // The mempool is empty for a moment: only what is told to goes into the branch.
      await mempool._reset()
      for (let made = 0; made <= depth; made++) tip = await mineOn(tip, made === depth ? spentOtherwise(doomed) : [])
      for (const tx of [...undone, ...pending]) if (!doomed.includes(tx)) await accept(tx).catch(() => {})
    },
    async forgetMempool() {
      await mempool._reset()
    },
    onConnect: (listener) => void connected.push(listener),
    onDisconnect: (listener) => void disconnected.push(listener),
    onAccept: (listener) => void accepted.push(listener),
    async close() {
      await miner.close()
      await mempool.close()
      await chain.close()
    },
  }
  return self

  /** Payments of the miner's to itself that spend what `doomed` spent; only the miner's own payments can be doomed. */
  function spentOtherwise(doomed: readonly BcoinTx[]): BcoinTx[] {
    return doomed.map((tx) => {
      const mtx = new bcoin.MTX()
      let value = 0
      for (const { prevout } of tx.inputs) {
        const origin = mined.get(prevout.hash)!
        mtx.addTX(origin.tx, prevout.index, origin.height)
        value += origin.tx.outputs[prevout.index]!.value
      }
      mtx.addOutput(bcoin.Script.fromAddress(address), value - minerFee)
      mtx.sign(key)
      return mtx.toTX()
    })
  }
}

const worthOf = (coins: readonly { tx: BcoinTx; index: number }[]) =>
  coins.reduce((sum, { tx, index }) => sum + tx.outputs[index]!.value, 0)
