import type { ChainAnchor } from '../ports.ts'
import { type ChainDeps, say } from './chain.ts'

const pageSize = 200
const reason = 'reorganised'

/**
 * Takes back what the log says of blocks that are no longer the chain's. A block's hash stands for all blocks below it, so looking begins
 * at the highest and ends at the first that is still there. Throws when one cannot be taken back: newer ones must not be added above it.
 * False when it has to be asked again, once the to-do list knows what was taken back.
 */
export async function undoReorganised(deps: ChainDeps): Promise<boolean> {
  const { chain, work } = deps
  const anchors = await work.anchors(pageSize)
  const heights = [...new Set(anchors.map(({ block }) => block.height))]
  const hashes = await chain.blockHashes(heights)
  const hashAt = new Map(heights.map((height, index) => [height, hashes[index]]))
  const gone = anchors.filter(({ block }) => hashAt.get(block.height) !== block.hash)
  for (const anchor of gone) await undo(deps, anchor)
  return gone.length < anchors.length || anchors.length < pageSize
}

async function undo(deps: ChainDeps, { kind, key, walletId, txid }: ChainAnchor): Promise<void> {
  if (kind === 'deposit') {
    const { vout, credits } = (await deps.work.deposits([key])).get(key)!
    await say(deps, { type: 'ReverseDeposit', subject: walletId, data: { txid, vout, reason }, item: `${key}\n${credits}` })
  } else {
    const [withdrawal] = await deps.work.withdrawalsById([key])
    const data = { withdrawalId: key, txid, reason }
    await say(deps, { type: 'UnconfirmWithdrawal', subject: walletId, data, item: `${key}\n${withdrawal!.confirms}` })
  }
  deps.reached?.('block undone')
}
