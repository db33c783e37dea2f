import { canonicalJson } from '../canonical.ts'

const domainSeparator = 'duxnet-node-key-v1\n'

/** What a proof of possession binds: one new key, of one node, in one network, for one command. */
export interface KeyChange {
  readonly networkId: string
  readonly nodeId: string
  /** The new key, base64url. */
  readonly publicKey: string
  readonly commandId: string
}

/** The bytes that a node's new key signs to prove that its owner holds it. */
export function keyProofBytes({ networkId, nodeId, publicKey, commandId }: KeyChange): Uint8Array {
  return Buffer.from(domainSeparator + canonicalJson({ networkId, nodeId, publicKey, commandId }), 'utf8')
}
