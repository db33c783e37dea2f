import { changeHealthData, type HealthState, healthDecider } from '../domain/health/decider.ts'
import { commandHandler } from './command.ts'

export const changeHealth = commandHandler({
  data: changeHealthData,
  category: 'health',
  needs: ['node', 'heartbeat'],
  // Who is silent is judged rarely, and wrongly if heartbeats that another instance took are not seen.
  freshly: true,
  actor: () => 'service:health',
  decide: ({ subject, signer, network: { serviceKeys }, node, heardRevision, now, data }, state: HealthState) =>
    healthDecider.decide(
      {
        ...data,
        type: 'ChangeHealth',
        nodeId: subject,
        signer,
        serviceKey: Object.hasOwn(serviceKeys, 'health') ? serviceKeys.health : undefined,
        node,
        heardRevision,
        now,
      },
      state,
    ),
})
