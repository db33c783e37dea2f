import { canonicalJson } from '../canonical.ts'

const domainSeparator = 'duxnet-wallet-key-v1\n'

/** What a proof of possession binds: one new key, of one wallet, in one network, for one command. */
export interface WalletKeyChange {
  readonly networkId: string
  readonly walletId: string
  /** The new key, base64url. */
  readonly publicKey: string
  readonly commandId: string
}

/** The bytes that a wallet's new key signs to prove that its owner holds it. */
export function walletKeyProofBytes({ networkId, walletId, publicKey, commandId }: WalletKeyChange): Uint8Array {
  return Buffer.from(domainSeparator + canonicalJson({ networkId, walletId, publicKey, commandId }), 'utf8')
}
