import { createRequire } from 'node:module'

// bcoin: its native add-ons are optional to it, and not built here.
process.env.NODE_BACKEND = 'js'
const load = createRequire(import.meta.url)

/*
 * The little of bcoin 1.0.2 that the test chain uses; it ships no types. A `hash` is in the order of the wire, a `txid` or `rhash()` as
 * people write it. Amounts are doubles: up to 2^53 units, far more than a regtest chain has.
 */
export interface BcoinTx {
  readonly inputs: readonly {
    readonly prevout: { readonly hash: string; readonly index: number; rhash(): string }
    readonly sequence: number
  }[]
  readonly outputs: readonly { readonly value: number; readonly script: BcoinScript }[]
  hash(encoding: 'hex'): string
  txid(): string
  toRaw(): Buffer
  getSize(): number
  isCoinbase(): boolean
  isRBF(): boolean
}

export interface BcoinScript {
  toRaw(): Buffer
}

export interface BcoinBlock {
  readonly txs: readonly BcoinTx[]
  rhash(): string
}

export interface BcoinEntry {
  readonly hash: string
  readonly prevBlock: string
  readonly height: number
  readonly time: number
  rhash(): string
}

export interface BcoinCoin {
  readonly value: number
  readonly height: number
  readonly coinbase: boolean
  readonly script: BcoinScript
}

interface Events {
  on(event: 'connect' | 'disconnect', listener: (entry: BcoinEntry, block: BcoinBlock) => Promise<void>): void
  on(event: 'reorganize' | 'tx', listener: (subject: never) => void): void
}

export interface BcoinChain extends Events {
  readonly tip: BcoinEntry
  readonly height: number
  readonly db: {
    getCoin(hash: string, index: number): Promise<BcoinCoin | null>
    getEntry(hashOrHeight: string | number): Promise<BcoinEntry | null>
    isMainHash(hash: string): Promise<boolean>
  }
  open(): Promise<void>
  close(): Promise<void>
  add(block: BcoinBlock): Promise<BcoinEntry | null>
  getBlock(hashOrHeight: string | number): Promise<BcoinBlock | null>
  getEntry(hashOrHeight: string | number): Promise<BcoinEntry | null>
}

export interface BcoinMempoolEntry {
  readonly tx: BcoinTx
  readonly fee: number
  readonly size: number
}

export interface BcoinMempool {
  readonly map: ReadonlyMap<string, BcoinMempoolEntry>
  open(): Promise<void>
  close(): Promise<void>
  /** Hashes of what it spends and nobody knows, or null when it is in. */
  addTX(tx: BcoinTx): Promise<readonly string[] | null>
  evictEntry(entry: BcoinMempoolEntry): void
  getSpentTX(hash: string, index: number): BcoinTx | null
  _addBlock(entry: BcoinEntry, txs: readonly BcoinTx[]): Promise<void>
  _removeBlock(entry: BcoinEntry, txs: readonly BcoinTx[]): Promise<void>
  _handleReorg(): Promise<void>
  _reset(): Promise<void>
  getCoinView(tx: BcoinTx): Promise<unknown>
}

export interface BcoinTemplate {
  addTX(tx: BcoinTx, view: unknown): boolean
  readonly items: unknown[]
  fees: number
  refresh(): void
}

interface BcoinMiner {
  readonly cpu: { mineAsync(job: unknown): Promise<BcoinBlock>; createJob(tip: BcoinEntry): Promise<BcoinJob> }
  open(): Promise<void>
  close(): Promise<void>
}

export interface BcoinJob {
  readonly attempt: BcoinTemplate
  pushTX(tx: BcoinTx): void
  refresh(): void
  mineAsync(): Promise<BcoinBlock>
}

export interface BcoinKey {
  getAddress(encoding: 'string', network: string): string
}

export interface BcoinMtx {
  addOutput(script: BcoinScript, value: number): void
  addTX(tx: BcoinTx, index: number, height: number): void
  sign(key: BcoinKey): number
  toTX(): BcoinTx
}

interface Bcoin {
  set(network: string): void
  readonly Chain: new (options: object) => BcoinChain
  readonly Mempool: new (options: object) => BcoinMempool
  readonly Miner: new (options: object) => BcoinMiner
  readonly TX: { fromRaw(bytes: Buffer): BcoinTx }
  readonly MTX: new () => BcoinMtx
  readonly KeyRing: { generate(): BcoinKey }
  readonly Script: {
    fromAddress(address: string): BcoinScript
    fromRaw(bytes: Buffer): BcoinScript
    fromMultisig(m: number, n: number, keys: readonly Buffer[]): BcoinScript
  }
  readonly Address: {
    fromString(text: string, network: string): { toString(network: string): string }
    fromScript(script: BcoinScript): { toString(network: string): string } | null
    fromScripthash(hash: Buffer): { toString(network: string): string }
  }
}

// Flopcoin Core's regtest and bcoin's write addresses differently.
const { regtest } = load('bcoin/lib/protocol/networks') as { regtest: { addressPrefix: Record<string, number> } }
Object.assign(regtest.addressPrefix, { pubkeyhash: 111, scripthash: 196 })

export const bcoin = load('bcoin') as Bcoin
bcoin.set('regtest')
