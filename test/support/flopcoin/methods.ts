// Calls of Dogecoin Core 1.14 as its help describes them, answered by the test chain. Only what Core 1.14 has: no PSBT, no `removed`.
import { createHash } from 'node:crypto'
import { type BcoinEntry, type BcoinTx, bcoin } from './bcoin.ts'
import type { ChainView } from './chain.ts'
import { addressOf, type WalletTx, type WatchWallet } from './wallet.ts'

/** An error of the RPC. */
export class RpcError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

type Method = (...params: never[]) => unknown

/** An amount as Core prints it: a number in coins with eight decimals. */
const coins = (units: number | bigint) => {
  const text = BigInt(units).toString().replace('-', '').padStart(9, '0')
  return JSON.rawJSON(`${units < 0 ? '-' : ''}${text.slice(0, -8)}.${text.slice(-8)}`)
}

export function coreMethods(view: ChainView, wallet: WatchWallet): Readonly<Record<string, Method>> {
  const { chain, mempool } = view

  const scriptOf = (address: string): string => {
    try {
      bcoin.Address.fromString(address, 'regtest')
      return bcoin.Script.fromAddress(address).toRaw().toString('hex')
    } catch {
      throw new RpcError(-5, 'Invalid Dogecoin address or script')
    }
  }

  async function entryOf(hash: string): Promise<BcoinEntry> {
    const entry = await chain.getEntry(Buffer.from(hash, 'hex').reverse().toString('hex'))
    if (!entry) throw new RpcError(-5, 'Block not found')
    return entry
  }

  const isMain = async (entry: BcoinEntry) => (await chain.getEntry(entry.height))?.hash === entry.hash

  async function header(hash: string) {
    const entry = await entryOf(hash)
    const main = await isMain(entry)
    const [previous, next] = [await chain.getEntry(entry.height - 1), main ? await chain.getEntry(entry.height + 1) : null]
    return {
      hash,
      confirmations: main ? chain.height - entry.height + 1 : -1,
      height: entry.height,
      time: entry.time,
      ...(previous && { previousblockhash: previous.rhash() }),
      ...(next && { nextblockhash: next.rhash() }),
    }
  }

  function placeOf(entry: WalletTx) {
    const { block } = entry
    return {
      confirmations: wallet.confirmations(entry),
      ...(entry.tx.isCoinbase() && { generated: true }),
      ...(block && { blockhash: block.hash, blockindex: block.index, blocktime: block.time }),
      txid: entry.tx.txid(),
      walletconflicts: [],
      'bip125-replaceable': !block && entry.tx.isRBF() ? 'yes' : 'no',
    }
  }

  function receivedBy(entry: WalletTx) {
    return entry.tx.outputs.flatMap(({ script, value }, vout) => {
      const hex = script.toRaw().toString('hex')
      if (!wallet.watches(hex)) return []
      const category = entry.tx.isCoinbase() ? (wallet.confirmations(entry) > 100 ? 'generate' : 'immature') : 'receive'
      return [
        {
          involvesWatchonly: true,
          account: 'duxnet',
          address: addressOf(hex),
          category,
          amount: coins(value),
          label: 'duxnet',
          vout,
          ...placeOf(entry),
        },
      ]
    })
  }

  function sentBy(entry: WalletTx) {
    const own = entry.tx.inputs.some(({ prevout }) => {
      const origin = wallet.find(prevout.rhash())
      return origin && wallet.watches(origin.tx.outputs[prevout.index]!.script.toRaw().toString('hex'))
    })
    if (!own) return []
    return entry.tx.outputs.map(({ script, value }, vout) => ({
      involvesWatchonly: true,
      account: '',
      address: addressOf(script.toRaw().toString('hex')),
      category: 'send',
      amount: coins(-value),
      vout,
      abandoned: false,
      ...placeOf(entry),
    }))
  }

  /** Blocks after the last that `hash` and the chain have in common; undefined: all. */
  async function depthOf(hash: string): Promise<number | undefined> {
    // Core reads any text as a number: what is no hash is a block that nobody has.
    if (!/^[0-9a-f]{64}$/.test(hash)) return undefined
    let entry = await chain.getEntry(Buffer.from(hash, 'hex').reverse().toString('hex'))
    while (entry && !(await isMain(entry))) entry = await chain.getEntry(entry.prevBlock)
    return entry ? chain.height - entry.height + 1 : undefined
  }

  const methods = {
    help: () => Object.keys(methods).join('\n'),
    getblockchaininfo: () => ({ chain: 'regtest', blocks: chain.height, headers: chain.height, bestblockhash: chain.tip.rhash() }),
    getnetworkinfo: () => ({
      version: 1140900,
      subversion: '/Shibetoshi:1.14.9/',
      relayfee: coins(100_000),
      incrementalfee: coins(100_000),
    }),
    getbestblockhash: () => chain.tip.rhash(),
    async getblockhash(height: number) {
      const entry = height < 0 ? null : await chain.getEntry(height)
      if (!entry) throw new RpcError(-8, 'Block height out of range')
      return entry.rhash()
    },
    getblockheader: header,
    async getblock(hash: string) {
      const block = await chain.getBlock((await entryOf(hash)).hash)
      return { ...(await header(hash)), tx: block!.txs.map((tx) => tx.txid()) }
    },
    estimatefee: () => JSON.rawJSON('-1'),
    validateaddress(address: string) {
      try {
        const script = scriptOf(address)
        const watched = wallet.watches(script)
        return {
          isvalid: true,
          address,
          scriptPubKey: script,
          ismine: false,
          iswatchonly: watched,
          ...(watched && { account: 'duxnet' }),
        }
      } catch {
        return { isvalid: false }
      }
    },
    createmultisig(required: number, keys: readonly string[]) {
      const redeem = bcoin.Script.fromMultisig(
        required,
        keys.length,
        keys.map((key) => Buffer.from(key, 'hex')),
      ).toRaw()
      const hash = createHash('ripemd160').update(createHash('sha256').update(redeem).digest()).digest()
      return { address: bcoin.Address.fromScripthash(hash).toString('regtest'), redeemScript: redeem.toString('hex') }
    },
    async importaddress(address: string, _label = '', rescan = true) {
      await wallet.watch(scriptOf(address), rescan)
      return null
    },
    async listsinceblock(hash = '', targetConfirmations = 1, includeWatchonly = false) {
      if (targetConfirmations < 1) throw new RpcError(-8, 'Invalid parameter')
      const depth = await depthOf(hash)
      const listed = wallet.transactions().filter((entry) => depth === undefined || wallet.confirmations(entry) < depth)
      const last = await chain.getEntry(Math.max(0, chain.height + 1 - targetConfirmations))
      return {
        transactions: includeWatchonly ? listed.flatMap((entry) => [...sentBy(entry), ...receivedBy(entry)]) : [],
        lastblock: last!.rhash(),
      }
    },
    listunspent(minimum = 1, maximum = 9_999_999) {
      return wallet.coins().flatMap(({ entry, vout, script, value }) => {
        const confirmations = wallet.confirmations(entry)
        if (confirmations < minimum || confirmations > maximum || (entry.tx.isCoinbase() && confirmations <= 100)) return []
        return [
          {
            txid: entry.tx.txid(),
            vout,
            address: addressOf(script),
            account: 'duxnet',
            scriptPubKey: script,
            amount: coins(value),
            confirmations,
            spendable: false,
            solvable: false,
          },
        ]
      })
    },
    gettransaction(txid: string, includeWatchonly = false) {
      const entry = includeWatchonly ? wallet.find(txid) : undefined
      if (!entry) throw new RpcError(-5, 'Invalid or non-wallet transaction id')
      return { amount: coins(0), ...placeOf(entry), details: receivedBy(entry), hex: entry.tx.toRaw().toString('hex') }
    },
    async gettxout(txid: string, vout: number, includeMempool = true) {
      const hash = Buffer.from(txid, 'hex').reverse().toString('hex')
      const coin = await chain.db.getCoin(hash, vout)
      if (!coin || (includeMempool && mempool.getSpentTX(hash, vout))) return null
      const script = coin.script.toRaw().toString('hex')
      return {
        bestblock: chain.tip.rhash(),
        confirmations: chain.height - coin.height + 1,
        value: coins(coin.value),
        scriptPubKey: { hex: script, addresses: [addressOf(script)] },
        coinbase: coin.coinbase,
      }
    },
    async sendrawtransaction(hex: string) {
      const tx = decoded(hex)
      if (mempool.map.has(tx.hash('hex'))) return tx.txid()
      if (wallet.find(tx.txid())?.block) throw new RpcError(-27, 'transaction already in block chain')
      try {
        await view.accept(tx)
      } catch (error) {
        const { message } = error as Error
        throw message === 'Missing inputs' ? new RpcError(-25, message) : new RpcError(-26, `64: ${message}`)
      }
      return tx.txid()
    },
  }
  return methods as unknown as Readonly<Record<string, Method>>
}

function decoded(hex: string): BcoinTx {
  try {
    return bcoin.TX.fromRaw(Buffer.from(hex, 'hex'))
  } catch {
    throw new RpcError(-22, 'TX decode failed')
  }
}
