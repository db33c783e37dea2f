import { judge } from '../domain/airdrop/allotment.ts'
import { allotmentsOf, leafOf, leafTypes, summaryOf } from '../domain/airdrop/list.ts'
import type { CampaignRules } from '../domain/airdrop/rules.ts'
import { nodeIdOf } from '../domain/ids.ts'
import { type ExampleCommand, idOf, networkId, position, recordedAt, signerOf } from './example-signers.ts'
import { commitment, providerId } from './money-examples.ts'

const node = signerOf('node')
const nodeId = nodeIdOf(node.publicKey)
const steward = signerOf('steward')
const authority = signerOf('authority')
export const campaignId = idOf('AnnounceCampaign')

const rules = {
  window: { from: '2026-12-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' },
  criteria: {
    slotSeconds: 3600,
    uptimePermilleMin: 800,
    proofsMin: 1,
    reputationEndMin: 50,
    reputationMin: 30,
    sybilWeightMax: 0,
  },
  algorithm: { kind: 'pro_rata', by: 'reputation' },
  budget: '100000000000',
  appealsPermille: 50,
  claimSeconds: 2_592_000,
} satisfies CampaignRules

const byNode = (data: ExampleCommand['data']) => ({ signer: node, subject: campaignId, data })
const byAuthority = (data: ExampleCommand['data']) => ({ signer: authority, subject: nodeId, data })

/** The commands of airdrops that people send. */
export const airdropCommands = {
  AnnounceCampaign: { signer: steward, subject: campaignId, data: { label: 'first-winter', rules } },
  CancelCampaign: { signer: steward, subject: campaignId, data: {} },
  ClaimAllotment: byNode({ nodeId, walletId: providerId }),
  FileAppeal: byNode({ nodeId, walletId: providerId, statement: commitment('why it should be more') }),
  VoteOnAppeal: { signer: signerOf('arbiter'), subject: campaignId, data: { nodeId, award: '1000000000' } },
  ProveComputation: byAuthority({ proofId: idOf('ProveComputation'), units: 12, evidence: commitment('the proof') }),
  RaiseSybilSignal: byAuthority({ rule: 'shared_address', weight: 40, evidence: commitment('the address') }),
  WithdrawSybilSignal: byAuthority({ signalId: idOf('RaiseSybilSignal'), reason: 'mistake' }),
} satisfies Record<string, ExampleCommand>

const standing = {
  nodeId,
  isRegistered: true,
  slots: 700,
  uptimePermille: 940,
  proofs: 3,
  work: 36n,
  reputationEnd: 60,
  reputationMin: 50,
  sybilWeight: 0,
}
const [judged] = judge([standing], rules)
const [allotment] = allotmentsOf([judged!])
/** Of a list of one: its only leaf. A test makes it again, by the library that takes too long to load for an example. */
const root = '0xb89cb34956973913c37843ee29fb7822b49f276304da9ca038440cad269067a0'
const publication = {
  fromIndex: 1200,
  toIndex: 98_000,
  considered: 1,
  ...summaryOf([allotment!]),
  root,
  reportDigest: 'e'.repeat(64),
}
const publishedAt = '2027-01-01T00:00:05.120Z'
const claimsUntil = '2027-01-31T00:00:05.120Z'
const amount = allotment!.amount

/** What the addresses answer about the example's airdrop. */
export const airdropExample = {
  campaign: {
    campaignId,
    label: 'first-winter',
    by: steward.publicKey,
    status: 'published',
    policyVersion: 1,
    rules,
    budget: rules.budget,
    proposalId: idOf('ProposeSpending'),
    fromIndex: publication.fromIndex,
    toIndex: publication.toIndex,
    considered: publication.considered,
    allotted: publication.allotted,
    allottedAmount: publication.amount,
    listDigest: publication.listDigest,
    reportDigest: publication.reportDigest,
    root: publication.root,
    claimsUntil,
    claims: 1,
    claimedAmount: amount,
    appeals: 0,
    openAppeals: 0,
    awardedAmount: '0',
    batches: 1,
    payouts: 1,
    releasedAmount: amount,
    creditedAmount: amount,
    returned: null,
    announcedAt: recordedAt,
    publishedAt,
    changedAt: publishedAt,
    changedPosition: position,
  },
  allotment: {
    campaignId,
    nodeId,
    amount,
    walletId: providerId,
    claimedAt: publishedAt,
    paidAt: publishedAt,
    appealedAt: null,
    statement: null,
    appealWalletId: null,
    votes: null,
    award: null,
    answeredAt: null,
    awardPaidAt: null,
    changedPosition: position,
  },
  proof: {
    campaignId,
    nodeId,
    amount,
    root: publication.root,
    leafTypes,
    leaf: leafOf({ networkId, campaignId }, allotment!),
    proof: [],
  },
  analytics: {
    campaignId,
    label: 'first-winter',
    status: 'published',
    budget: rules.budget,
    considered: 1,
    allotted: 1,
    allottedAmount: amount,
    claims: 1,
    claimedAmount: amount,
    awardedAmount: '0',
    releasedAmount: amount,
    creditedAmount: amount,
    returned: null,
    appeals: 0,
    openAppeals: 0,
    smallest: amount,
    median: amount,
    largest: amount,
    giniPermille: 0,
    deciles: [{ upTo: amount, nodes: 1, amount }],
  },
  judged: judged!,
} as const
