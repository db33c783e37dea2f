import { createHash } from 'node:crypto'
import nacl from 'tweetnacl'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature, verifySignatureNacl } from '../../adapters/crypto/ed25519.ts'
import rfc8032 from '../support/vectors/ed25519-rfc8032.json' with { type: 'json' }
import speccheck from '../support/vectors/ed25519-speccheck.json' with { type: 'json' }
import {
  add,
  base,
  encodings,
  fromLittleEndian,
  identity,
  l,
  littleEndian,
  multiply,
  negate,
  p,
  smallOrderPoints,
} from '../support/vectors/edwards25519.ts'

const ed25519 = suite('ed25519')
const hex = (text: string) => Buffer.from(text, 'hex')
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

/** What both verifiers say; fails when they differ. */
async function verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array, what = ''): Promise<boolean> {
  const byOpenssl = await verifySignature(base64url(publicKey), message, base64url(signature))
  const byNacl = await verifySignatureNacl(base64url(publicKey), message, base64url(signature))
  const input = [publicKey, message, signature].map((bytes) => Buffer.from(bytes).toString('hex')).join(' ')
  assert.is(byOpenssl, byNacl, `node:crypto says ${byOpenssl}, tweetnacl ${byNacl}: ${what} ${input}`)
  return byOpenssl
}

ed25519('the vectors of RFC 8032 are signed and verified', async () => {
  for (const { what, seed, publicKey, message, signature } of rfc8032.cases) {
    const signer = signerFrom(hex(seed))
    assert.is(signer.publicKey, base64url(hex(publicKey)), what)
    assert.is(signer.sign(hex(message)), base64url(hex(signature)), what)
    assert.is(await verdict(hex(publicKey), hex(message), hex(signature), what), true, what)
  }
})

ed25519('a signature is what tweetnacl, which defines the format, would make', () => {
  for (let n = 0; n < 20; n++) {
    const [seed, message] = [generateSeed(), Buffer.alloc(n * 100, `message ${n}`)]
    const { secretKey } = nacl.sign.keyPair.fromSeed(seed)
    assert.is(signerFrom(seed).sign(message), base64url(nacl.sign.detached(message, secretKey)))
  }
})

ed25519('the speccheck cases are the published ones, and only the one that strictness allows is valid', async () => {
  const published = speccheck.cases.map(({ message, publicKey, signature }) => ({ message, pub_key: publicKey, signature }))
  assert.is(
    createHash('sha256').update(JSON.stringify(published)).digest('hex'),
    '08e47a36d9aead288664930505584f353fff113ab854f2800db1e4f5b3540450',
  )
  for (const { what, message, publicKey, signature, valid } of speccheck.cases)
    assert.is(await verdict(hex(publicKey), hex(message), hex(signature), what), valid, what)
})

ed25519('S + L, which tweetnacl alone accepts, is refused', async () => {
  const message = Buffer.from('pay once')
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(hex('01'.repeat(32)))
  const signature = nacl.sign.detached(message, secretKey)
  assert.is(await verdict(publicKey, message, signature), true)
  const s = fromLittleEndian(signature.subarray(32))
  let accepted = 0
  for (let k = 1n; s + k * l < 2n ** 256n; k += 1n) {
    const malleated = Buffer.concat([signature.subarray(0, 32), littleEndian(s + k * l)])
    if (nacl.sign.detached.verify(message, malleated, publicKey)) accepted += 1
    assert.is(await verdict(publicKey, message, malleated, `S + ${k}L`), false)
  }
  assert.ok(accepted > 0, 'tweetnacl accepts at least one of them, so the check is needed')
})

const smallOrder = smallOrderPoints()

ed25519('there are eight points of small order with fourteen encodings', () => {
  assert.is(smallOrder.length, 8)
  for (const point of smallOrder) assert.equal(multiply(8n, point), identity)
  assert.is(new Set(smallOrder.flatMap(encodings).map((bytes) => bytes.toString('hex'))).size, 14)
})

ed25519('a key of small order is refused in each encoding, also where the equation holds', async () => {
  let accepted = 0
  for (const point of smallOrder)
    for (const publicKey of encodings(point)) {
      const { message, signature } = forgedWith(point, publicKey)
      if (nacl.sign.detached.verify(message, signature, publicKey)) accepted += 1
      assert.is(await verdict(publicKey, message, signature, 'A of small order'), false)
    }
  assert.ok(accepted >= 8, `tweetnacl accepts ${accepted} of them, so the check is needed`)
})

/** A signature by nobody: with [k]A = 0 any S and R = [S]B satisfy the equation, so messages are tried until k fits. */
function forgedWith(point: { x: bigint; y: bigint }, publicKey: Buffer): { message: Buffer; signature: Buffer } {
  const s = 42n
  const r = encodings(multiply(s, base))[0]!
  for (let n = 0; ; n += 1) {
    const message = Buffer.from(`forged ${n}`)
    const k = fromLittleEndian64(createHash('sha512').update(r).update(publicKey).update(message).digest()) % l
    if (multiply(k % 8n, point).y === 1n) return { message, signature: Buffer.concat([r, littleEndian(s)]) }
  }
}

const fromLittleEndian64 = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

ed25519('R of small order is refused in each encoding, also where the equation holds', async () => {
  const a = 987654321n
  const publicKey = encodings(multiply(a, base))[0]!
  const message = Buffer.from('R is small')
  let accepted = 0
  for (const point of smallOrder)
    for (const r of encodings(point)) {
      // S = k·a makes [S]B = [k]A, so the equation holds exactly where R is the identity.
      const k = fromLittleEndian64(createHash('sha512').update(r).update(publicKey).update(message).digest()) % l
      const signature = Buffer.concat([r, littleEndian((k * a) % l)])
      if (nacl.sign.detached.verify(message, signature, publicKey)) accepted += 1
      assert.is(await verdict(publicKey, message, signature, 'R of small order'), false)
    }
  assert.ok(accepted >= 1, 'tweetnacl accepts R = identity, so the check is needed')
})

ed25519('y of p and above is refused in A and in R', async () => {
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(hex('02'.repeat(32)))
  const message = Buffer.from('canonical')
  const signature = nacl.sign.detached(message, secretKey)
  for (let y = p; y < 2n ** 255n; y += 1n)
    for (const sign of [0n, 1n]) {
      const encoded = littleEndian(y | (sign << 255n))
      assert.is(await verdict(encoded, message, signature, 'A'), false)
      assert.is(await verdict(publicKey, message, Buffer.concat([encoded, signature.subarray(32)]), 'R'), false)
    }
})

ed25519('a key that signed nothing is refused, on the curve or not', async () => {
  const message = Buffer.from('off the curve')
  const { secretKey } = nacl.sign.keyPair.fromSeed(hex('03'.repeat(32)))
  const signature = nacl.sign.detached(message, secretKey)
  for (let y = 2n; y < 10n; y += 1n) assert.is(await verdict(littleEndian(y), message, signature, `y = ${y}`), false)
})

ed25519('a mixed-order key verifies what it signed, because the equation is checked without the cofactor', async () => {
  // The secret scalar's point plus one of order 8: valid only for messages with k divisible by 8.
  const a = 5n
  const point = add(multiply(a, base), smallOrder[1]!)
  const publicKey = encodings(point)[0]!
  const r = encodings(multiply(11n, base))[0]!
  const seen = new Set<boolean>()
  for (let n = 0; seen.size < 2; n += 1) {
    const message = Buffer.from(`mixed ${n}`)
    const k = fromLittleEndian64(createHash('sha512').update(r).update(publicKey).update(message).digest()) % l
    const signature = Buffer.concat([r, littleEndian((11n + k * a) % l)])
    const valid = await verdict(publicKey, message, signature, 'mixed')
    assert.is(valid, k % 8n === 0n)
    seen.add(valid)
  }
  assert.not.equal(negate(point), point)
})

ed25519('texts of another length, alphabet or spelling are refused', async () => {
  const signer = signerFrom(generateSeed())
  const message = Buffer.from('spelling')
  const signature = signer.sign(message)
  // Unused bits of the last character set: the same bytes, another text.
  const last = signature.at(-1)!
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const respelled = signature.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1]
  assert.is(Buffer.from(respelled, 'base64url').equals(Buffer.from(signature, 'base64url')), true)
  for (const verify of [verifySignature, verifySignatureNacl]) {
    assert.is(await verify(signer.publicKey, message, signature), true)
    for (const wrong of ['', 'A', signature.slice(1), `${signature}AA`, `${signature}==`, signature.replace(/^./, '$'), respelled])
      assert.is(await verify(signer.publicKey, message, wrong), false, wrong)
    for (const wrong of ['', signer.publicKey.slice(1), `${signer.publicKey}A`, `${signer.publicKey}=`])
      assert.is(await verify(wrong, message, signature), false, wrong)
  }
})

ed25519('a seed that has not 32 bytes is an error', () => {
  assert.throws(() => signerFrom(new Uint8Array(31)), /32 bytes, not 31/)
  assert.is(generateSeed().length, 32)
  assert.not.equal(generateSeed(), generateSeed())
})

ed25519('more keys than are kept are all verified', async () => {
  const message = Buffer.from('many')
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(hex('04'.repeat(32)))
  const signature = nacl.sign.detached(message, secretKey)
  const first = base64url(publicKey)
  assert.is(await verifySignature(first, message, base64url(signature)), true)
  for (let n = 0; n < 8_200; n += 1) {
    const other = createHash('sha256').update(`${n}`).digest()
    assert.is(await verifySignature(base64url(other), message, base64url(signature)), false)
  }
  assert.is(await verifySignature(first, message, base64url(signature)), true)
})

const mutations = process.env.SCALE === 'long' ? 20_000 : 300

ed25519(`both verifiers agree on ${mutations} mutations of valid signatures`, async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`SEED=${seed}`)
  const random = randomFrom(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const signers = Array.from({ length: 8 }, (_, n) =>
    nacl.sign.keyPair.fromSeed(createHash('sha256').update(`${seed} ${n}`).digest()),
  )
  const hostile = [...smallOrder.flatMap(encodings), littleEndian(p), littleEndian(l), littleEndian(l - 1n), Buffer.alloc(32, 0xff)]
  let valid = 0
  for (let n = 0; n < mutations; n += 1) {
    const { publicKey, secretKey } = signers[pick(signers.length)]!
    const message = Buffer.from(`message ${n}`)
    const parts = { publicKey: Buffer.from(publicKey), message, signature: Buffer.from(nacl.sign.detached(message, secretKey)) }
    const part = [parts.publicKey, parts.message, parts.signature][pick(3)]!
    const kind = pick(6)
    if (kind === 0) part[pick(part.length)]! ^= 1 << pick(8)
    else if (kind === 1) parts.publicKey = Buffer.from(signers[pick(signers.length)]!.publicKey)
    else if (kind === 2) hostile[pick(hostile.length)]!.copy(parts.signature, 32 * pick(2))
    else if (kind === 3) hostile[pick(hostile.length)]!.copy(parts.publicKey)
    else if (kind === 4)
      littleEndian((fromLittleEndian(parts.signature.subarray(32)) + l * BigInt(pick(8))) % 2n ** 256n).copy(parts.signature, 32)
    if (await verdict(parts.publicKey, parts.message, parts.signature, `SEED=${seed} mutation ${n}`)) valid += 1
  }
  assert.ok(valid > mutations / 20 && valid < mutations / 2, `${valid} of ${mutations} stayed valid`)
})

/** Mulberry32: numbers in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

ed25519.run()
