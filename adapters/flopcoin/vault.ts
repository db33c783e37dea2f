import { createHash } from 'node:crypto'
import { HDKey } from '@scure/bip32'
import { Address, sortedMultisig } from '@scure/btc-signer'
import { z } from 'zod'
import { chainNames, chains } from './chains.ts'

/** Who can spend, as everybody may know it: M of N cosigners, each with an HD account of their own (BIP 45). */
export const treasuryPlanSchema = z
  .strictObject({
    format: z.literal('duxnet-treasury-v1'),
    chain: z.enum(chainNames),
    /** Signatures that a payment needs. */
    threshold: z.int().min(1).max(15),
    /** Extended public keys of the accounts. 15 is the most whose script fits a P2SH output. */
    cosigners: z.array(z.string().max(120)).min(1).max(15),
  })
  .refine(({ threshold, cosigners }) => threshold <= cosigners.length, 'threshold is more than there are cosigners')
  .refine(({ cosigners }) => new Set(cosigners).size === cosigners.length, 'a cosigner is named twice')

export type TreasuryPlan = z.infer<typeof treasuryPlanSchema>

/** Steps below an account: `0/a/b/c/d` for a wallet, `1/0` for change. None is hardened, so that public keys suffice. */
export type KeyPath = readonly number[]

/** Where coins come in and rest. */
export interface VaultScript {
  readonly address: string
  readonly path: KeyPath
  readonly script: Uint8Array
  readonly redeemScript: Uint8Array
  /** Each cosigner's key in it, of which account it is, and where below. */
  readonly keys: readonly { readonly publicKey: Uint8Array; readonly fingerprint: number; readonly path: KeyPath }[]
}

/** The addresses of a treasury; nothing in here can spend. */
export interface Vault {
  readonly plan: TreasuryPlan
  readonly network: AddressNetwork
  readonly change: VaultScript
  /**
   * The one address of a wallet. It follows from the wallet's id, so a log and the cosigners' keys are enough to find every coin again;
   * without the keys nobody can tell which address is whose.
   */
  deposit(walletId: string): VaultScript
  /** The script that pays to an address of this chain; undefined when it is none. */
  scriptTo(address: string): Uint8Array | undefined
}

export interface AddressNetwork {
  /** The family has no segregated witness; the library wants a prefix all the same. */
  readonly bech32: string
  readonly pubKeyHash: number
  readonly scriptHash: number
  readonly wif: number
}

/** Purpose of an account whose addresses are multi-signature (BIP 45). */
export const accountPath = "m/45'"
const changePath: KeyPath = [1, 0]

/** Throws Error for a plan whose keys cannot be read. */
export function openVault(plan: TreasuryPlan): Vault {
  const { bip32, ...prefixes } = chains[plan.chain]
  const network: AddressNetwork = { bech32: 'none', ...prefixes }
  const accounts = plan.cosigners.map((key) => HDKey.fromExtendedKey(key, bip32))
  if (accounts.some(({ privateKey }) => privateKey)) throw new Error('a cosigner of the plan is a private key')
  const deposits = new Map<string, VaultScript>()

  function scriptAt(path: KeyPath): VaultScript {
    const keys = accounts.map((account) => {
      const { publicKey } = path.reduce((key, step) => key.deriveChild(step), account)
      return { publicKey: publicKey!, fingerprint: account.fingerprint, path }
    })
    const publicKeys = keys.map(({ publicKey }) => publicKey)
    const { script, redeemScript, address } = sortedMultisig(plan.threshold, publicKeys, false, network)
    return { address: address!, path, script, redeemScript: redeemScript!, keys }
  }

  return {
    plan,
    network,
    change: scriptAt(changePath),
    deposit(walletId) {
      const known = deposits.get(walletId)
      if (known) return known
      const made = scriptAt(depositPath(walletId))
      if (deposits.size >= rememberedMax) deposits.clear()
      deposits.set(walletId, made)
      return made
    },
    scriptTo(address) {
      try {
        const decoded = Address(network).decode(address)
        return decoded.type === 'pkh' || decoded.type === 'sh' ? outputScript(decoded.type, decoded.hash) : undefined
      } catch {
        return undefined
      }
    },
  }
}

/** Derived scripts kept: some milliseconds each, some hundred bytes each. */
const rememberedMax = 10_000

/** 124 bits of a hash of the id, in steps of 31: nobody finds two wallets with one address. */
function depositPath(walletId: string): KeyPath {
  const digest = createHash('sha256').update(`duxnet-deposit-v1\n${walletId}`).digest()
  return [0, ...[0, 4, 8, 12].map((from) => digest.readUInt32BE(from) >>> 1)]
}

/** P2PKH: DUP HASH160 <hash> EQUALVERIFY CHECKSIG; P2SH: HASH160 <hash> EQUAL. */
function outputScript(type: 'pkh' | 'sh', hash: Uint8Array): Uint8Array {
  return type === 'pkh'
    ? Buffer.concat([Buffer.from('76a914', 'hex'), hash, Buffer.from('88ac', 'hex')])
    : Buffer.concat([Buffer.from('a914', 'hex'), hash, Buffer.from('87', 'hex')])
}
