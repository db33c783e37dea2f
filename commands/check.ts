import type { z } from 'zod'
import { NotCanonical } from '../domain/canonical.ts'
import { commandText, type Envelope, envelopeSchema, type SignedCommand } from '../domain/envelope.ts'
import { DomainError, malformed } from '../domain/errors.ts'
import { bytesToSign } from '../domain/signed-bytes.ts'
import { handlerOf } from './catalogue.ts'
import type { Asked, CommandHandler } from './command.ts'
import { parse } from './parse.ts'
import type { VerifySignature } from './ports.ts'

/** A command whose envelope, data and signatures have been checked. */
export interface CheckedCommand extends Signed {
  readonly handler: CommandHandler
  /** Whether the proof that the handler asks for holds. */
  readonly proven: boolean
}

/** The longest command, in bytes of its canonical text: with the event that keeps it, it stays under `eventBytesMax`. */
export const commandBytesMax = 16 * 1024

/** Checks the form first, which costs little, then the signatures. Throws `DomainError`, whose details name the `field`. */
export async function checkEnvelope(raw: unknown, networkId: string, verify: VerifySignature): Promise<CheckedCommand> {
  const { kind: handler, ...signed } = await checkSigned(raw, handlerOf, { networkId, verify, bytesMax: commandBytesMax })
  const proof = handler.proof?.(signed)
  const proven = proof !== undefined && (await verify(proof.publicKey, proof.message, proof.signature))
  return { ...signed, handler, proven }
}

/** What one key has signed. How old it may be is another question. */
export interface Signed extends Asked {
  readonly type: string
  readonly signature: string
  /** The exact signed text. */
  readonly text: string
}

export interface SignedChecks {
  readonly networkId: string
  readonly verify: VerifySignature
  /** Of the signed text. */
  readonly bytesMax: number
}

/** An envelope of one of the kinds that `kindOf` knows by their types: its form and its signature. Throws `DomainError`. */
export async function checkSigned<Kind extends { readonly data: z.ZodType }>(
  raw: unknown,
  kindOf: (type: string) => Kind | undefined,
  { networkId, verify, bytesMax }: SignedChecks,
): Promise<Signed & { readonly kind: Kind }> {
  parse(envelopeSchema, raw, '')
  // As it was sent: the schema's copy of `data` would lack a member named `__proto__`.
  const { publicKey, signature, command } = raw as Envelope
  const { type, subject, commandId, issuedAt, audience } = command
  const kind = kindOf(type)
  if (!kind) throw new DomainError('CommandUnknownType', { field: 'command.type', type })
  const text = textOf(command, bytesMax)
  const data = parse(kind.data, command.data, 'command.data')
  if (audience !== networkId)
    throw new DomainError('AudienceMismatch', { field: 'command.audience', audience, expected: networkId })
  if (!(await verify(publicKey, bytesToSign(text), signature))) throw new DomainError('SignatureInvalid', { field: 'signature' })
  return { networkId, kind, type, subject, data, commandId, issuedAt, signer: publicKey, signature, text }
}

/** The text that was signed. Throws `CommandMalformed` for what has no canonical form, and `CommandTooLarge`. */
function textOf(command: SignedCommand, bytesMax: number): string {
  const text = canonicalText(command)
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes > bytesMax) throw new DomainError('CommandTooLarge', { field: 'command', bytes, bytesMax })
  return text
}

function canonicalText(command: SignedCommand): string {
  try {
    return commandText(command)
  } catch (error) {
    throw error instanceof NotCanonical ? malformed(`command.${error.path}`, error.reason) : error
  }
}
