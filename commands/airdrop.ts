import {
  airdropDecider,
  announceCampaignData,
  cancelCampaignData,
  claimAllotmentData,
  closeWindowData,
  fileAppealData,
  listAllotmentsData,
  publishAllotmentsData,
  recordCampaignFundingData,
  releasePayoutsData,
  settleCampaignData,
  voteOnAppealData,
} from '../domain/airdrop/decider.ts'
import { fundId } from '../domain/fund/decider.ts'
import { commandHandler, type Given } from './command.ts'

const shared = { category: 'airdrop', freshness: 'recent' } as const
const byService = { ...shared, actor: () => 'service:settlement' }
const bySteward = { ...shared, actor: () => 'steward' }

/** What all commands on a campaign are decided with. */
const common = ({ subject: campaignId, signer, now, network }: Pick<Given, 'subject' | 'signer' | 'now' | 'network'>) => ({
  campaignId,
  signer,
  now,
  network,
})

export const announceCampaign = commandHandler({
  ...bySteward,
  data: announceCampaignData,
  decide: (given, state) =>
    airdropDecider.decide({ ...given.data, ...common(given), type: 'AnnounceCampaign', commandId: given.commandId }, state),
})

export const cancelCampaign = commandHandler({
  ...bySteward,
  data: cancelCampaignData,
  decide: (given, state) => airdropDecider.decide({ ...common(given), type: 'CancelCampaign' }, state),
})

export const recordCampaignFunding = commandHandler({
  ...byService,
  data: recordCampaignFundingData,
  needs: () => ({ fund: { category: 'fund', id: fundId } }),
  decide: (given, state) =>
    airdropDecider.decide({ ...given.data, ...common(given), type: 'RecordCampaignFunding', fund: given.facts.fund.state }, state),
})

export const closeWindow = commandHandler({
  ...byService,
  data: closeWindowData,
  decide: (given, state) => airdropDecider.decide({ ...common(given), type: 'CloseWindow' }, state),
})

export const listAllotments = commandHandler({
  ...byService,
  data: listAllotmentsData,
  decide: (given, state) => airdropDecider.decide({ ...given.data, ...common(given), type: 'ListAllotments' }, state),
})

export const publishAllotments = commandHandler({
  ...byService,
  data: publishAllotmentsData,
  decide: (given, state) => airdropDecider.decide({ ...given.data, ...common(given), type: 'PublishAllotments' }, state),
})

/** The node that asks, and where what it gets is to go. */
const payee = (nodeId: string, walletId: string) =>
  ({ node: { category: 'node', id: nodeId }, wallet: { category: 'wallet', id: walletId } }) as const

export const claimAllotment = commandHandler({
  ...shared,
  data: claimAllotmentData,
  needs: ({ data: { nodeId, walletId } }) => payee(nodeId, walletId),
  actor: ({ data: { nodeId } }) => `node:${nodeId}`,
  decide: (given, state) =>
    airdropDecider.decide(
      {
        ...given.data,
        ...common(given),
        type: 'ClaimAllotment',
        node: given.facts.node.state,
        wallet: given.facts.wallet.state,
      },
      state,
    ),
})

export const fileAppeal = commandHandler({
  ...shared,
  data: fileAppealData,
  needs: ({ data: { nodeId, walletId } }) => payee(nodeId, walletId),
  actor: ({ data: { nodeId } }) => `node:${nodeId}`,
  decide: (given, state) =>
    airdropDecider.decide(
      { ...given.data, ...common(given), type: 'FileAppeal', node: given.facts.node.state, wallet: given.facts.wallet.state },
      state,
    ),
})

export const voteOnAppeal = commandHandler({
  ...shared,
  data: voteOnAppealData,
  actor: () => 'arbiter',
  decide: (given, state) => airdropDecider.decide({ ...given.data, ...common(given), type: 'VoteOnAppeal' }, state),
})

export const releasePayouts = commandHandler({
  ...byService,
  data: releasePayoutsData,
  decide: (given, state) => airdropDecider.decide({ ...given.data, ...common(given), type: 'ReleasePayouts' }, state),
})

export const settleCampaign = commandHandler({
  ...byService,
  data: settleCampaignData,
  decide: (given, state) => airdropDecider.decide({ ...common(given), type: 'SettleCampaign' }, state),
})
