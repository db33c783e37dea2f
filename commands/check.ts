import { NotCanonical } from '../domain/canonical.ts'
import { bytesToSign, commandText, type Envelope, envelopeSchema, type SignedCommand } from '../domain/envelope.ts'
import { DomainError, malformed } from '../domain/errors.ts'
import { handlerOf } from './catalogue.ts'
import type { Asked, CommandHandler } from './command.ts'
import { parse } from './parse.ts'
import type { VerifySignature } from './ports.ts'

/** A command whose envelope, data and signatures have been checked. */
export interface CheckedCommand extends Asked {
  readonly handler: CommandHandler
  readonly type: string
  readonly signature: string
  /** The exact signed text. */
  readonly text: string
  /** Whether the proof that the handler asks for holds. */
  readonly proven: boolean
}

/** The longest command, in bytes of its canonical text: with the event that keeps it, it stays under `eventBytesMax`. */
export const commandBytesMax = 16 * 1024

/** Checks the form first, which costs little, then the signatures. Throws `DomainError`, whose details name the `field`. */
export async function checkEnvelope(raw: unknown, networkId: string, verify: VerifySignature): Promise<CheckedCommand> {
  parse(envelopeSchema, raw, '')
  // As it was sent: the schema's copy of `data` would lack a member named `__proto__`.
  const { publicKey, signature, command } = raw as Envelope
  const { type, subject, commandId, issuedAt, audience } = command
  const handler = handlerOf(type)
  if (!handler) throw new DomainError('CommandUnknownType', { field: 'command.type', type })
  const text = textOf(command)
  const data = parse(handler.data, command.data, 'command.data')
  if (audience !== networkId)
    throw new DomainError('AudienceMismatch', { field: 'command.audience', audience, expected: networkId })
  if (!(await verify(publicKey, bytesToSign(text), signature))) throw new DomainError('SignatureInvalid', { field: 'signature' })
  const asked: Asked = { networkId, subject, data, commandId, issuedAt, signer: publicKey }
  const proof = handler.proof?.(asked)
  const proven = proof !== undefined && (await verify(proof.publicKey, proof.message, proof.signature))
  return { ...asked, handler, type, signature, text, proven }
}

/** The text that was signed. Throws `CommandMalformed` for what has no canonical form, and `CommandTooLarge`. */
function textOf(command: SignedCommand): string {
  const text = canonicalText(command)
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes > commandBytesMax) throw new DomainError('CommandTooLarge', { field: 'command', bytes, bytesMax: commandBytesMax })
  return text
}

function canonicalText(command: SignedCommand): string {
  try {
    return commandText(command)
  } catch (error) {
    throw error instanceof NotCanonical ? malformed(`command.${error.path}`, error.reason) : error
  }
}
