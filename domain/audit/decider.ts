import { z } from 'zod'
import { canonicalJson } from '../canonical.ts'
import type { Decider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { requireService } from '../network/offices.ts'
import type { AuditEvent } from './events.ts'
import { differenceFoundSchema, digestsRecordedSchema } from './events.ts'

/** The one stream that the standing reconciliation writes. */
export const reconciliationId = 'reconciliation'

/** The one that the digests of read models are recorded in. */
export const digestsId = 'digests'

/** One digit shorter than the event's, which holds the difference of two. */
const figureSchema = z.string().regex(/^(0|-?[1-9]\d{0,37})$/, 'must be a figure: at most 38 decimal digits, minor units')

export const openDifferenceData = differenceFoundSchema.shape.data
  .pick({ subject: true })
  .extend({ expected: figureSchema, actual: figureSchema })
export const closeDifferenceData = z.strictObject({ subject: differenceFoundSchema.shape.data.shape.subject })

export const recordDigestsData = digestsRecordedSchema.shape.data

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

export interface RecordDigests extends z.infer<typeof recordDigestsData> {
  readonly type: 'RecordDigests'
  readonly signer: string
  readonly authority: string
}

export type AuditCommand = OpenDifference | CloseDifference | RecordDigests

/** Of the reconciliation, the differences that are open, by what they are about; of the digests, the last that were recorded. */
export interface AuditState {
  readonly recorded: z.infer<typeof recordDigestsData> | undefined
  readonly open: ReadonlyMap<string, { readonly differenceId: string; readonly expected: string; readonly actual: string }>
}

export const auditDecider: Decider<AuditState, AuditCommand, AuditEvent> = {
  rules: 1,
  initialState: { open: new Map(), recorded: undefined },
  decide(command, state) {
    switch (command.type) {
      case 'OpenDifference':
        return open(command, state)
      case 'CloseDifference':
        return close(command, state)
      case 'RecordDigests':
        return record(command, state)
    }
  },
  evolve(state, event) {
    const next = new Map(state.open)
    switch (event.type) {
      case 'DifferenceFound': {
        const { subject, differenceId, expected, actual } = event.data
        return { ...state, open: next.set(subject, { differenceId, expected, actual }) }
      }
      case 'DifferenceClosed':
        next.delete(event.data.subject)
        return { ...state, open: next }
      case 'DigestsRecorded':
        return { ...state, recorded: event.data }
    }
  },
}

/** Whether they are right, everybody who has the log can see; they go forward, so that none is taken back. */
function record({ signer, authority, index, digests }: RecordDigests, { recorded }: AuditState): AuditEvent[] {
  if (signer !== authority) throw new DomainError('SignerNotAllowed', { needed: 'authority' })
  if (recorded?.index === index && canonicalJson(recorded.digests) === canonicalJson(digests)) return []
  if (recorded && index <= recorded.index)
    throw malformed('command.data.index', `must be later than ${recorded.index}, the last recorded`)
  return [{ type: 'DigestsRecorded', data: { index, digests } }]
}

function open(command: OpenDifference, state: AuditState): AuditEvent[] {
  const { signer, serviceKey, differenceId, subject, expected, actual, now } = command
  requireService(signer, serviceKey, 'chain')
  if (expected === actual) throw malformed('command.data.actual', 'is what was expected')
  const known = state.open.get(subject)
  if (known?.expected === expected && known.actual === actual) return []
  const difference = String(BigInt(actual) - BigInt(expected))
  const found: AuditEvent = { type: 'DifferenceFound', data: { differenceId, subject, expected, actual, difference, at: now } }
  // Another difference about the same thing takes the place of the one before.
  return known ? [{ type: 'DifferenceClosed', data: { differenceId: known.differenceId, subject, at: now } }, found] : [found]
}

function close(command: CloseDifference, state: AuditState): AuditEvent[] {
  const { signer, serviceKey, subject, now } = command
  requireService(signer, serviceKey, 'chain')
  const known = state.open.get(subject)
  return known ? [{ type: 'DifferenceClosed', data: { differenceId: known.differenceId, subject, at: now } }] : []
}
