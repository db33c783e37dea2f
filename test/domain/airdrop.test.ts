import { SimpleMerkleTree, StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judge } from '../../domain/airdrop/allotment.ts'
import { type AirdropCommand, airdropDecider } from '../../domain/airdrop/decider.ts'
import type { Standing } from '../../domain/airdrop/eligibility.ts'
import type { AirdropEvent } from '../../domain/airdrop/events.ts'
import { leafOf, leafTypes, listText, sha256Hex, summaryOf } from '../../domain/airdrop/list.ts'
import { type Algorithm, type CampaignRules, campaignRulesSchema, poolOf } from '../../domain/airdrop/rules.ts'
import { campaignSnapshots, evolveCampaign } from '../../domain/airdrop/state.ts'
import { listTree } from '../../domain/airdrop/tree.ts'
import { fundDecider } from '../../domain/fund/decider.ts'
import type { FundEvent } from '../../domain/fund/events.ts'
import type { NodeState } from '../../domain/node/decider.ts'
import { evolveWallet } from '../../domain/wallet/state.ts'
import { scenario } from '../support/given.ts'
import { property } from '../support/property.ts'
import { commitment, idOf, keys, network, walletOf } from './money.ts'

const airdrop = suite('airdrop')
const given = scenario(airdropDecider)

const campaignId = idOf(7)
const proposalId = idOf(8)
const now = '2026-01-01T00:00:00.000Z'
const during = '2026-01-02T00:00:00.000Z'
const afterwards = '2026-01-03T00:00:00.001Z'
const claimsUntil = '2026-01-03T01:00:00.001Z'
const over = '2026-01-03T01:00:00.002Z'
const rules: CampaignRules = {
  window: { from: '2026-01-01T12:00:00.000Z', to: '2026-01-03T00:00:00.000Z' },
  criteria: { slotSeconds: 60, uptimePermilleMin: 500, proofsMin: 0, reputationEndMin: 40, reputationMin: 30, sybilWeightMax: 10 },
  algorithm: { kind: 'equal' },
  budget: '1000',
  appealsPermille: 100,
  claimSeconds: 3600,
}
const node = (publicKey: string): NodeState => ({
  status: 'registered',
  publicKey,
  profile: { cores: 1, memoryBytes: 1, platform: 'linux', arch: 'x64', version: '1', region: 'eu', capabilities: [] },
})
const wallet = evolveWallet(undefined, { type: 'WalletOpened', data: { walletId: walletOf(1), owner: keys.client } })

const common = { campaignId, now, network }
const bySettlement = { ...common, signer: keys.settlement }
const announced: AirdropEvent = {
  type: 'CampaignAnnounced',
  data: { campaignId, label: 'first', by: keys.steward, policyVersion: 1, rules },
}
const announce = {
  ...common,
  type: 'AnnounceCampaign',
  commandId: campaignId,
  signer: keys.steward,
  label: 'first',
  rules,
} satisfies AirdropCommand
const funded: AirdropEvent = { type: 'CampaignFunded', data: { campaignId, proposalId, amount: '1000' } }
const closed: AirdropEvent = { type: 'WindowClosed', data: { campaignId } }
const allotments = [
  { nodeId: 'a', amount: '400' },
  { nodeId: 'b', amount: '300' },
]
const listed: AirdropEvent = { type: 'AllotmentsListed', data: { campaignId, n: 1, allotments } }
const origin = { networkId: network.networkId, campaignId }
const published = {
  fromIndex: 3,
  toIndex: 9,
  considered: 5,
  ...summaryOf(allotments),
  root: listTree(origin, allotments)!.root,
  reportDigest: 'e'.repeat(64),
}
const publishedEvent: AirdropEvent = { type: 'AllotmentsPublished', data: { campaignId, ...published, claimsUntil } }
const upToList = [announced, funded, closed, listed, publishedEvent]
const claimed: AirdropEvent = { type: 'AllotmentClaimed', data: { campaignId, nodeId: 'a', walletId: walletOf(1), amount: '400' } }
const claim = {
  ...common,
  now: afterwards,
  type: 'ClaimAllotment',
  signer: keys.provider,
  nodeId: 'a',
  walletId: walletOf(1),
  node: node(keys.provider),
  wallet,
} satisfies AirdropCommand
const appeal = { ...claim, type: 'FileAppeal', nodeId: 'c', statement: commitment } satisfies AirdropCommand
const { arbiters } = network
const appealed: AirdropEvent = {
  type: 'AppealFiled',
  data: { campaignId, nodeId: 'c', walletId: walletOf(1), statement: commitment, arbiters },
}
const vote = (signer: string, award: string): AirdropCommand => ({ ...common, type: 'VoteOnAppeal', signer, nodeId: 'c', award })
const voted = (by: string, award: string): AirdropEvent => ({ type: 'AppealVoted', data: { campaignId, nodeId: 'c', by, award } })
const answered = (award: string): AirdropEvent => ({
  type: 'AppealAnswered',
  data: { campaignId, nodeId: 'c', walletId: walletOf(1), award },
})
const released = (n: number, ...payouts: Extract<AirdropEvent, { type: 'PayoutsReleased' }>['data']['payouts']): AirdropEvent => ({
  type: 'PayoutsReleased',
  data: { campaignId, n, payouts },
})
const payout = { nodeId: 'a', leg: 'allotment', walletId: walletOf(1), amount: '400' } as const
const release = (n: number): AirdropCommand => ({ ...bySettlement, type: 'ReleasePayouts', n })
const settle: AirdropCommand = { ...bySettlement, now: over, type: 'SettleCampaign' }
const settled = (paid: string, returned: string): AirdropEvent => ({
  type: 'CampaignSettled',
  data: { campaignId, proposalId, paid, returned },
})

airdrop('a steward announces a campaign whose rules can be kept', () => {
  given().when(announce).then(announced)
  given(announced).when(announce).thenRefused('CampaignAlreadyAnnounced')
  given()
    .when({ ...announce, signer: keys.authority })
    .thenRefused('SignerNotAllowed', { needed: 'steward' })
  given()
    .when({ ...announce, commandId: idOf(9) })
    .thenRefused('CommandMalformed', { field: 'command.subject' })
  const refusals: [over: Partial<CampaignRules>, field: string][] = [
    [{ window: { ...rules.window, from: now } }, 'window.from'],
    [{ window: { ...rules.window, to: rules.window.from } }, 'window.to'],
    [{ criteria: { ...rules.criteria, slotSeconds: 36 * 3600 + 1 } }, 'criteria.slotSeconds'],
  ]
  for (const [over, field] of refusals)
    given()
      .when({ ...announce, rules: { ...rules, ...over } })
      .thenRefused('CommandMalformed', { field: `command.data.rules.${field}` })
})

airdrop('rules have a shape', () => {
  const wrong: object[] = [
    { budget: '0' },
    { budget: '1.5' },
    { appealsPermille: 1001 },
    { claimSeconds: 59 },
    { algorithm: { kind: 'lottery' } },
    { algorithm: { kind: 'pro_rata', by: 'beauty' } },
    { algorithm: { kind: 'tiered', by: 'work', tiers: [] } },
    {
      algorithm: {
        kind: 'tiered',
        by: 'work',
        tiers: [
          { atLeast: 5, weight: 1 },
          { atLeast: 5, weight: 2 },
        ],
      },
    },
    { criteria: { ...rules.criteria, uptimePermilleMin: -1 } },
    { surprise: 1 },
  ]
  assert.ok(campaignRulesSchema.safeParse(rules).success)
  for (const over of wrong) assert.not.ok(campaignRulesSchema.safeParse({ ...rules, ...over }).success, JSON.stringify(over))
})

const spending = (kind: 'airdrop' | 'wallet', id: string): FundEvent[] => [
  {
    type: 'SpendingProposed.v2',
    data: {
      proposalId,
      to: { kind, id },
      amount: '1000',
      category: 'airdrops',
      purpose: commitment,
      by: keys.steward,
      expiresAt: during,
      stewards: network.stewards,
    },
  },
  { type: 'SpendingExecuted.v2', data: { proposalId, to: { kind, id }, amount: '1000', category: 'airdrops' } },
]
const fundAfter = (events: FundEvent[]) =>
  events.reduce((state, event) => fundDecider.evolve(state, event, now), fundDecider.initialState)

airdrop('money comes from the fund, once; what comes too late or twice goes back', () => {
  const fund = fundAfter(spending('airdrop', campaignId))
  const record: AirdropCommand = { ...bySettlement, type: 'RecordCampaignFunding', proposalId, fund }
  const back: AirdropEvent = { type: 'FundingReturned', data: { campaignId, proposalId, amount: '1000' } }
  given(announced).when(record).then(funded)
  given(announced, funded).when(record).thenNothing()
  given(announced, { type: 'CampaignCancelled', data: { campaignId, reason: 'unfunded' } })
    .when(record)
    .then(back)
  const other: AirdropEvent = { type: 'CampaignFunded', data: { campaignId, proposalId: idOf(99), amount: '1000' } }
  given(announced, other).when(record).then(back)
  given(announced, other, back).when(record).thenNothing()
  given(announced)
    .when({ ...record, signer: keys.steward })
    .thenRefused('SignerNotAllowed', { needed: 'service:settlement' })
  const [proposed] = spending('airdrop', campaignId)
  for (const events of [[], [proposed!], spending('airdrop', idOf(3)), spending('wallet', campaignId)])
    given(announced)
      .when({ ...record, fund: fundAfter(events) })
      .thenRefused('CreditNotOwed')
  given().when(record).thenRefused('CampaignUnknown', { campaignId })
})

airdrop('what has no money yet can be taken back, and is when its time is over', () => {
  const cancel: AirdropCommand = { ...common, type: 'CancelCampaign', signer: keys.steward2 }
  const cancelled: AirdropEvent = { type: 'CampaignCancelled', data: { campaignId, reason: 'withdrawn' } }
  given(announced).when(cancel).then(cancelled)
  given(announced, cancelled).when(cancel).thenNothing()
  given(announced, funded).when(cancel).thenRefused('CampaignNotInStatus', { state: 'funded' })
  given(announced)
    .when({ ...cancel, signer: keys.stranger })
    .thenRefused('SignerNotAllowed')
  const close: AirdropCommand = { ...bySettlement, type: 'CloseWindow', now: afterwards }
  given(announced, funded).when(close).then(closed)
  given(announced)
    .when(close)
    .then({ type: 'CampaignCancelled', data: { campaignId, reason: 'unfunded' } })
  given(announced, funded, closed).when(close).thenNothing()
  given(announced, funded)
    .when({ ...close, now: rules.window.to })
    .thenRefused('DeadlineNotReached')
  given(announced, funded)
    .when({ ...close, signer: keys.steward })
    .thenRefused('SignerNotAllowed')
})

airdrop('a list comes page by page in its order, and is published as what it is', () => {
  const page = (n: number, ...ids: string[]): AirdropCommand => ({
    ...bySettlement,
    type: 'ListAllotments',
    n,
    allotments: ids.map((nodeId) => ({ nodeId, amount: nodeId === 'a' ? '400' : '300' })),
  })
  const publish: AirdropCommand = { ...bySettlement, now: afterwards, type: 'PublishAllotments', ...published }
  given(announced, funded, closed)
    .when(page(1, 'a', 'b'))
    .then(listed)
  given(announced, funded, closed, listed)
    .when(page(1, 'a', 'b'))
    .thenNothing()
  given(announced, funded, closed, listed).when(page(3, 'c')).thenRefused('AllotmentsOutOfOrder', { n: 3, pages: 1 })
  given(announced, funded, closed, listed)
    .when(page(2, 'b'))
    .thenRefused('CommandMalformed', { field: 'command.data.allotments.0.nodeId' })
  given(announced, funded, closed)
    .when(page(1, 'b', 'a'))
    .thenRefused('CommandMalformed', { field: 'command.data.allotments.1.nodeId' })
  given(announced, funded).when(page(1, 'a')).thenRefused('CampaignNotInStatus', { state: 'funded', needed: 'closed' })
  given(announced, funded, closed, listed).when(publish).then(publishedEvent)
  given(...upToList)
    .when(publish)
    .thenNothing()
  for (const [field, value] of Object.entries({ allotted: 3, amount: '701', listDigest: 'f'.repeat(64), root: null }))
    given(announced, funded, closed, listed)
      .when({ ...publish, [field]: value })
      .thenRefused('CommandMalformed', { field: `command.data.${field}` })
  const dear = [{ nodeId: 'a', amount: '901' }]
  given(announced, funded, closed, { type: 'AllotmentsListed', data: { campaignId, n: 1, allotments: dear } })
    .when({ ...publish, ...summaryOf(dear) })
    .thenRefused('CampaignBudgetExceeded', { needed: '901', left: '900' })
  given(announced, funded, closed)
    .when({ ...publish, ...summaryOf([]), root: null })
    .then({ type: 'AllotmentsPublished', data: { campaignId, ...published, ...summaryOf([]), root: null, claimsUntil } })
})

airdrop('a node claims for a wallet, by its own key, once, in time', () => {
  given(...upToList)
    .when(claim)
    .then(claimed)
  given(...upToList, claimed)
    .when(claim)
    .thenNothing()
  given(...upToList, claimed)
    .when({ ...claim, walletId: walletOf(2) })
    .thenRefused('AllotmentAlreadyClaimed')
  given(...upToList)
    .when({ ...claim, signer: keys.stranger })
    .thenRefused('SignerNotAllowed', { needed: 'node' })
  given(...upToList)
    .when({ ...claim, nodeId: 'z' })
    .thenRefused('NothingAllotted', { nodeId: 'z' })
  given(...upToList)
    .when({ ...claim, wallet: undefined })
    .thenRefused('WalletUnknown')
  given(...upToList)
    .when({ ...claim, now: over })
    .thenRefused('DeadlinePassed')
  given(announced, funded, closed).when(claim).thenRefused('CampaignNotInStatus', { needed: 'published' })
})

airdrop('arbiters answer an appeal by as many equal last words as they need', () => {
  given(...upToList)
    .when(appeal)
    .then(appealed)
  given(...upToList, appealed)
    .when(appeal)
    .thenRefused('AppealAlreadyFiled')
  given(...upToList)
    .when({ ...appeal, network: { ...network, arbiters: { members: [], threshold: 0 } } })
    .thenRefused('NoArbiters')
  given(...upToList)
    .when({ ...appeal, now: over })
    .thenRefused('DeadlinePassed')
  const heard = [...upToList, appealed]
  given(...heard)
    .when(vote(keys.arbiter, '50'))
    .then(voted(keys.arbiter, '50'))
  given(...heard, voted(keys.arbiter, '50'))
    .when(vote(keys.arbiter, '50'))
    .thenNothing()
  given(...heard, voted(keys.arbiter, '50'))
    .when(vote(keys.arbiter2, '60'))
    .then(voted(keys.arbiter2, '60'))
  given(...heard, voted(keys.arbiter, '50'), voted(keys.arbiter2, '60'))
    .when(vote(keys.arbiter, '60'))
    .then(voted(keys.arbiter, '60'), answered('60'))
  given(...heard, voted(keys.arbiter, '0'))
    .when(vote(keys.arbiter2, '0'))
    .then(voted(keys.arbiter2, '0'), answered('0'))
  given(...heard)
    .when(vote(keys.steward, '50'))
    .thenRefused('SignerNotAllowed', { needed: 'arbiter' })
  given(...upToList)
    .when(vote(keys.arbiter, '50'))
    .thenRefused('AppealUnknown')
  given(...heard, voted(keys.arbiter, '50'), voted(keys.arbiter2, '50'), answered('50'))
    .when(vote(keys.arbiter, '70'))
    .thenRefused('AppealAnswered', { award: '50' })
  // 1000 less what is allotted: more cannot be given.
  given(...heard, voted(keys.arbiter, '301'))
    .when(vote(keys.arbiter2, '301'))
    .thenRefused('CampaignBudgetExceeded', { needed: '301', left: '300' })
})

airdrop('batches pay who waited longest, once; then the rest goes back', () => {
  const award = { nodeId: 'c', leg: 'award', walletId: walletOf(1), amount: '50' } as const
  given(...upToList)
    .when(release(1))
    .thenNothing()
  given(...upToList, claimed)
    .when(release(1))
    .then(released(1, payout))
  given(...upToList, claimed, appealed, answered('50'))
    .when(release(1))
    .then(released(1, payout, award))
  given(...upToList, claimed, released(1, payout))
    .when(release(1))
    .thenNothing()
  given(...upToList, claimed, released(1, payout))
    .when(release(2))
    .thenNothing()
  given(...upToList, claimed)
    .when(release(2))
    .thenRefused('PayoutsOutOfOrder', { n: 2, batches: 0 })
  given(...upToList, claimed, released(1, payout))
    .when(settle)
    .then(settled('400', '600'))
  given(...upToList)
    .when(settle)
    .then(settled('0', '1000'))
  given(...upToList, claimed)
    .when(settle)
    .thenRefused('CampaignNotSettled', { unpaid: 1 })
  given(...upToList, appealed)
    .when(settle)
    .thenRefused('CampaignNotSettled', { openAppeals: 1 })
  given(...upToList)
    .when({ ...settle, now: claimsUntil })
    .thenRefused('DeadlineNotReached')
  given(...upToList, settled('0', '1000'))
    .when(settle)
    .thenNothing()
  for (const command of [release(1), settle])
    given(...upToList)
      .when({ ...command, signer: keys.steward } as AirdropCommand)
      .thenRefused('SignerNotAllowed')
})

airdrop('more than a batch is paid in as many as it takes, nobody twice', () => {
  const ids = Array.from({ length: 250 }, (_, n) => `n${String(n).padStart(3, '0')}`)
  const list = ids.map((nodeId) => ({ nodeId, amount: '1' }))
  let state = [
    announced,
    funded,
    closed,
    ...[0, 100, 200].map(
      (from, n): AirdropEvent => ({
        type: 'AllotmentsListed',
        data: { campaignId, n: n + 1, allotments: list.slice(from, from + 100) },
      }),
    ),
    publishedEvent,
    ...list.map(
      ({ nodeId, amount }): AirdropEvent => ({
        type: 'AllotmentClaimed',
        data: { campaignId, nodeId, amount, walletId: walletOf(1) },
      }),
    ),
  ].reduce(evolveCampaign, undefined)
  const paid: string[] = []
  for (let n = 1; n <= 4; n += 1)
    for (const event of airdropDecider.decide(release(n), state)) {
      state = campaignSnapshots.read(JSON.parse(JSON.stringify(campaignSnapshots.write(evolveCampaign(state, event)))))
      if (event.type === 'PayoutsReleased') paid.push(...event.data.payouts.map(({ nodeId }) => nodeId))
    }
  assert.equal(paid, ids)
})

airdrop('a campaign that is written down and read again decides as before', () => {
  const events = [...upToList, claimed, appealed, voted(keys.arbiter, '60'), released(1, payout)]
  const state = events.reduce(evolveCampaign, undefined)
  const again = campaignSnapshots.read(JSON.parse(JSON.stringify(campaignSnapshots.write(state))))
  for (const command of [claim, appeal, vote(keys.arbiter2, '60'), release(2), settle]) {
    const answer = (of: typeof state) => {
      try {
        return airdropDecider.decide(command, of)
      } catch (error) {
        return String(error)
      }
    }
    assert.equal(answer(again), answer(state), command.type)
  }
  assert.is(campaignSnapshots.read(JSON.parse(JSON.stringify(campaignSnapshots.write(undefined)))), undefined)
})

const standing = (nodeId: string, over: Partial<Standing> = {}): Standing => ({
  nodeId,
  isRegistered: true,
  slots: 10,
  uptimePermille: 1000,
  proofs: 1,
  work: 10n,
  reputationEnd: 50,
  reputationMin: 50,
  sybilWeight: 0,
  ...over,
})

airdrop('each criterion alone makes a node ineligible', () => {
  const bad: Record<string, Partial<Standing>> = {
    deregistered: { isRegistered: false },
    uptime: { uptimePermille: 499 },
    reputation_end: { reputationEnd: 39 },
    reputation_min: { reputationMin: 29 },
    sybil: { sybilWeight: 11 },
    proofs: { proofs: 0 },
  }
  const strict = { ...rules, criteria: { ...rules.criteria, proofsMin: 1 } }
  for (const [reason, over] of Object.entries(bad)) {
    const [judged] = judge([standing('a', over)], strict)
    assert.equal([judged!.reasons, judged!.weight, judged!.amount], [[reason], 0n, 0n])
  }
  const edge = { uptimePermille: 500, reputationEnd: 40, reputationMin: 30, sybilWeight: 10 }
  assert.equal(judge([standing('a', edge)], strict)[0]!.reasons, [])
})

const amounts = (algorithm: Algorithm, ...nodes: Partial<Standing>[]) =>
  judge(
    nodes.map((over, n) => standing(`n${n}`, over)),
    { ...rules, algorithm },
  ).map(({ amount }) => Number(amount))

airdrop('algorithms divide 900', () => {
  assert.equal(amounts({ kind: 'equal' }, {}, {}, {}, {}, {}, {}, {}), Array(7).fill(128))
  assert.equal(amounts({ kind: 'pro_rata', by: 'work' }, { work: 1n }, { work: 2n }, { work: 0n }), [300, 600, 0])
  assert.equal(amounts({ kind: 'pro_rata', by: 'reputation' }, { reputationEnd: 60 }, { reputationEnd: 90 }), [360, 540])
  const capped: Algorithm = { kind: 'capped', by: 'work', amountMax: '300' }
  assert.equal(amounts(capped, { work: 90n }, { work: 5n }, { work: 5n }), [300, 300, 300])
  assert.equal(amounts(capped, { work: 100n }, { work: 2n }, { work: 1n }), [300, 300, 300])
  assert.equal(amounts(capped, { work: 60n }, { work: 10n }, { work: 20n }, { work: 30n }), [300, 100, 200, 300])
  assert.equal(amounts(capped, { work: 5n }, { work: 0n }), [300, 0])
  const tiers = [
    { atLeast: 50, weight: 1 },
    { atLeast: 70, weight: 3 },
  ]
  const tiered: Algorithm = { kind: 'tiered', by: 'reputation', tiers }
  assert.equal(
    amounts(tiered, { reputationEnd: 49 }, { reputationEnd: 50 }, { reputationEnd: 69 }, { reputationEnd: 70 }),
    [0, 180, 180, 540],
  )
  assert.equal(amounts({ kind: 'equal' }), [])
})

const measure = fc.constantFrom('reputation' as const, 'work' as const)
const algorithms: fc.Arbitrary<Algorithm> = fc.oneof(
  fc.constant<Algorithm>({ kind: 'equal' }),
  fc.record({ kind: fc.constant('pro_rata' as const), by: measure }),
  fc.record({ kind: fc.constant('capped' as const), by: measure, amountMax: fc.integer({ min: 1, max: 2000 }).map(String) }),
  fc.record({
    kind: fc.constant('tiered' as const),
    by: measure,
    tiers: fc
      .uniqueArray(fc.record({ atLeast: fc.integer({ min: -10, max: 100 }), weight: fc.integer({ min: 1, max: 9 }) }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ atLeast }) => atLeast,
      })
      .map((tiers) => tiers.sort((one, other) => one.atLeast - other.atLeast)),
  }),
)
const standings = fc
  .array(
    fc.record({
      work: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      reputationEnd: fc.integer({ min: -50, max: 100 }),
      uptimePermille: fc.integer({ min: 0, max: 1000 }),
    }),
    { maxLength: 40 },
  )
  .map((nodes) => nodes.map((over, n) => standing(`n${String(n).padStart(2, '0')}`, over)))

airdrop('whatever the rules: no more than the pool, no order but that of the shares, and what is left is dust or capped', () =>
  property(
    fc.property(algorithms, standings, fc.integer({ min: 1, max: 100_000 }), (algorithm, nodes, budget) => {
      const own = { ...rules, algorithm, budget: String(budget) }
      const judged = judge(nodes, own)
      const sum = judged.reduce((sum, { amount }) => sum + amount, 0n)
      const pool = poolOf(own)
      assert.ok(sum <= pool)
      const cap = algorithm.kind === 'capped' ? BigInt(algorithm.amountMax) : undefined
      const sharing = judged.filter(({ weight }) => weight > 0n)
      const uncapped = sharing.filter(({ amount }) => cap === undefined || amount < cap)
      // Each of them is rounded down by less than one; where all have the cap, the rest is nobody's.
      if (uncapped.length) assert.ok(pool - sum < BigInt(sharing.length) + 1n, `${pool} ${sum}`)
      for (const { weight, amount, reasons } of judged) {
        assert.ok(amount >= 0n && (cap === undefined || amount <= cap))
        if (reasons.length) assert.is(amount, 0n)
        for (const other of judged) if (other.weight <= weight) assert.ok(other.amount <= amount)
      }
    }),
  ),
)

airdrop("a list's root is OpenZeppelin's, and its leaves are of no other list", () => {
  const list = Array.from({ length: 100 }, (_, n) => ({ nodeId: `n${String(n).padStart(3, '0')}`, amount: String(n + 1) }))
  const tree = listTree(origin, list)!
  tree.validate()
  const { root } = tree
  for (const [n, allotment] of list.entries()) {
    const proof = tree.getProof(n)
    assert.ok(StandardMerkleTree.verify(root, leafTypes, leafOf(origin, allotment), proof))
    const dearer = { ...allotment, amount: '1000000' }
    assert.not.ok(StandardMerkleTree.verify(root, leafTypes, leafOf(origin, dearer), proof))
    assert.not.ok(StandardMerkleTree.verify(root, leafTypes, leafOf({ ...origin, campaignId: idOf(2) }, allotment), proof))
    assert.not.ok(StandardMerkleTree.verify(root, leafTypes, leafOf({ ...origin, networkId: idOf(2) }, allotment), proof))
  }
  // The library's other tree takes the hashes as they are: both must build the same of them.
  const hashes = list.map((allotment) => tree.leafHash(leafOf(origin, allotment)))
  assert.is(SimpleMerkleTree.of(hashes).root, root)
  assert.is(listTree(origin, []), undefined)
  assert.is(listText(allotments), '{"amount":"400","nodeId":"a"}\n{"amount":"300","nodeId":"b"}\n')
  assert.is(summaryOf(allotments).listDigest, sha256Hex(listText(allotments)))
})

airdrop.run()
