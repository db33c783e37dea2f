// The wallet of a Core node without keys: it remembers every transaction that touches a watched script, in a block or not.
import { type BcoinTx, bcoin } from './bcoin.ts'
import type { ChainView } from './chain.ts'

export interface WalletTx {
  readonly tx: BcoinTx
  /** Of the chain's block that holds it. */
  block: { readonly hash: string; readonly height: number; readonly time: number; readonly index: number } | undefined
}

export interface WatchWallet {
  watches(scriptHex: string): boolean
  watch(scriptHex: string, rescan: boolean): Promise<void>
  /** In the order in which they became known. */
  transactions(): readonly WalletTx[]
  find(txid: string): WalletTx | undefined
  /** As Core counts: 0 when it waits, negative when the chain holds something else that spends the same. */
  confirmations(entry: WalletTx): number
  /** Outputs at watched scripts that nothing known spends. */
  coins(): readonly { readonly entry: WalletTx; readonly vout: number; readonly script: string; readonly value: number }[]
}

export function watchWallet(view: ChainView): WatchWallet {
  const scripts = new Set<string>()
  const known = new Map<string, WalletTx>()
  /** Transactions of others that spend what one of the wallet's spends. */
  const rivals = new Map<string, WalletTx>()
  const hexOf = (tx: BcoinTx, index: number) => tx.outputs[index]!.script.toRaw().toString('hex')
  /** `txid:vout` → those known that spend it. */
  const spenders = new Map<string, WalletTx[]>()

  const touches = (tx: BcoinTx) =>
    tx.outputs.some((_, index) => scripts.has(hexOf(tx, index))) ||
    tx.inputs.some(({ prevout }) => {
      const origin = known.get(prevout.rhash())
      return origin && scripts.has(hexOf(origin.tx, prevout.index))
    })

  function remember(tx: BcoinTx, block: WalletTx['block']): void {
    const txid = tx.txid()
    const before = known.get(txid) ?? rivals.get(txid)
    if (before) {
      before.block = block
      return
    }
    const isOurs = touches(tx)
    if (!isOurs && !tx.inputs.some(({ prevout }) => spenders.has(`${prevout.rhash()}:${prevout.index}`))) return
    const entry = { tx, block }
    const kept = isOurs ? known : rivals
    kept.set(txid, entry)
    for (const { prevout } of tx.inputs) {
      const key = `${prevout.rhash()}:${prevout.index}`
      spenders.set(key, [...(spenders.get(key) ?? []), entry])
    }
  }

  const blockOf = (entry: { rhash(): string; height: number; time: number }, index: number) => ({
    hash: entry.rhash(),
    height: entry.height,
    time: entry.time,
    index,
  })
  view.onAccept((tx) => remember(tx, undefined))
  view.onConnect((entry, { txs }) => {
    for (const [index, tx] of txs.entries()) remember(tx, blockOf(entry, index))
  })
  view.onDisconnect((_, { txs }) => {
    for (const tx of txs) if (known.has(tx.txid()) || rivals.has(tx.txid())) remember(tx, undefined)
  })

  /** Something else in a block spends what it spends. */
  const isConflicted = (entry: WalletTx) =>
    entry.tx.isCoinbase() ||
    entry.tx.inputs.some(({ prevout }) =>
      (spenders.get(`${prevout.rhash()}:${prevout.index}`) ?? []).some((rival) => rival !== entry && rival.block !== undefined),
    )

  const confirmations = (entry: WalletTx) =>
    entry.block ? view.chain.height - entry.block.height + 1 : isConflicted(entry) ? -1 : 0

  return {
    watches: (script) => scripts.has(script),
    async watch(script, rescan) {
      scripts.add(script)
      if (!rescan) return
      for (let height = 0; height <= view.chain.height; height++) {
        const [entry, block] = [(await view.chain.getEntry(height))!, (await view.chain.getBlock(height))!]
        for (const [index, tx] of block.txs.entries()) remember(tx, blockOf(entry, index))
      }
    },
    transactions: () => [...known.values()],
    find: (txid) => known.get(txid),
    confirmations,
    coins: () =>
      [...known.values()].flatMap((entry) =>
        entry.tx.outputs.flatMap(({ value }, vout) => {
          const script = hexOf(entry.tx, vout)
          const isSpent = (spenders.get(`${entry.tx.txid()}:${vout}`) ?? []).some(
            (spender) => confirmations(spender) >= 0 && (spender.block || view.mempool.map.has(spender.tx.hash('hex'))),
          )
          const isHere = entry.block || view.mempool.map.has(entry.tx.hash('hex'))
          return scripts.has(script) && isHere && !isSpent ? [{ entry, vout, script, value }] : []
        }),
      ),
  }
}

/** Address of a script as regtest writes it; undefined for one that has none. */
export function addressOf(scriptHex: string): string | undefined {
  return bcoin.Address.fromScript(bcoin.Script.fromRaw(Buffer.from(scriptHex, 'hex')))?.toString('regtest')
}
