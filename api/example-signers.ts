import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { CommandType } from '../commands/catalogue.ts'
import type { Signer } from '../commands/ports.ts'
import type { RequestType } from '../commands/requests/catalogue.ts'
import { signCommand } from '../commands/sign.ts'
import type { Json } from '../domain/canonical.ts'
import type { Envelope } from '../domain/envelope.ts'
import { uuidV5 } from '../domain/ids.ts'

// What the examples of the OpenAPI document have in common: the same at every start, so that its ETag is too, and truly signed, so that
// whoever writes a client can check it against them.
export const networkId = '5f0c6a52-7f0e-4a58-9d5b-3b0c1a9e7d10'
export const issuedAt = '2026-11-23T10:15:30.000Z'
export const recordedAt = '2026-11-23T10:15:30.042Z'
export const position = '184467'
/** The tree that proofs lead to. */
export const exampleTree = { size: 98_100, root: 'a'.repeat(64) }

/** A key out of a word: nothing that anybody should ever use. */
export function signerOf(word: string): Signer {
  const seed = createHash('sha256').update(`duxnet example ${word}`).digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  return {
    publicKey: createPublicKey(privateKey).export({ format: 'jwk' }).x!,
    sign: (message) => sign(null, message, privateKey).toString('base64url'),
  }
}

/** The id of something that the examples name. */
export const idOf = (word: string) => uuidV5(networkId, `example ${word}`)

/** A command of the examples: its id is `idOf` its type, and what it opens has that id. */
export interface ExampleCommand {
  readonly signer: Signer
  readonly subject: string
  readonly data: Readonly<Record<string, Json>>
}

/** What `POST /v1/commands` takes, or the address of a request that is no command. */
export function signExample(type: CommandType | RequestType, { signer, subject, data }: ExampleCommand): Envelope {
  const command = { type, subject, data, commandId: idOf(type), issuedAt, audience: networkId }
  return signCommand(signer, command as Envelope['command'])
}
