// The story that `test/frozen/log.v4.ndjson` tells: every event of airdrops at least once, and the fund's of the second version.
// `node test/support/frozen-airdrop.ts` prints it as it is decided today. The file itself is never made again.

import { computeAirdrop } from '../../commands/airdrop-result.ts'
import type { Signer } from '../../commands/ports.ts'
import { publishTodo } from '../../commands/processes/airdrop.ts'
import { digestsId } from '../../domain/audit/decider.ts'
import { decode } from '../../domain/catalogue.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { contributionOf, contributionsDigest } from '../../domain/fund/contributions.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { digestsToRecord } from '../../infra/cli/recorded-digests.ts'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { committed, keyOf, type MoneyWorld, type MoneyWorldOptions, moneyWorld, sha256 } from './money-world.ts'

const [authority, settlement] = [keyOf('authority'), keyOf('settlement')]
const [steward1, steward2] = [keyOf('steward-1'), keyOf('steward-2')]
const arbiters = [keyOf('arbiter-1'), keyOf('arbiter-2'), keyOf('arbiter-3')] as const
const vitals = {
  uptimeSeconds: 100,
  loadPermille: 100,
  cores: 4,
  memoryUsedBytes: 1000,
  memoryTotalBytes: 10_000,
  cpuPermille: 100,
  tasksSucceeded: 0,
  tasksFailed: 0,
}
const profile = {
  cores: 4,
  memoryBytes: 10_000,
  platform: 'linux',
  arch: 'x64',
  version: '1.0.0',
  region: 'eu-north',
  capabilities: ['cpu'],
}

/** What airdrops are told with; a node is its key. */
export interface AirdropStory extends MoneyWorld {
  /** An escrow over so much is released, and its contribution swept: 5 % of it are the fund's. */
  fill(amount: string): Promise<void>
  register(node: Signer): Promise<string>
  beat(...nodes: readonly Signer[]): Promise<void>
  /** Announces a campaign whose window begins in a minute and lasts for ten. */
  announce(over?: Readonly<Record<string, unknown>>): Promise<string>
  propose(campaignId: string, amount?: string): Promise<string>
  approve(proposalId: string): Promise<void>
  publish(campaignId: string): Promise<void>
  claim(node: Signer, campaignId: string, walletId: string): Promise<void>
}

export const campaignRules = {
  criteria: {
    slotSeconds: 60,
    uptimePermilleMin: 300,
    proofsMin: 0,
    reputationEndMin: 40,
    reputationMin: 40,
    sybilWeightMax: 10,
  },
  algorithm: { kind: 'pro_rata', by: 'reputation' },
  budget: '1000',
  appealsPermille: 100,
  claimSeconds: 3600,
}

export async function airdropStory(options: MoneyWorldOptions): Promise<AirdropStory> {
  const world = await moneyWorld(options)
  const { send, clock, store, networkId, instance } = world
  const [client, provider] = [keyOf('client'), keyOf('provider')]
  const [clientWallet, providerWallet] = [await world.openWallet(client), await world.openWallet(provider)]
  const windows = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }
  const hold = (escrowId: string) => send(client, 'PlaceHold', clientWallet, { escrowId })
  let swept = -1
  return {
    ...world,
    async fill(amount) {
      await send(authority, 'IssueTestDeposit', clientWallet, { amount })
      const deal = { client: clientWallet, provider: providerWallet, amount, terms: committed('terms'), windows }
      const { commandId: escrowId } = await send(client, 'OpenEscrow', undefined, { ...deal, fallbackProviderPermille: 0 })
      await hold(escrowId)
      await send(settlement, 'RecordFunding', escrowId)
      await send(settlement, 'CaptureHold', clientWallet, { escrowId })
      await send(provider, 'StartEscrow', escrowId)
      await send(provider, 'DeliverResult', escrowId, world.signedResult(provider, escrowId, sha256('result')))
      await send(client, 'ReleaseEscrow', escrowId, { resultHash: sha256('result') })
      await send(settlement, 'PostCredit', providerWallet, { source: { kind: 'escrow', escrowId, leg: 'provider' } })
      const contributions = (await world.log()).flatMap((event, index) => {
        const contribution = contributionOf(decode(event))
        return contribution && index > swept ? [{ index, ...contribution }] : []
      })
      const range = { fromIndex: swept + 1, toIndex: contributions.at(-1)!.index, count: contributions.length }
      const sum = String(contributions.reduce((sum, { amount }) => sum + amount, 0n))
      await send(settlement, 'SweepContributions', fundId, {
        ...range,
        amount: sum,
        listDigest: contributionsDigest(contributions),
      })
      swept = range.toIndex
    },
    async register(node) {
      const nodeId = nodeIdOf(node.publicKey)
      await send(node, 'RegisterNode', nodeId, { profile })
      return nodeId
    },
    async beat(...nodes) {
      for (const node of nodes) await send(node, 'RecordHeartbeat', nodeIdOf(node.publicKey), { vitals })
    },
    async announce(over = {}) {
      const from = new Date(clock.now.getTime() + 60_000).toISOString()
      const to = new Date(clock.now.getTime() + 660_000).toISOString()
      const rules = { window: { from, to }, ...campaignRules, ...over }
      return (await send(steward1, 'AnnounceCampaign', undefined, { label: 'first-winter', rules: rules as never })).commandId
    },
    async propose(campaignId, amount = campaignRules.budget) {
      const expiresAt = new Date(clock.now.getTime() + 86_400_000).toISOString()
      const asked = {
        to: { kind: 'airdrop', id: campaignId },
        category: 'airdrops',
        purpose: committed('airdrop'),
        expiresAt,
        amount,
      }
      return (await send(steward1, 'ProposeSpending', fundId, asked)).commandId
    },
    async approve(proposalId) {
      for (const steward of [steward1, steward2]) await send(steward, 'ApproveSpending', fundId, { proposalId })
    },
    async publish(campaignId) {
      const result = await computeAirdrop(store, campaignId)
      const { commands } = publishTodo(result, 0, { networkId, now: clock.now })
      for (const command of commands)
        await instance()(world.order(settlement, command.type, command.subject, command.data as never, command))
    },
    async claim(node, campaignId, walletId) {
      await send(node, 'ClaimAllotment', campaignId, { nodeId: nodeIdOf(node.publicKey), walletId })
    },
  }
}

export async function tellFrozenAirdrop(): Promise<AirdropStory> {
  const story = await airdropStory({ name: 'frozen-airdrop' })
  const { send, clock, announce, propose, approve } = story
  const nodes = ['node-1', 'node-2', 'node-3', 'node-4'].map(keyOf) as [Signer, Signer, Signer, Signer]
  const [good, better, lazy, many] = nodes
  const wallets = [await story.openWallet(good), await story.openWallet(better), await story.openWallet(lazy)] as const
  await story.fill('100000')
  const ids = []
  for (const node of nodes) ids.push(await story.register(node))
  const [, betterId, lazyId, manyId] = ids as [string, string, string, string]

  const campaignId = await announce()
  const [proposalId, again] = [await propose(campaignId), await propose(campaignId)]
  await approve(proposalId)
  await send(settlement, 'RecordCampaignFunding', campaignId, { proposalId })
  await approve(again)
  await send(settlement, 'RecordCampaignFunding', campaignId, { proposalId: again })
  await send(settlement, 'RecordReturn', fundId, { campaignId, proposalId: again })
  await send(steward2, 'CancelCampaign', await announce())
  const unfunded = await announce()

  await send(authority, 'RaiseSybilSignal', manyId, { rule: 'shared_address', weight: 60, evidence: committed('address') })
  const mistaken = await send(authority, 'RaiseSybilSignal', betterId, {
    rule: 'shared_key',
    weight: 60,
    evidence: committed('key'),
  })
  for (let minute = 0; minute < 11; minute += 1) {
    clock.forward(60)
    await story.beat(good, better, many)
    if (minute === 3) await story.beat(lazy)
    if (minute === 4) await send(authority, 'ChangeReputation', betterId, { rule: 'task_success' })
    if (minute === 5)
      await send(authority, 'ProveComputation', betterId, { proofId: mistaken.commandId, units: 7, evidence: committed('proof') })
    if (minute === 6) await send(authority, 'WithdrawSybilSignal', betterId, { signalId: mistaken.commandId, reason: 'mistake' })
  }
  clock.forward(1)
  await send(settlement, 'CloseWindow', campaignId)
  await send(settlement, 'CloseWindow', unfunded)
  await story.publish(campaignId)

  await story.claim(good, campaignId, wallets[0])
  await story.claim(better, campaignId, wallets[1])
  await send(lazy, 'FileAppeal', campaignId, { nodeId: lazyId, walletId: wallets[2], statement: committed('it was the network') })
  await send(arbiters[0], 'VoteOnAppeal', campaignId, { nodeId: lazyId, award: '100' })
  await send(arbiters[1], 'VoteOnAppeal', campaignId, { nodeId: lazyId, award: '50' })
  await send(settlement, 'ReleasePayouts', campaignId, { n: 1 })
  await send(arbiters[0], 'VoteOnAppeal', campaignId, { nodeId: lazyId, award: '50' })
  await send(settlement, 'ReleasePayouts', campaignId, { n: 2 })
  const credit = (walletId: string, nodeId: string, leg: string) =>
    send(settlement, 'PostCredit', walletId, { source: { kind: 'airdrop', campaignId, nodeId, leg } })
  await credit(wallets[0], ids[0]!, 'allotment')
  await credit(wallets[1], betterId, 'allotment')
  await credit(wallets[2], lazyId, 'award')
  clock.forward(3601)
  await send(settlement, 'SettleCampaign', campaignId)
  await send(settlement, 'RecordReturn', fundId, { campaignId, proposalId })
  const log = await story.log()
  const { digests } = await foldLog(log, readModels)
  await send(authority, 'RecordDigests', digestsId, digestsToRecord(log.length - 1, digests) as never)
  return story
}

if (import.meta.main)
  for (const event of await (await tellFrozenAirdrop()).log()) process.stdout.write(`${canonicalEvent(event)}\n`)
