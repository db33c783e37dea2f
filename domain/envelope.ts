import { z } from 'zod'
import { anyJson } from './any-json.ts'
import { canonicalJson, type Json } from './canonical.ts'
import { idSchema, instantSchema, publicKeySchema, signatureSchema, uuidSchema } from './ids.ts'

/** What a signer signs (design.md 8). `data` is checked by the command's own schema once its type is known. */
export const signedCommandSchema = z.strictObject({
  type: z.string().regex(/^[A-Z][A-Za-z]{1,63}$/, 'must be a command type such as RegisterNode'),
  /** The id of the stream that the command is about: a node's id, the network's id. */
  subject: idSchema,
  data: z.record(z.string(), anyJson),
  commandId: uuidSchema,
  issuedAt: instantSchema,
  /** The networkId: a command signed for a test network means nothing on another. */
  audience: uuidSchema,
})

/** A command with the key and signature of whoever sends it. */
export const envelopeSchema = z.strictObject({
  command: signedCommandSchema,
  publicKey: publicKeySchema,
  signature: signatureSchema,
})

export type SignedCommand = z.infer<typeof signedCommandSchema>
export type Envelope = z.infer<typeof envelopeSchema>

/** The text of a command that `metadata.command` keeps, and of which the signed bytes are made (`bytesToSign`). */
export function commandText(command: SignedCommand): string {
  return canonicalJson(command as unknown as Json)
}
