import { createHash } from 'node:crypto'
import { z } from 'zod'

const base64urlOf32Bytes = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/** What the log holds in the place of something erasable (design.md 7): a SHA-256 in base64url, 43 characters. */
export const commitmentSchema = z.string().regex(base64urlOf32Bytes, 'must be base64url of 32 bytes')

/** 32 random bytes in base64url. Without it whoever guesses the content could prove the guess. */
export const saltSchema = z.string().regex(base64urlOf32Bytes, 'must be base64url of 32 bytes')

const domainSeparator = 'duxnet-commitment-v1\n'
const saltBytes = 32

/** The commitment to `content`. The salt's length is fixed, so nobody can shift bytes between it and the content. */
export function commitmentOf(salt: Uint8Array, content: Uint8Array): string {
  if (salt.length !== saltBytes) throw new RangeError(`a salt has ${saltBytes} bytes, not ${salt.length}`)
  return createHash('sha256').update(domainSeparator).update(salt).update(content).digest('base64url')
}
