import { createHash } from 'node:crypto'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import { RFC9162 } from '@transmute/rfc9162'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  appendLeaf,
  completedBy,
  consistencyProof,
  emptyTree,
  frontierAt,
  inclusionProof,
  isConsistent,
  leafHash,
  type NodeAt,
  rootByInclusion,
  rootOf,
} from '../../domain/merkle.ts'
import { property } from '../support/property.ts'

const merkle = suite('merkle')

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** RFC 6962 §2.1 word for word. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

merkle('a leaf is hashed with its prefix', () => {
  assert.equal(leafHash(''), sha256(Buffer.of(0)))
  assert.equal(leafHash('é'), sha256(Buffer.of(0), Buffer.from('é')))
})

merkle('the root of what was appended is the tree hash of all leaves', () => {
  const check = (count: number) => {
    const leaves = Array.from({ length: count }, (_, index) => leafHash(String(index)))
    const tree = leaves.reduce(appendLeaf, emptyTree)
    assert.is(tree.size, count)
    assert.equal(rootOf(tree), treeHash(leaves))
  }
  for (let count = 0; count <= 40; count++) check(count)
  property(fc.property(fc.integer({ min: 41, max: 600 }), check), 20)
})

merkle('appending leaves the smaller tree as it was', () => {
  const small = [leafHash('a'), leafHash('b'), leafHash('c')].reduce(appendLeaf, emptyTree)
  const before = rootOf(small)
  appendLeaf(appendLeaf(small, leafHash('d')), leafHash('e'))
  assert.equal(rootOf(small), before)
})

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leafHash(String(index)))
const nodesOf =
  (leaves: readonly Buffer[]): NodeAt =>
  async (height, index) => {
    const covered = leaves.slice(index * 2 ** height, (index + 1) * 2 ** height)
    assert.is(covered.length, 2 ** height, `node ${index} of height ${height} is complete`)
    return treeHash(covered)
  }

merkle('a leaf more completes the perfect subtrees that end with it', () => {
  const leaves = leavesOf(600)
  let tree = emptyTree
  for (const [at, leaf] of leaves.entries()) {
    const expected = []
    for (let height = 1; (at + 1) % 2 ** height === 0; height++)
      expected.push({ height, index: (at + 1) / 2 ** height - 1, hash: treeHash(leaves.slice(at + 1 - 2 ** height, at + 1)) })
    assert.equal(completedBy(tree, leaf), expected)
    tree = appendLeaf(tree, leaf)
  }
})

merkle('every leaf of every small tree is proved, to us and to two implementations that are not ours', async () => {
  for (let size = 1; size <= 34; size++) {
    const leaves = leavesOf(size)
    const root = treeHash(leaves)
    for (const [index, leaf] of leaves.entries()) {
      const proof = await inclusionProof(nodesOf(leaves), index, size)
      assert.equal(rootByInclusion(leaf, index, size, proof), root)
      // It hashes the entry itself, with the same prefix.
      const entry = {
        inclusionProof: { logIndex: String(index), treeSize: String(size), hashes: proof, rootHash: root },
        canonicalizedBody: Buffer.from(String(index)),
      }
      verifyMerkleInclusion(entry as never, { logSize: BigInt(size), logHash: root } as never)
      const theirs = { log_id: '', tree_size: size, leaf_index: index, inclusion_path: proof.map((hash) => new Uint8Array(hash)) }
      assert.ok(await RFC9162.verifyInclusionProof(new Uint8Array(root), new Uint8Array(leaf), theirs))
      assert.not.equal(rootByInclusion(leaf, index, size, [...proof, root])?.toString('hex'), root.toString('hex'))
      if (proof.length) assert.is(rootByInclusion(leaf, index, size, proof.slice(1)), undefined)
      if (size > 1) assert.not.equal(rootByInclusion(leaf, (index + 1) % size, size, proof)?.toString('hex'), root.toString('hex'))
    }
  }
})

merkle('every small tree is proved to begin with every smaller one', async () => {
  for (let size = 1; size <= 34; size++) {
    const leaves = leavesOf(size)
    const now = { size, root: treeHash(leaves) }
    for (let before = 0; before <= size; before++) {
      const old = { size: before, root: treeHash(leaves.slice(0, before)) }
      const proof = await consistencyProof(nodesOf(leaves), before, size)
      assert.ok(isConsistent(old, now, proof), `${before} of ${size}`)
      assert.equal(rootOf(await frontierAt(nodesOf(leaves), before)), old.root)
      if (before === 0) continue
      const other = { size: before, root: treeHash([...leaves.slice(1, before), leafHash('other')]) }
      assert.not(isConsistent(other, now, proof))
      if (before === size) continue
      assert.not(isConsistent(old, { ...now, root: other.root }, proof))
      assert.not(isConsistent(old, now, proof.slice(1)))
      assert.not(isConsistent(old, now, [...proof, now.root]))
      // Theirs wants the hash that RFC 9162 leaves out of the proof of a perfect tree.
      const path = (Number.isInteger(Math.log2(before)) ? [old.root, ...proof] : proof).map((hash) => new Uint8Array(hash))
      const theirs = { log_id: '', tree_size_1: before, tree_size_2: size, consistency_path: path }
      assert.ok(
        await RFC9162.verifyConsistencyProof(new Uint8Array(old.root), new Uint8Array(now.root), theirs),
        `${before} of ${size}`,
      )
    }
  }
})

merkle('what is not in a tree cannot be asked for', async () => {
  const nodes = nodesOf(leavesOf(5))
  for (const index of [-1, 5]) assert.throws(() => inclusionProof(nodes, index, 5), /RangeError|no leaf/)
  for (const before of [-1, 6]) assert.throws(() => consistencyProof(nodes, before, 5), /none of/)
})

merkle.run()
