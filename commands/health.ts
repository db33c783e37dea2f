import { changeHealthData, type HealthState, healthDecider } from '../domain/health/decider.ts'
import { commandHandler } from './command.ts'

export const changeHealth = commandHandler({
  data: changeHealthData,
  category: 'health',
  needsNode: true,
  actor: () => 'service:health',
  decide: ({ subject, signer, network: { serviceKeys }, node, now, data }, state: HealthState) =>
    healthDecider.decide(
      {
        ...data,
        type: 'ChangeHealth',
        nodeId: subject,
        signer,
        serviceKey: Object.hasOwn(serviceKeys, 'health') ? serviceKeys.health : undefined,
        node,
        now,
      },
      state,
    ),
})
