import { bytesToSign, commandText, type Envelope, type SignedCommand } from '../domain/envelope.ts'
import { type KeyChange, keyProofBytes } from '../domain/node/key-proof.ts'
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
