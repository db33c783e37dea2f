import { DomainError } from '../domain/errors.ts'
import { checkEnvelope } from './check.ts'
import { createHandle, type HandleOptions } from './handle.ts'
import { AppendOutcomeUnknown, StoreUnavailable, type SubmitCommand, type VerifySignature } from './ports.ts'

export interface SubmitDeps extends HandleOptions {
  readonly verify: VerifySignature
}

/** The way in for every command: checks the envelope and both signatures, then decides and appends. */
export function createSubmit(deps: SubmitDeps): SubmitCommand {
  const handle = createHandle(deps)
  const { networkId, verify, metrics } = deps

  return async (envelope, context = {}) => {
    let type = 'unknown'
    try {
      const command = await checkEnvelope(envelope, networkId, verify)
      type = command.type
      const outcome = await handle(command, context)
      metrics?.decided(type, outcome.outcome)
      return outcome
    } catch (error) {
      metrics?.decided(type, outcomeOf(error))
      throw error
    }
  }
}

function outcomeOf(error: unknown): string {
  if (error instanceof DomainError) return error.code
  if (error instanceof StoreUnavailable) return 'unavailable'
  return error instanceof AppendOutcomeUnknown ? 'unknown' : 'failed'
}
