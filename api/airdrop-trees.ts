import type { Allotment } from '../domain/airdrop/events.ts'
import type { ListOrigin } from '../domain/airdrop/list.ts'

/** A published list with its Merkle tree. */
export interface ListWithTree {
  readonly allotments: ReadonlyMap<string, Allotment>
  proofOf(nodeId: string): readonly string[]
}

/** Lists are published once and never change, and a tree takes a second to make for ten thousand nodes. */
const trees = new Map<string, Promise<ListWithTree>>()
const treesMax = 8

/** The list of a digest; `read` where it is not kept. */
export function treeOf(listDigest: string, origin: ListOrigin, read: () => Promise<readonly Allotment[]>): Promise<ListWithTree> {
  const known = trees.get(listDigest)
  if (known) return known
  const made = read().then((allotments) => grow(origin, allotments))
  trees.set(listDigest, made)
  made.catch(() => trees.delete(listDigest))
  for (const oldest of trees.keys()) if (trees.size > treesMax) trees.delete(oldest)
  return made
}

async function grow(origin: ListOrigin, allotments: readonly Allotment[]): Promise<ListWithTree> {
  const { listTree } = await import('../domain/airdrop/tree.ts')
  const tree = listTree(origin, allotments)
  const places = new Map(allotments.map(({ nodeId }, index) => [nodeId, index]))
  return {
    allotments: new Map(allotments.map((allotment) => [allotment.nodeId, allotment])),
    proofOf: (nodeId) => tree!.getProof(places.get(nodeId)!),
  }
}
