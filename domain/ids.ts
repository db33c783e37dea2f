import { createHash, hash } from 'node:crypto'
import { z } from 'zod'

/** Public names in URLs and stream names: lower case, digits and hyphens, at most 64. */
export const idSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must match ^[a-z0-9][a-z0-9-]{0,63}$')

/** A UUID as lower-case canonical text (RFC 9562); the network's id and every command id are one. */
export const uuidSchema = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'must be a UUID in lower case')

/** An Ed25519 public key: 32 bytes in base64url without padding, in the one spelling whose spare bits are zero. */
export const publicKeySchema = z.string().regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, 'must be base64url of 32 bytes')

/** An Ed25519 signature: 64 bytes in base64url, likewise. */
export const signatureSchema = z.string().regex(/^[\w-]{85}[AQgw]$/, 'must be base64url of 64 bytes')

/** An instant as the log writes it: UTC, milliseconds, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
export const instantSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/, 'must be YYYY-MM-DDTHH:mm:ss.sssZ')
  // `Date` takes 30 February for 2 March and 24:00 for the next day.
  .refine((text) => new Date(text).getUTCDate() === Number(text.slice(8, 10)), 'is not a real instant')

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
  const bytes = Buffer.allocUnsafe(16 + 3 * name.length)
  bytes.write(namespace.replaceAll('-', ''), 'hex')
  const hex = hash('sha1', bytes.subarray(0, 16 + bytes.write(name, 16, 'utf8')))
  // Version 5 in the 13th digit, the variant 10… in the 17th.
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * The id of the nth event of a decision: unique across the log, the same however often the decision is sent. `text` is the signed
 * text, which holds the command id, and `decidedAt` the server's instant. A store compares nothing but ids: were they made of the
 * command id alone (design.md 5), an instance that is behind could take for its own what another one had decided. The parts are
 * joined by a line feed, which none of them can contain.
 */
export function eventIdOf(networkId: string, stream: string, signer: string, decidedAt: string, n: number, text: string): string {
  return uuidV5(networkId, `${stream}\n${signer}\n${decidedAt}\n${n}\n${text}`)
}
