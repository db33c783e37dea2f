import { createHash, randomBytes, type ScryptOptions, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import nacl from 'tweetnacl'
import { z } from 'zod'

const bytes = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'))

const sealedSchema = z.strictObject({
  format: z.literal('duxnet-sealed-v1'),
  /** scrypt (RFC 7914) makes the key of the passphrase; the costs are kept, so that they can rise. */
  scrypt: z.strictObject({
    N: z
      .int()
      .min(2)
      .max(2 ** 22),
    r: z.int().min(1).max(32),
    p: z.int().min(1).max(16),
    salt: bytes,
  }),
  /** Of the secretbox (XSalsa20 and Poly1305). */
  nonce: bytes,
  box: bytes,
  /** SHA-256 of all the above: tells a damaged file from a wrong passphrase. */
  check: z.string(),
})

/** The text is not what `seal` wrote. */
export class SealDamaged extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(`the sealed text is damaged: ${why}`, options)
    this.name = 'SealDamaged'
  }
}

/** The text is whole, the passphrase is another's. */
export class WrongPassphrase extends Error {
  constructor() {
    super('the passphrase is wrong')
    this.name = 'WrongPassphrase'
  }
}

type Cost = { readonly N: number; readonly r: number; readonly p: number }

/** 128 MiB and some tenths of a second for each guess. */
const defaultCost: Cost = { N: 2 ** 17, r: 8, p: 1 }

/** `secret` under `passphrase`, as JSON text. */
export async function seal(secret: Uint8Array, passphrase: string, cost: Cost = defaultCost): Promise<string> {
  const [salt, nonce] = [randomBytes(16), randomBytes(nacl.secretbox.nonceLength)]
  const box = nacl.secretbox(secret, nonce, await keyOf(passphrase, salt, cost))
  const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64')
  const sealed = {
    format: 'duxnet-sealed-v1',
    scrypt: { N: cost.N, r: cost.r, p: cost.p, salt: base64(salt) },
    nonce: base64(nonce),
    box: base64(box),
  }
  return `${JSON.stringify({ ...sealed, check: checkOf(sealed) }, null, 2)}\n`
}

/** Throws `SealDamaged`, `WrongPassphrase`. */
export async function unseal(text: string, passphrase: string): Promise<Uint8Array> {
  const { scrypt, nonce, box } = parse(text)
  if (nonce.length !== nacl.secretbox.nonceLength) throw new SealDamaged('its nonce has another length')
  const secret = nacl.secretbox.open(box, nonce, await keyOf(passphrase, scrypt.salt, scrypt))
  if (!secret) throw new WrongPassphrase()
  return secret
}

function parse(text: string): z.output<typeof sealedSchema> {
  try {
    const { check, ...sealed } = JSON.parse(text)
    if (checkOf(sealed) !== check) throw new Error('its checksum is another')
    return sealedSchema.parse({ ...sealed, check })
  } catch (error) {
    throw new SealDamaged(error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message, { cause: error })
  }
}

/** The fields are written and read in one order, so their JSON is one text. */
const checkOf = (sealed: unknown) => createHash('sha256').update(JSON.stringify(sealed)).digest('hex')

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt)

function keyOf(passphrase: string, salt: Uint8Array, { N, r, p }: Cost): Promise<Buffer> {
  return derive(passphrase.normalize('NFKC'), salt, nacl.secretbox.keyLength, { N, r, p, maxmem: 256 * N * r })
}
