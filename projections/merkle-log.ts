// The Merkle tree over the log (design.md 23), as far as the leaves, which are in event-log, do not tell it themselves.
import { appendLeaf, completedBy, emptyTree, type MerkleFrontier } from '../domain/merkle.ts'
import { entryOf } from './event-log.ts'
import { journal, keyed, type Projection, type TableRow } from './projection.ts'

/** A tile has the hashes of 2^8 subtrees (C2SP tlog-tiles). */
export const tileHeight = 8
export const tileWidth = 2 ** tileHeight

/** What the tree's root and its next leaf need. */
const logTree = keyed({
  columns: {
    /** There is one: `log`. */
    name: 'text',
    size: 'integer',
    /** Roots of the perfect subtrees, largest first, 32 bytes each. */
    subtrees: 'bytes',
  },
  key: 'name',
  keys: () => ['log'],
  evolve(row, fact, name) {
    const tree = appendLeaf(frontierOf(row), entryOf(fact).leaf)
    const after = { name, size: tree.size, subtrees: Buffer.concat(tree.subtrees) }
    frontiers.set(after, tree)
    return after
  },
})

/** The tree that a row holds. */
export function frontierOf(row: { readonly size: number; readonly subtrees: Buffer } | null): MerkleFrontier {
  if (!row) return emptyTree
  const known = frontiers.get(row)
  if (known) return known
  const { size, subtrees } = row
  return { size, subtrees: Array.from({ length: subtrees.length / 32 }, (_, n) => subtrees.subarray(n * 32, (n + 1) * 32)) }
}

/** Of rows that were made here: taking one apart takes as long as adding a leaf to it. */
const frontiers = new WeakMap<object, MerkleFrontier>()

/** Roots of tiles: whoever proves something reads these, and not all leaves. */
const logHashes = journal({
  of: logTree,
  columns: {
    /** 1: of 256 leaves; 2: of 256 of those. */
    level: 'integer',
    index: 'integer',
    hash: 'bytes',
  },
  key: ['level', 'index'],
  entries(fact, _after, before) {
    if ((fact.index + 1) % tileWidth !== 0) return []
    return completedBy(frontierOf(before), entryOf(fact).leaf)
      .filter(({ height }) => height % tileHeight === 0)
      .map(({ height, index, hash }) => ({ level: height / tileHeight, index, hash }))
  },
})

export type LogTreeRow = TableRow<typeof logTree>
export type LogHashRow = TableRow<typeof logHashes>

export const merkleLog = { name: 'merkle-log', version: 1, tables: { logTree, logHashes } } satisfies Projection
