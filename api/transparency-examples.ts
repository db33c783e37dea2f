import { appendLeaf, emptyTree, leafHash, rootOf } from '../domain/merkle.ts'
import { checkpointText, originOf, signedNote, verifierKeyOf } from '../domain/signed-note.ts'
import { signerOf } from './example-signers.ts'
import { example } from './examples.ts'

// A log of two events, so that its proofs can be checked by hand.
const { networkId } = example.network
const [before, leaf] = [leafHash('the event before'), Buffer.from(example.event.leaf, 'hex')]
const one = appendLeaf(emptyTree, before)
const [size, root] = [2, rootOf(appendLeaf(one, leaf))]
const [origin, signer] = [originOf(networkId), signerOf('log')]
const text = checkpointText({ origin, size, root })
const checkpoint = signedNote(text, origin, signer.publicKey, signer.sign(Buffer.from(text)))

export const transparencyExamples = {
  logHead: {
    origin,
    verifierKey: verifierKeyOf(origin, signer.publicKey),
    size,
    root: root.toString('hex'),
    signs: true,
    checkpoint,
  },
  inclusionProof: {
    index: 1,
    leaf: leaf.toString('hex'),
    size,
    root: root.toString('hex'),
    proof: [before.toString('hex')],
    checkpoint,
  },
  consistencyProof: {
    from: { size: 1, root: before.toString('hex') },
    to: { size, root: root.toString('hex') },
    proof: [leaf.toString('hex')],
    checkpoint,
  },
} as const
