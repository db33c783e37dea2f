import { malformed } from '../domain/errors.ts'
import { fundDecider, fundId, proposalData, proposeSpendingData, sweepContributionsData } from '../domain/fund/decider.ts'
import { type Asked, commandHandler } from './command.ts'

const shared = { category: 'fund', freshness: 'recent', actor: () => 'steward' } as const

/** There is one fund. Throws `CommandMalformed` for any other subject. */
function requireFund({ subject }: Pick<Asked, 'subject'>): void {
  if (subject !== fundId) throw malformed('command.subject', `must be ${fundId}`)
}

export const sweepContributions = commandHandler({
  ...shared,
  data: sweepContributionsData,
  actor: () => 'service:settlement',
  decide(given, state) {
    requireFund(given)
    const { signer, now, network, data } = given
    return fundDecider.decide({ ...data, type: 'SweepContributions', signer, now, network }, state)
  },
})

export const proposeSpending = commandHandler({
  ...shared,
  data: proposeSpendingData,
  needs: ({ data: { to } }) => ({ recipient: { category: 'wallet', id: to } }),
  decide(given, state) {
    requireFund(given)
    const { signer, now, network, data, commandId: proposalId, facts } = given
    const recipient = facts.recipient.state
    return fundDecider.decide({ ...data, type: 'ProposeSpending', signer, now, network, proposalId, recipient }, state)
  },
})

const onProposal = (type: 'ApproveSpending' | 'WithdrawProposal') =>
  commandHandler({
    ...shared,
    data: proposalData,
    decide(given, state) {
      requireFund(given)
      const { signer, now, network, data } = given
      return fundDecider.decide({ ...data, type, signer, now, network }, state)
    },
  })

export const approveSpending = onProposal('ApproveSpending')
export const withdrawProposal = onProposal('WithdrawProposal')
