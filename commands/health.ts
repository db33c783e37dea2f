import { changeHealthData, healthDecider } from '../domain/health/decider.ts'
import { commandHandler } from './command.ts'

export const changeHealth = commandHandler({
  data: changeHealthData,
  category: 'health',
  needs: ({ subject }) => ({ node: { category: 'node', id: subject }, heartbeat: { category: 'heartbeat', id: subject } }),
  // Who is silent is judged rarely, and wrongly if heartbeats that another instance took are not seen.
  freshness: 'always',
  actor: () => 'service:health',
  decide: ({ subject, signer, network: { serviceKeys }, facts: { node, heartbeat }, now, data }, state) =>
    healthDecider.decide(
      {
        ...data,
        type: 'ChangeHealth',
        nodeId: subject,
        signer,
        serviceKey: Object.hasOwn(serviceKeys, 'health') ? serviceKeys.health : undefined,
        node: node.state,
        heardRevision: heartbeat.revision,
        now,
      },
      state,
    ),
})
