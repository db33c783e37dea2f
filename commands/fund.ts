import { malformed } from '../domain/errors.ts'
import {
  fundDecider,
  fundId,
  payeeOf,
  proposalData,
  proposeSpendingData,
  recordReturnData,
  sweepContributionsData,
} from '../domain/fund/decider.ts'
import type { Payee } from '../domain/fund/events.ts'
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

/** The stream of who is to be paid, by the name that its fact has. `recipient` is older than campaigns are. */
function payeeStream({ kind, id }: Payee) {
  return {
    recipient: kind === 'wallet' ? ({ category: 'wallet', id } as const) : undefined,
    campaign: kind === 'airdrop' ? ({ category: 'airdrop', id } as const) : undefined,
  }
}

export const proposeSpending = commandHandler({
  ...shared,
  data: proposeSpendingData,
  needs: ({ data: { to } }) => payeeStream(payeeOf(to)),
  decide(given, state) {
    requireFund(given)
    const { signer, now, network, data, commandId: proposalId, facts } = given
    const [wallet, campaign] = [facts.recipient?.state, facts.campaign?.state]
    const to = payeeOf(data.to)
    return fundDecider.decide({ ...data, type: 'ProposeSpending', signer, now, network, proposalId, to, wallet, campaign }, state)
  },
})

export const recordReturn = commandHandler({
  ...shared,
  data: recordReturnData,
  actor: () => 'service:settlement',
  needs: ({ data: { campaignId } }) => ({ campaign: { category: 'airdrop', id: campaignId } }),
  decide(given, state) {
    requireFund(given)
    const { signer, now, network, data, facts } = given
    return fundDecider.decide({ ...data, type: 'RecordReturn', signer, now, network, campaign: facts.campaign.state }, state)
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
