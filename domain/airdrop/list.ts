// What an airdrop's result is made of: the list (who gets how much), the leaves of its Merkle tree, and the report (why). Each has one spelling.
import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../canonical.ts'
import type { Judged } from './allotment.ts'
import type { WindowIndexes } from './eligibility.ts'
import type { Allotment } from './events.ts'
import type { CampaignRules } from './rules.ts'

/** Whose list it is: without the network and the campaign in its leaves, a proof of one list would hold in another. */
export interface ListOrigin {
  readonly networkId: string
  readonly campaignId: string
}

/** The lines of a list, in the order of node ids: RFC 8785 texts `{amount,nodeId}`. Its digest is of these, a line feed behind each. */
export function listText(allotments: readonly Allotment[]): string {
  return allotments.map(({ nodeId, amount }) => `${canonicalJson({ amount, nodeId })}\n`).join('')
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** ABI types of a leaf's values; OpenZeppelin's standard tree hashes their encoding twice with Keccak-256. */
export const leafTypes = ['string', 'string', 'string', 'string', 'uint256']
const domainSeparator = 'duxnet-airdrop-v1'

/** The values of a node's leaf, of the types `leafTypes`. */
export function leafOf({ networkId, campaignId }: ListOrigin, { nodeId, amount }: Allotment): string[] {
  return [domainSeparator, networkId, campaignId, nodeId, amount]
}

/** What follows from a list alone, and takes no time. */
export function summaryOf(allotments: readonly Allotment[]) {
  return {
    allotted: allotments.length,
    amount: String(allotments.reduce((sum, { amount }) => sum + BigInt(amount), 0n)),
    listDigest: sha256Hex(listText(allotments)),
  }
}

/** What nodes get, as lists and events hold it. */
export function allotmentsOf(judged: readonly Judged[]): readonly Allotment[] {
  return judged.flatMap(({ standing: { nodeId }, amount }) => (amount > 0n ? [{ nodeId, amount: String(amount) }] : []))
}

export interface Reported extends ListOrigin, WindowIndexes {
  readonly rules: CampaignRules
  readonly judged: readonly Judged[]
}

/** The report: a header, a line for every node that was looked at, in the order of their ids, and a trailer. RFC 8785, line by line. */
export function* reportLines({ networkId, campaignId, rules, fromIndex, toIndex, judged }: Reported): Generator<string> {
  yield line({ format: 'duxnet-airdrop-report-v1', networkId, campaignId, rules, window: { fromIndex, toIndex } })
  for (const node of judged) yield line(reportedNode(node))
  const allotments = allotmentsOf(judged)
  const amount = allotments.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  yield line({ considered: judged.length, allotted: allotments.length, amount: String(amount) })
}

/** A node as the report has it; amounts, weights and work as decimal text. */
export function reportedNode({ standing, reasons, weight, amount }: Judged) {
  const { work, ...figures } = standing
  return { ...figures, work: String(work), reasons: [...reasons], weight: String(weight), amount: String(amount) }
}

const line = (value: Json) => `${canonicalJson(value)}\n`
