import { type HeartbeatState, heartbeatDecider, recordHeartbeatData } from '../domain/heartbeat/decider.ts'
import { commandHandler } from './command.ts'

export const recordHeartbeat = commandHandler({
  data: recordHeartbeatData,
  category: 'heartbeat',
  needs: ['node'],
  actor: ({ subject }) => `node:${subject}`,
  decide: ({ subject, signer, node, network: { policy }, issuedAt, now, data: { vitals } }, state: HeartbeatState) =>
    heartbeatDecider.decide(
      {
        type: 'RecordHeartbeat',
        nodeId: subject,
        signer,
        node,
        policy,
        issuedAt,
        now,
        vitals,
      },
      state,
    ),
})
