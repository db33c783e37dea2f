import { createHash } from 'node:crypto'
import { z } from 'zod'

/** Public names in URLs and stream names: lower case, digits and hyphens, at most 64. */
export const idSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must match ^[a-z0-9][a-z0-9-]{0,63}$')

/** A UUID as lower-case canonical text (RFC 9562); the network's id and every command id are one. */
export const uuidSchema = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a UUID in lower case')

/** An Ed25519 public key: 32 bytes in base64url without padding. */
export const publicKeySchema = base64url(32)

/** An Ed25519 signature: 64 bytes in base64url without padding. */
export const signatureSchema = base64url(64)

/** An instant as the log writes it: UTC, milliseconds, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
export const instantSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, 'must be YYYY-MM-DDTHH:mm:ss.sssZ')
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text, 'is not a real instant')

/** Base64url of exactly `bytes` bytes; the canonical spelling only, so that one value has one text. */
function base64url(bytes: number) {
  return z.string().refine((text) => {
    const decoded = Buffer.from(text, 'base64url')
    return decoded.length === bytes && decoded.toString('base64url') === text
  }, `must be base64url of ${bytes} bytes`)
}

const base32Alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648 base32 in lower case without padding. */
export function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      text += base32Alphabet[(value >>> (bits - 5)) & 31]
      bits -= 5
    }
    value &= (1 << bits) - 1
  }
  return bits ? text + base32Alphabet[(value << (5 - bits)) & 31] : text
}

/** A node's id: base32 of the first 20 bytes of SHA-256 of its first public key (32 characters). */
export function nodeIdOf(publicKey: string): string {
  return base32(createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest().subarray(0, 20))
}

/** UUIDv5 (RFC 9562 §5.5): SHA-1 of namespace and name. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * The id of a command's nth event (design.md 5): the same however often it is sent, unique across the log.
 * The parts are joined by a line feed, which none of them can contain.
 */
export function eventIdOf(networkId: string, stream: string, signer: string, commandId: string, n: number): string {
  return uuidV5(networkId, `${stream}\n${signer}\n${commandId}\n${n}`)
}
