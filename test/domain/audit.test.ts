import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuditCommand, type AuditState, auditDecider, openDifferenceData } from '../../domain/audit/decider.ts'
import { type AuditEvent, differenceFoundSchema } from '../../domain/audit/events.ts'
import { scenario } from '../support/given.ts'
import { idOf, keys } from './money.ts'

const audit = suite('reconciliation')
const given = scenario<AuditState, AuditCommand, AuditEvent>(auditDecider)

const { chain, settlement } = keys
const at = '2026-01-01T00:00:00.000Z'
const subject = 'treasury'
const find: AuditCommand = {
  type: 'OpenDifference',
  signer: chain,
  serviceKey: chain,
  now: at,
  differenceId: idOf(1),
  subject,
  expected: '100',
  actual: '70',
}
const found: AuditEvent = {
  type: 'DifferenceFound',
  data: { differenceId: idOf(1), subject, expected: '100', actual: '70', difference: '-30', at },
}
const close: AuditCommand = { type: 'CloseDifference', signer: chain, serviceKey: chain, now: at, subject }
const closed: AuditEvent = { type: 'DifferenceClosed', data: { differenceId: idOf(1), subject, at } }

audit('a difference is found once, and closed once', () => {
  given().when(find).then(found)
  given(found).when(find).thenNothing()
  given(found).when(close).then(closed)
  given().when(close).thenNothing()
  given(found, closed).when(close).thenNothing()
  given(found, closed)
    .when({ ...find, differenceId: idOf(2) })
    .then({ ...found, data: { ...found.data, differenceId: idOf(2) } } as AuditEvent)
})

audit('another difference about the same thing takes its place; about another thing it stands beside it', () => {
  const other: AuditEvent = {
    type: 'DifferenceFound',
    data: { differenceId: idOf(2), subject, expected: '100', actual: '130', difference: '30', at },
  }
  given(found)
    .when({ ...find, differenceId: idOf(2), actual: '130' })
    .then(closed, other)
  const beside: AuditEvent = { ...other, data: { ...other.data, subject: 'deposits' } } as AuditEvent
  given(found)
    .when({ ...find, differenceId: idOf(2), actual: '130', subject: 'deposits' })
    .then(beside)
})

audit('what agrees is no difference, and only the chain service says what differs', () => {
  given()
    .when({ ...find, actual: '100' })
    .thenRefused('CommandMalformed', { field: 'command.data.actual' })
  for (const command of [find, close]) {
    given(found)
      .when({ ...command, signer: settlement })
      .thenRefused('SignerNotAllowed', { needed: 'service:chain' })
    given(found)
      .when({ ...command, serviceKey: undefined })
      .thenRefused('SignerNotAllowed', { needed: 'service:chain' })
  }
})

audit('the largest figures that a command can name make an event that can be read', () => {
  const most = '9'.repeat(38)
  const data = openDifferenceData.parse({ subject, expected: `-${most}`, actual: most })
  const [event] = auditDecider.decide({ ...find, ...data }, auditDecider.initialState)
  assert.ok(differenceFoundSchema.safeParse(event).success)
  assert.not(openDifferenceData.safeParse({ subject, expected: '0', actual: `${most}9` }).success)
})

audit('digests of read models are recorded by the authority, and go forward', () => {
  const digests = { ledger: { version: 2, digest: 'a'.repeat(64) } }
  const common = { signer: keys.authority, authority: keys.authority }
  const record: AuditCommand = { ...common, type: 'RecordDigests', index: 7, digests }
  const recorded: AuditEvent = { type: 'DigestsRecorded', data: { index: 7, digests } }
  given().when(record).then(recorded)
  given(recorded).when(record).thenNothing()
  given(recorded)
    .when({ ...record, digests: {} })
    .thenRefused('CommandMalformed', { field: 'command.data.index' })
  given(recorded)
    .when({ ...record, index: 6 })
    .thenRefused('CommandMalformed', { field: 'command.data.index' })
  given(recorded)
    .when({ ...record, index: 8 })
    .then({ type: 'DigestsRecorded', data: { index: 8, digests } })
  given()
    .when({ ...record, signer: keys.chain })
    .thenRefused('SignerNotAllowed', { needed: 'authority' })
})

audit.run()
