import {
  auditDecider,
  closeDifferenceData,
  digestsId,
  openDifferenceData,
  reconciliationId,
  recordDigestsData,
} from '../domain/audit/decider.ts'
import { malformed } from '../domain/errors.ts'
import { serviceKey } from '../domain/network/offices.ts'
import { commandHandler, type Given } from './command.ts'

/** The authority says what the read models are; whoever replays the log sees whether that is so. */
export const recordDigests = commandHandler({
  category: 'audit',
  data: recordDigestsData,
  actor: () => 'authority',
  decide({ subject, signer, network: { authority }, data }, state) {
    if (subject !== digestsId) throw malformed('command.subject', `must be ${digestsId}`)
    return auditDecider.decide({ ...data, type: 'RecordDigests', signer, authority }, state)
  },
})

const shared = { category: 'audit', actor: () => 'service:chain' } as const

function common({ subject, signer, now, network }: Given) {
  if (subject !== reconciliationId) throw malformed('command.subject', `must be ${reconciliationId}`)
  return { signer, now, serviceKey: serviceKey(network, 'chain') }
}

export const openDifference = commandHandler({
  ...shared,
  data: openDifferenceData,
  decide: (given, state) =>
    auditDecider.decide({ ...common(given), ...given.data, type: 'OpenDifference', differenceId: given.commandId }, state),
})

export const closeDifference = commandHandler({
  ...shared,
  data: closeDifferenceData,
  decide: (given, state) => auditDecider.decide({ ...common(given), ...given.data, type: 'CloseDifference' }, state),
})
