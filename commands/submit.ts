import { canonicalJson, type Json, NotCanonical } from '../domain/canonical.ts'
import { bytesToSign, type Envelope, envelopeSchema } from '../domain/envelope.ts'
import { DomainError, malformed } from '../domain/errors.ts'
import { handlerOf } from './catalogue.ts'
import { type CheckedCommand, createHandle, type HandleOptions } from './handle.ts'
import { parse } from './parse.ts'
import { AppendOutcomeUnknown, type CommandContext, StoreUnavailable, type SubmitCommand, type VerifySignature } from './ports.ts'

export interface SubmitDeps extends HandleOptions {
  readonly verify: VerifySignature
}

/** The longest command, in bytes of its canonical text: with the event that keeps it, it stays under `eventBytesMax`. */
export const commandBytesMax = 16 * 1024

/** The way in for every command: checks the envelope and both signatures, then decides and appends. */
export function createSubmit(deps: SubmitDeps): SubmitCommand {
  const handle = createHandle(deps)
  const { networkId, verify, metrics } = deps

  return async (envelope, context = {}) => {
    let type = 'unknown'
    try {
      const command = await check(envelope, context, networkId, verify)
      type = command.type
      const outcome = await handle(command)
      metrics?.decided(type, outcome.outcome)
      return outcome
    } catch (error) {
      metrics?.decided(type, outcomeOf(error))
      throw error
    }
  }
}

/** Form first, which costs little, then the signatures. Throws `DomainError`. */
async function check(raw: unknown, context: CommandContext, networkId: string, verify: VerifySignature): Promise<CheckedCommand> {
  const envelope = parse(envelopeSchema, raw, '')
  const { publicKey, signature, command } = envelope
  const { type, subject, commandId, issuedAt, audience } = command
  const handler = handlerOf(type)
  if (!handler) throw new DomainError('CommandUnknownType', { field: 'command.type', type })
  const text = textOf(envelope)
  const data = parse(handler.data, command.data, 'command.data')
  if (audience !== networkId)
    throw new DomainError('AudienceMismatch', { field: 'command.audience', audience, expected: networkId })
  if (!(await verify(publicKey, bytesToSign(text), signature))) throw new DomainError('SignatureInvalid', { field: 'signature' })
  const proof = handler.proof?.({ networkId, subject, commandId, data })
  const proven = proof !== undefined && (await verify(proof.publicKey, proof.message, proof.signature))
  return { handler, type, subject, data, commandId, issuedAt, signer: publicKey, signature, text, proven, context }
}

/** The text that was signed. Throws `CommandMalformed` for what has no canonical form, and `CommandTooLarge`. */
function textOf({ command }: Envelope): string {
  const text = canonicalOr(command, ({ path, reason }) => malformed(path ? `command.${path}` : 'command', reason))
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes > commandBytesMax) throw new DomainError('CommandTooLarge', { field: 'command', bytes, bytesMax: commandBytesMax })
  return text
}

function canonicalOr(value: unknown, refusal: (error: NotCanonical) => DomainError): string {
  try {
    return canonicalJson(value as Json)
  } catch (error) {
    throw error instanceof NotCanonical ? refusal(error) : error
  }
}

function outcomeOf(error: unknown): string {
  if (error instanceof DomainError) return error.code
  if (error instanceof StoreUnavailable) return 'unavailable'
  return error instanceof AppendOutcomeUnknown ? 'unknown' : 'failed'
}
