import { hash } from 'node:crypto'

/** Hash of one log entry (RFC 6962 §2.1): SHA-256 of 0x00 and the canonical event's UTF-8. */
export function leafHash(canonicalText: string): Buffer {
  // In one go, where the character U+0000 is the byte 0x00: half the time of a hash that is fed in parts.
  return hash('sha256', `\0${canonicalText}`, 'buffer')
}

/** A Merkle tree that only grows, reduced to what its root needs: the roots of its perfect subtrees, largest first. */
export interface MerkleFrontier {
  readonly size: number
  readonly subtrees: readonly Buffer[]
}

export const emptyTree: MerkleFrontier = { size: 0, subtrees: [] }

/** The tree with one leaf more. */
export function appendLeaf({ size, subtrees }: MerkleFrontier, leaf: Buffer): MerkleFrontier {
  const kept = subtrees.slice()
  let node = leaf
  for (let rest = size; rest & 1; rest = Math.floor(rest / 2)) node = nodeHash(kept.pop()!, node)
  kept.push(node)
  return { size: size + 1, subtrees: kept }
}

/** The Merkle tree hash (RFC 6962 §2.1) of all leaves; of none: SHA-256 of nothing. */
export function rootOf({ subtrees }: MerkleFrontier): Buffer {
  return subtrees.length ? subtrees.reduceRight((right, left) => nodeHash(left, right)) : hash('sha256', '', 'buffer')
}

/** Hash of two neighbours (RFC 6962 §2.1): SHA-256 of 0x01 and both. */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  neighbours.set(left, 1)
  neighbours.set(right, 33)
  return hash('sha256', neighbours, 'buffer')
}

/** Behind the prefix, both; used by one hash at a time. */
const neighbours = Buffer.alloc(65)
neighbours[0] = 1

/** Hash of the perfect subtree over the leaves from `index · 2^height` to before `(index + 1) · 2^height`. */
export interface MerkleNode {
  readonly height: number
  readonly index: number
  readonly hash: Buffer
}

/** The perfect subtrees, smallest first, that one leaf more completes. */
export function completedBy({ size, subtrees }: MerkleFrontier, leaf: Buffer): MerkleNode[] {
  const completed: MerkleNode[] = []
  let node = leaf
  let index = size
  for (let height = 0; index % 2 === 1; ) {
    node = nodeHash(subtrees[subtrees.length - 1 - height]!, node)
    index = Math.floor(index / 2)
    height += 1
    completed.push({ height, index, hash: node })
  }
  return completed
}

/** Looks up the hash of a perfect subtree of the log; height 0 are the leaves. */
export type NodeAt = (height: number, index: number) => Promise<Buffer>

/** The frontier of the first `size` leaves. */
export async function frontierAt(nodeAt: NodeAt, size: number): Promise<MerkleFrontier> {
  const nodes: Promise<Buffer>[] = []
  let from = 0
  while (from < size) {
    const width = powerBelow(size - from + 1)
    nodes.push(nodeAt(Math.log2(width), from / width))
    from += width
  }
  return { size, subtrees: await Promise.all(nodes) }
}

/** That leaf `index` is in the tree of the first `size` leaves (RFC 6962 §2.1.1), nearest first. Throws `RangeError` where it is not. */
export function inclusionProof(nodeAt: NodeAt, index: number, size: number): Promise<Buffer[]> {
  if (index < 0 || index >= size) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`)
  return Promise.all(pathTo(nodeAt, index, 0, size))
}

function pathTo(nodeAt: NodeAt, leaf: number, from: number, to: number): Promise<Buffer>[] {
  if (to - from === 1) return []
  const middle = from + powerBelow(to - from)
  return leaf < middle
    ? [...pathTo(nodeAt, leaf, from, middle), rangeHash(nodeAt, middle, to)]
    : [...pathTo(nodeAt, leaf, middle, to), rangeHash(nodeAt, from, middle)]
}

/** That the tree of the first `size` leaves begins with that of the first `before` (RFC 6962 §2.1.2). Throws `RangeError` for sizes out of order. */
export function consistencyProof(nodeAt: NodeAt, before: number, size: number): Promise<Buffer[]> {
  if (before < 0 || before > size) throw new RangeError(`a tree of ${size} leaves has none of ${before} before it`)
  return Promise.all(before === 0 || before === size ? [] : subproof(nodeAt, before, 0, size, true))
}

function subproof(nodeAt: NodeAt, before: number, from: number, to: number, isWhole: boolean): Promise<Buffer>[] {
  if (before === to) return isWhole ? [] : [rangeHash(nodeAt, from, to)]
  const middle = from + powerBelow(to - from)
  return before <= middle
    ? [...subproof(nodeAt, before, from, middle, isWhole), rangeHash(nodeAt, middle, to)]
    : [...subproof(nodeAt, before, middle, to, false), rangeHash(nodeAt, from, middle)]
}

async function rangeHash(nodeAt: NodeAt, from: number, to: number): Promise<Buffer> {
  const width = powerBelow(to - from)
  if (width * 2 === to - from || to - from === 1) return nodeAt(Math.log2(to - from), from / (to - from))
  const [left, right] = await Promise.all([rangeHash(nodeAt, from, from + width), rangeHash(nodeAt, from + width, to)])
  return nodeHash(left, right)
}

/** The largest power of two that is less than `count`; 1 for 1. */
function powerBelow(count: number): number {
  return count <= 2 ? 1 : 2 ** Math.floor(Math.log2(count - 1))
}

/** The root to which an inclusion proof leads (RFC 9162 §2.1.3.2); undefined for one that has too few or too many hashes. */
export function rootByInclusion(leaf: Buffer, index: number, size: number, proof: readonly Buffer[]): Buffer | undefined {
  if (index < 0 || index >= size) return undefined
  let [node, position, last] = [leaf, index, size - 1]
  for (const sibling of proof) {
    if (last === 0) return undefined
    if (position % 2 === 1 || position === last) {
      node = nodeHash(sibling, node)
      while (position % 2 === 0 && position !== 0) [position, last] = [Math.floor(position / 2), Math.floor(last / 2)]
    } else node = nodeHash(node, sibling)
    ;[position, last] = [Math.floor(position / 2), Math.floor(last / 2)]
  }
  return last === 0 ? node : undefined
}

/** Whether `proof` shows that the tree of `size` leaves with `root` begins with that of `before` leaves with `rootBefore` (RFC 9162 §2.1.4.2). */
export function isConsistent(
  { size: before, root: rootBefore }: TreeHead,
  { size, root }: TreeHead,
  proof: readonly Buffer[],
): boolean {
  if (before > size) return false
  if (before === size) return proof.length === 0 && rootBefore.equals(root)
  if (before === 0) return proof.length === 0
  // A perfect tree is its own first node, which a proof leaves out.
  const [first, ...rest] = before === 2 ** Math.round(Math.log2(before)) ? [rootBefore, ...proof] : proof
  if (!first) return false
  let [position, last] = [before - 1, size - 1]
  while (position % 2 === 1) [position, last] = [Math.floor(position / 2), Math.floor(last / 2)]
  let [old, now] = [first, first]
  for (const node of rest) {
    if (last === 0) return false
    if (position % 2 === 1 || position === last) {
      old = nodeHash(node, old)
      now = nodeHash(node, now)
      while (position % 2 === 0 && position !== 0) [position, last] = [Math.floor(position / 2), Math.floor(last / 2)]
    } else now = nodeHash(now, node)
    ;[position, last] = [Math.floor(position / 2), Math.floor(last / 2)]
  }
  return last === 0 && old.equals(rootBefore) && now.equals(root)
}

/** A tree, as far as its root tells. */
export interface TreeHead {
  readonly size: number
  readonly root: Buffer
}
