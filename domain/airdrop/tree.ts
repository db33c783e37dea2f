// Apart from the list, for the library takes a tenth of a second to load: only what makes or checks a root needs it.
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Allotment } from './events.ts'
import { type ListOrigin, leafOf, leafTypes } from './list.ts'

/** The list as a Merkle tree in OpenZeppelin's standard format; undefined of an empty list. */
export function listTree(origin: ListOrigin, allotments: readonly Allotment[]): StandardMerkleTree<string[]> | undefined {
  if (!allotments.length) return undefined
  return StandardMerkleTree.of(
    allotments.map((allotment) => leafOf(origin, allotment)),
    leafTypes,
  )
}
