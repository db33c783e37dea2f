import { z } from 'zod'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import type { AuditEvent } from './events.ts'
import { differenceFoundSchema } from './events.ts'

/** The one stream that the standing reconciliation writes. */
export const reconciliationId = 'reconciliation'

/** One digit shorter than the event's, which holds the difference of two. */
const figureSchema = z.string().regex(/^(0|-?[1-9]\d{0,37})$/, 'must be a figure: at most 38 decimal digits, minor units')

export const openDifferenceData = differenceFoundSchema.shape.data
  .pick({ subject: true })
  .extend({ expected: figureSchema, actual: figureSchema })
export const closeDifferenceData = z.strictObject({ subject: differenceFoundSchema.shape.data.shape.subject })

interface Common {
  readonly signer: string
  /** The network's service key `chain`; undefined when it has none. */
  readonly serviceKey: string | undefined
  readonly now: string
}

export interface OpenDifference extends Common, z.infer<typeof openDifferenceData> {
  readonly type: 'OpenDifference'
  readonly differenceId: string
}

export interface CloseDifference extends Common, z.infer<typeof closeDifferenceData> {
  readonly type: 'CloseDifference'
}

export type AuditCommand = OpenDifference | CloseDifference

/** Differences that are open, by what they are about. */
export interface AuditState {
  readonly open: ReadonlyMap<string, { readonly differenceId: string; readonly expected: string; readonly actual: string }>
}

export const auditDecider: Decider<AuditState, AuditCommand, AuditEvent> = {
  rules: 1,
  initialState: { open: new Map() },
  decide(command, state) {
    if (command.signer !== command.serviceKey) throw new DomainError('SignerNotAllowed', { needed: 'service:chain' })
    switch (command.type) {
      case 'OpenDifference':
        return open(command, state)
      case 'CloseDifference':
        return close(command, state)
    }
  },
  evolve({ open }, event) {
    const next = new Map(open)
    switch (event.type) {
      case 'DifferenceFound': {
        const { subject, differenceId, expected, actual } = event.data
        return { open: next.set(subject, { differenceId, expected, actual }) }
      }
      case 'DifferenceClosed':
        next.delete(event.data.subject)
        return { open: next }
    }
  },
}

function open({ differenceId, subject, expected, actual, now }: OpenDifference, state: AuditState): AuditEvent[] {
  if (expected === actual) throw malformed('command.data.actual', 'is what was expected')
  const known = state.open.get(subject)
  if (known?.expected === expected && known.actual === actual) return []
  const difference = String(BigInt(actual) - BigInt(expected))
  const found: AuditEvent = { type: 'DifferenceFound', data: { differenceId, subject, expected, actual, difference, at: now } }
  // Another difference about the same thing takes the place of the one before.
  return known ? [{ type: 'DifferenceClosed', data: { differenceId: known.differenceId, subject, at: now } }, found] : [found]
}

function close({ subject, now }: CloseDifference, state: AuditState): AuditEvent[] {
  const known = state.open.get(subject)
  return known ? [{ type: 'DifferenceClosed', data: { differenceId: known.differenceId, subject, at: now } }] : []
}
