import { changeQuorumData, changeServiceKeyData, networkDecider } from '../domain/network/decider.ts'
import { commandHandler } from './command.ts'

export const changeServiceKey = commandHandler({
  data: changeServiceKeyData,
  category: 'network',
  actor: () => 'authority',
  decide: ({ signer, data }, state) => networkDecider.decide({ type: 'ChangeServiceKey', signer, ...data }, state),
})

export const changeQuorum = commandHandler({
  data: changeQuorumData,
  category: 'network',
  actor: () => 'authority',
  decide: ({ signer, data }, state) => networkDecider.decide({ type: 'ChangeQuorum', signer, ...data }, state),
})
