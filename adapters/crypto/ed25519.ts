import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import nacl from 'tweetnacl'
import type { Signer, VerifySignature } from '../../commands/ports.ts'

/** 32 random bytes that `signerFrom` makes a key of. Whoever has them can sign. */
export function generateSeed(): Uint8Array {
  return randomBytes(32)
}

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410 §7). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * The signer whose private key is derived from `seed` as RFC 8032 §5.1.5 says. Throws RangeError unless it has 32 bytes. tweetnacl makes
 * the key pair and would make the same signatures, each a hundred times slower: the health process signs for thousands of nodes.
 */
export function signerFrom(seed: Uint8Array): Signer {
  if (seed.length !== 32) throw new RangeError(`an Ed25519 seed has 32 bytes, not ${seed.length}`)
  const { publicKey } = nacl.sign.keyPair.fromSeed(seed)
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  return {
    publicKey: Buffer.from(publicKey).toString('base64url'),
    sign: (message) => sign(null, message, key).toString('base64url'),
  }
}

/** Verifies on the thread pool; never throws for what a signer can send. */
export const verifySignature: VerifySignature = async (publicKey, message, signature) => {
  const strict = strictly(publicKey, signature)
  if (!strict) return false
  const key = importKey(publicKey)
  return new Promise((resolve, reject) => {
    verify(null, message, key, strict.signature, (error, valid) => (error ? reject(error) : resolve(valid)))
  })
}

/** The same verdicts by tweetnacl, which defines the format; a hundred times slower and on the caller's thread. */
export const verifySignatureNacl: VerifySignature = async (publicKey, message, signature) => {
  const strict = strictly(publicKey, signature)
  return strict !== undefined && nacl.sign.detached.verify(message, strict.signature, strict.publicKey)
}

/** Key and signature as bytes if they are what the strict rules of design.md 8 allow, whatever the message is. */
function strictly(publicKeyText: string, signatureText: string): { publicKey: Buffer; signature: Buffer } | undefined {
  const publicKey = decode(publicKeyText, 32)
  const signature = decode(signatureText, 64)
  if (!publicKey || !signature) return undefined
  if (!isStrictPoint(publicKey) || !isStrictPoint(signature.subarray(0, 32))) return undefined
  return isBelow(signature.subarray(32), groupOrder) ? { publicKey, signature } : undefined
}

/** The bytes of a base64url text in its one canonical spelling: two texts for one signature would be two signatures. */
function decode(text: string, bytes: number): Buffer | undefined {
  const decoded = Buffer.from(text, 'base64url')
  return decoded.length === bytes && decoded.toString('base64url') === text ? decoded : undefined
}

/**
 * Whether an encoded point has y < p and is not one of the eight points of small order. Those have five values of y between
 * them. Leaving out the sign bit also refuses the two encodings with x = 0 and the sign bit set, which are not canonical.
 */
function isStrictPoint(encoded: Buffer): boolean {
  const y = Buffer.from(encoded)
  y[31]! &= 0x7f
  return isBelow(y, fieldPrime) && !smallOrderYs.some((small) => y.equals(small))
}

/** a < b, both 32 bytes in little-endian order. */
function isBelow(a: Buffer, b: Buffer): boolean {
  for (let index = 31; index >= 0; index -= 1) if (a[index] !== b[index]) return a[index]! < b[index]!
  return false
}

/** L, the order of the base point: 2^252 + 27742317777372353535851937790883648493. */
const groupOrder = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

/** p = 2^255 - 19. */
const fieldPrime = Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex')

/** y of the points whose order divides 8; the tests derive them from the curve's equation. */
const smallOrderYs = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Buffer.from(hex, 'hex'))

/** Importing a key takes a good part of the time of verifying with it, so the keys used last are kept. */
const keysMax = 8_192
const keys = new Map<string, { readonly text: string; readonly key: KeyObject }>()

function importKey(publicKey: string): KeyObject {
  let known = keys.get(publicKey)
  if (known) keys.delete(known.text)
  else {
    known = { text: publicKey, key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' }) }
    // A Map keeps the order of insertion: the first is the one not used for longest.
    if (keys.size >= keysMax) keys.delete(keys.keys().next().value!)
  }
  keys.set(known.text, known)
  return known.key
}
