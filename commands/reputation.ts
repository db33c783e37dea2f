import { changeReputationData, type ReputationState, reputationDecider } from '../domain/reputation/decider.ts'
import { commandHandler } from './command.ts'

export const changeReputation = commandHandler({
  data: changeReputationData,
  category: 'reputation',
  needs: ['node'],
  actor: () => 'authority',
  decide: ({ subject, signer, network: { authority, policy }, node, data }, state: ReputationState) =>
    reputationDecider.decide(
      {
        type: 'ChangeReputation',
        nodeId: subject,
        signer,
        authority,
        node,
        policy,
        change: data,
      },
      state,
    ),
})
