import { changeHealthData, healthDecider } from '../domain/health/decider.ts'
import { serviceKey } from '../domain/network/offices.ts'
import { commandHandler } from './command.ts'

export const changeHealth = commandHandler({
  data: changeHealthData,
  category: 'health',
  needs: ({ subject }) => ({ node: { category: 'node', id: subject }, heartbeat: { category: 'heartbeat', id: subject } }),
  // Who is silent is judged rarely, and wrongly if heartbeats that another instance took are not seen.
  freshness: 'always',
  actor: () => 'service:health',
  decide: ({ subject, signer, network, facts: { node, heartbeat }, now, data }, state) =>
    healthDecider.decide(
      {
        ...data,
        type: 'ChangeHealth',
        nodeId: subject,
        signer,
        serviceKey: serviceKey(network, 'health'),
        node: node.state,
        heardRevision: heartbeat.revision,
        now,
      },
      state,
    ),
})
