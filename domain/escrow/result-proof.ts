import { canonicalJson } from '../canonical.ts'

const domainSeparator = 'duxnet-result-v1\n'

/** What a provider's signature over a result binds. */
export interface Result {
  readonly networkId: string
  readonly escrowId: string
  /** SHA-256 of the result, in hexadecimal. */
  readonly resultHash: string
}

/** The bytes that a provider signs when it delivers. */
export function resultBytes({ networkId, escrowId, resultHash }: Result): Uint8Array {
  return Buffer.from(domainSeparator + canonicalJson({ networkId, escrowId, resultHash }), 'utf8')
}
