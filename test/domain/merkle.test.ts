import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
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

merkle.run()
