import { commandText, type Envelope, type SignedCommand } from '../domain/envelope.ts'
import { type Result, resultBytes } from '../domain/escrow/result-proof.ts'
import { type KeyChange, keyProofBytes } from '../domain/node/key-proof.ts'
import { bytesToSign } from '../domain/signed-bytes.ts'
import { type WalletKeyChange, walletKeyProofBytes } from '../domain/wallet/key-proof.ts'
import type { Signer } from './ports.ts'

/** The command with the signer's key and signature: what `SubmitCommand` and `POST /v1/commands` take. Throws `NotCanonical`. */
export function signCommand(signer: Signer, command: SignedCommand): Envelope {
  return { command, publicKey: signer.publicKey, signature: signer.sign(bytesToSign(commandText(command))) }
}

/** The `data` of a `ChangeNodeKey` whose new key is `signer`'s. */
export function proveKey(signer: Signer, change: Omit<KeyChange, 'publicKey'>): { publicKey: string; proof: string } {
  const { publicKey } = signer
  return { publicKey, proof: signer.sign(keyProofBytes({ ...change, publicKey })) }
}

/** The `data` of a `ChangeWalletKey` whose new key is `signer`'s. */
export function proveWalletKey(signer: Signer, change: Omit<WalletKeyChange, 'publicKey'>): { publicKey: string; proof: string } {
  const { publicKey } = signer
  return { publicKey, proof: signer.sign(walletKeyProofBytes({ ...change, publicKey })) }
}

/** A provider's signature over its result, which a `DeliverResult` holds. */
export function signResult(signer: Signer, result: Result): string {
  return signer.sign(resultBytes(result))
}
