import { alias } from './alias.ts'
import type { Route } from './route.ts'

/** What stewards, nodes and arbiters send about airdrops, and the authority about nodes. */
export const airdropCommandRoutes: readonly Route[] = [
  alias('/v1/airdrops', 'AnnounceCampaign', 'Announce an airdrop; it has the id of this command', ['CampaignAlreadyAnnounced']),
  alias('/v1/airdrops/:id/cancel', 'CancelCampaign', 'Take an airdrop back that has no money yet', [
    'CampaignUnknown',
    'CampaignNotInStatus',
  ]),
  alias('/v1/airdrops/:id/claims', 'ClaimAllotment', 'Name the wallet that gets what a node was allotted', [
    'CampaignUnknown',
    'CampaignNotInStatus',
    'DeadlinePassed',
    'NothingAllotted',
    'AllotmentAlreadyClaimed',
    'WalletUnknown',
    'NodeNotRegistered',
    'NodeDeregistered',
  ]),
  alias('/v1/airdrops/:id/appeals', 'FileAppeal', 'Appeal against what a node was allotted, or was not', [
    'CampaignUnknown',
    'CampaignNotInStatus',
    'DeadlinePassed',
    'AppealAlreadyFiled',
    'WalletUnknown',
    'NodeNotRegistered',
    'NodeDeregistered',
    'NoArbiters',
  ]),
  alias('/v1/airdrops/:id/appeals/:nodeId/votes', 'VoteOnAppeal', 'Answer an appeal; the last vote that is needed is the answer', [
    'CampaignUnknown',
    'AppealUnknown',
    'AppealAnswered',
    'CampaignBudgetExceeded',
  ]),
  alias('/v1/nodes/:id/proofs', 'ProveComputation', "Record a verified computation, as the network's authority", [
    'NodeNotRegistered',
    'NodeDeregistered',
    'ProofAlreadyCounted',
  ]),
  alias('/v1/nodes/:id/sybil-signals', 'RaiseSybilSignal', 'Say that a node may be one of many of the same operator', [
    'NodeNotRegistered',
    'NodeDeregistered',
  ]),
  alias('/v1/nodes/:id/sybil-signals/:signalId/withdraw', 'WithdrawSybilSignal', 'Take such a signal back', ['SybilSignalUnknown']),
]
