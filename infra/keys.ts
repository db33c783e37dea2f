import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { generateSeed, signerFrom } from '../adapters/crypto/ed25519.ts'
import type { Signer } from '../commands/ports.ts'
import { nodeIdOf, publicKeySchema } from '../domain/ids.ts'
import { Failure } from './cli/command.ts'
import { writeOnce } from './write-once.ts'

const keyFileSchema = z.strictObject({
  /** Which file this is; the seed is the secret. */
  format: z.literal('duxnet-key-v1'),
  publicKey: publicKeySchema,
  /** The id of the node whose first key this is. */
  nodeId: z.string(),
  /** 32 bytes in base64url: the Ed25519 private key of RFC 8032. */
  seed: publicKeySchema,
})

type KeyFile = z.infer<typeof keyFileSchema>

/** A new key as its file holds it. */
export function newKey(): KeyFile {
  const seed = generateSeed()
  const { publicKey } = signerFrom(seed)
  return { format: 'duxnet-key-v1', publicKey, nodeId: nodeIdOf(publicKey), seed: Buffer.from(seed).toString('base64url') }
}

/** The text of a key file. */
export const keyText = (key: KeyFile) => `${JSON.stringify(key, null, 2)}\n`

/** Writes a key file. Throws `Failure` when it is there already. */
export function writeKey(path: string, key: KeyFile): void {
  writeOnce(path, keyText(key))
}

/** Reads a key file. Throws `Failure` for one that cannot be read or whose halves do not belong together. */
export function readKey(path: string): Signer {
  try {
    const { publicKey, seed } = keyFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    const signer = signerFrom(Buffer.from(seed, 'base64url'))
    if (signer.publicKey !== publicKey) throw new Error('the public key is not that of the seed')
    return signer
  } catch (error) {
    throw new Failure(`${path} is no key of duxnet keygen: ${reason(error)}`, { cause: error })
  }
}

const reason = (error: unknown) =>
  error instanceof z.ZodError
    ? error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')
    : (error as Error).message

/** Those with which the network's processes sign, by role: of health, of the settlement of money, of the chain. */
export const serviceRoles = ['health', 'settlement', 'chain'] as const
export type ServiceRole = (typeof serviceRoles)[number]

/** What keys of an instance there are: the network's authority, its processes', the log's checkpoints, the local agent. */
export const keyNames = ['authority', ...serviceRoles, 'log', 'agent'] as const
export type KeyName = (typeof keyNames)[number]

/** The keys of a data directory, one file each in `keys/`. */
export interface KeyRing {
  path(name: KeyName): string
  /** Undefined when there is no such file. Throws `Failure`. */
  find(name: KeyName): Signer | undefined
  /** Makes the key where there is none. */
  findOrMake(name: KeyName): Signer
}

export function keyRing(dataDirectory: string): KeyRing {
  const directory = join(dataDirectory, 'keys')
  const path = (name: KeyName) => join(directory, `${name}.key`)
  const find = (name: KeyName) => (existsSync(path(name)) ? readKey(path(name)) : undefined)
  return {
    path,
    find,
    findOrMake(name) {
      mkdirSync(dirname(path(name)), { recursive: true, mode: 0o700 })
      if (!existsSync(path(name))) writeKey(path(name), newKey())
      return readKey(path(name))
    },
  }
}
