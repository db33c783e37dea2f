// The story that `test/frozen/log.v5.ndjson` tells: an airdrop that leaves over the chain by standing orders, in one transaction.
// `node test/support/frozen-standing-order.ts` prints it as it is decided today. The file itself is never made again.

import type { Signer } from '../../commands/ports.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { ownIdOf } from '../../domain/wallet/state.ts'
import { type AirdropStory, airdropStory, campaignRules } from './frozen-airdrop.ts'
import { committed, keyOf, type MoneyWorldOptions, sha256 } from './money-world.ts'

const [settlement, chain] = [keyOf('settlement'), keyOf('chain')]

/** Nodes that are paid by an airdrop, and what is credited to whom. */
export interface PaidAirdrop extends AirdropStory {
  readonly campaignId: string
  /** Credits what the campaign has released to these wallets. */
  credit(): Promise<void>
}

/** An airdrop of `budget` that each of these nodes was at all the time, claimed to its wallet and released. */
export async function releasedAirdrop(
  nodes: readonly (readonly [node: Signer, walletId: string])[],
  story: AirdropStory,
  budget: string,
): Promise<PaidAirdrop> {
  const { send, clock } = story
  const ids: string[] = []
  for (const [node] of nodes) ids.push(await story.register(node))
  await story.fill(String(BigInt(budget) * 20n))
  const campaignId = await story.announce({ budget, algorithm: { kind: 'equal' } })
  const proposalId = await story.propose(campaignId, budget)
  await story.approve(proposalId)
  await send(settlement, 'RecordCampaignFunding', campaignId, { proposalId })
  for (let minute = 0; minute < 11; minute += 1) {
    clock.forward(60)
    await story.beat(...nodes.map(([node]) => node))
  }
  clock.forward(1)
  await send(settlement, 'CloseWindow', campaignId)
  await story.publish(campaignId)
  for (const [node, walletId] of nodes) await story.claim(node, campaignId, walletId)
  await send(settlement, 'ReleasePayouts', campaignId, { n: 1 })
  return {
    ...story,
    campaignId,
    async credit() {
      for (const [index, [, walletId]] of nodes.entries())
        await send(settlement, 'PostCredit', walletId, {
          source: { kind: 'airdrop', campaignId, nodeId: ids[index]!, leg: 'allotment' },
        })
    },
  }
}

export async function tellFrozenStandingOrder(options: MoneyWorldOptions = { name: 'frozen-standing-order' }) {
  const story = await airdropStory(options)
  const { send } = story
  const nodes = ['node-1', 'node-2', 'node-3'].map(keyOf)
  const wallets: string[] = []
  for (const node of nodes) wallets.push(await story.openWallet(node))
  const order = { destination: committed('an address'), feeMax: '30', amountMin: '100' }
  for (const [index, node] of nodes.entries()) await send(node, 'ChangeStandingOrder', wallets[index]!, { order })
  await send(nodes[2]!, 'ChangeStandingOrder', wallets[2]!, { order: null })
  const airdrop = await releasedAirdrop(
    nodes.map((node, index) => [node, wallets[index]!] as const),
    story,
    campaignRules.budget,
  )
  await airdrop.credit()
  const txid = sha256('one transaction')
  const withdrawals = nodes.slice(0, 2).map((node, index) => {
    const walletId = wallets[index]!
    const source = `airdrop:${airdrop.campaignId}:allotment:${nodeIdOf(node.publicKey)}`
    return { walletId, withdrawalId: ownIdOf(walletId, source) }
  })
  for (const { walletId, withdrawalId } of withdrawals)
    await send(chain, 'RecordWithdrawalTransaction', walletId, { withdrawalId, attempt: 1, txid, fee: '20' })
  for (const { walletId, withdrawalId } of withdrawals)
    await send(chain, 'ConfirmWithdrawal', walletId, { withdrawalId, txid, blockHash: sha256('block'), height: 7 })
  return airdrop
}

if (import.meta.main)
  for (const event of await (await tellFrozenStandingOrder()).log()) process.stdout.write(`${canonicalEvent(event)}\n`)
