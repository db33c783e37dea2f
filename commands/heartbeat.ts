import { heartbeatDecider, recordHeartbeatData } from '../domain/heartbeat/decider.ts'
import { commandHandler } from './command.ts'

export const recordHeartbeat = commandHandler({
  data: recordHeartbeatData,
  category: 'heartbeat',
  needs: ({ subject }) => ({ node: { category: 'node', id: subject } }),
  actor: ({ subject }) => `node:${subject}`,
  decide: ({ subject, signer, facts, network: { policy }, issuedAt, now, data: { vitals } }, state) =>
    heartbeatDecider.decide(
      {
        type: 'RecordHeartbeat',
        nodeId: subject,
        signer,
        node: facts.node.state,
        policy,
        issuedAt,
        now,
        vitals,
      },
      state,
    ),
})
