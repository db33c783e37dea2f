import { changeReputationData, reputationDecider } from '../domain/reputation/decider.ts'
import { commandHandler } from './command.ts'

export const changeReputation = commandHandler({
  data: changeReputationData,
  category: 'reputation',
  needs: ({ subject }) => ({ node: { category: 'node', id: subject } }),
  actor: () => 'authority',
  decide: ({ subject, signer, network: { authority, policy }, facts, data }, state) =>
    reputationDecider.decide(
      {
        type: 'ChangeReputation',
        nodeId: subject,
        signer,
        authority,
        node: facts.node.state,
        policy,
        change: data,
      },
      state,
    ),
})
