import { createPublicKey } from 'node:crypto'
import { verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { leafHash } from '../../domain/merkle.ts'
import {
  checkpointText,
  keyHintOf,
  NoteInvalid,
  openCheckpoint,
  originOf,
  readCheckpoint,
  readNote,
  readVerifierKey,
  signedNote,
  verifierKeyOf,
} from '../../domain/signed-note.ts'

const notes = suite('signed notes')

const origin = originOf('0190a000-0000-7000-8000-000000000000')
const key = signerFrom(generateSeed())
const checkpoint = { origin, size: 12_345, root: leafHash('a') }
const signed = (signer = key) => {
  const text = checkpointText(checkpoint)
  return signedNote(text, origin, signer.publicKey, signer.sign(Buffer.from(text)))
}

/** The example of C2SP signed-note's specification, by golang.org/x/mod/sumdb/note. */
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const goNote =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

notes('a checkpoint that was signed is read as it was, and verifies', async () => {
  assert.equal(await openCheckpoint(signed(), origin, key.publicKey, verifySignature), checkpoint)
  assert.equal(readVerifierKey(verifierKeyOf(origin, key.publicKey)), { name: origin, publicKey: key.publicKey })
})

notes('an implementation that is not ours accepts it', () => {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.publicKey }, format: 'jwk' })
  const tlog = { logID: keyHintOf(origin, key.publicKey), publicKey, baseURL: origin }
  const entry = { inclusionProof: { checkpoint: { envelope: signed() } } }
  const read = verifyCheckpoint(entry as never, [tlog as never])
  assert.is(read.origin, origin)
  assert.is(read.logSize, 12_345n)
  assert.ok(read.logHash.equals(checkpoint.root))
})

notes("Go's own note verifies with Go's own key", async () => {
  const { name, publicKey } = readVerifierKey(goKey)
  const { text, signatures } = readNote(goNote)
  assert.is(signatures[0]!.name, name)
  assert.ok(signatures[0]!.keyHint.equals(keyHintOf(name, publicKey)))
  assert.ok(await verifySignature(publicKey, Buffer.from(text), signatures[0]!.signature.toString('base64url')))
})

notes('signatures of others are let be, one of ours that does not hold is not', async () => {
  const other = signerFrom(generateSeed())
  const [text, line] = signed().split('\n\n') as [string, string]
  const witnessed = `${text}\n\n${signed(other).split('\n\n')[1]}${line}`
  assert.equal(await openCheckpoint(witnessed, origin, key.publicKey, verifySignature), checkpoint)
  const forged = signedNote(checkpointText(checkpoint), origin, key.publicKey, other.sign(Buffer.from(checkpointText(checkpoint))))
  const bad: [string, string, RegExp][] = [
    [signed(other), origin, /not signed by/],
    [forged, origin, /does not hold/],
    [signed().replace('12345', '12346'), origin, /does not hold/],
    [signed(), `${origin}0`, /is of duxnet/],
    [signed().slice(0, -1), origin, /no signed note/],
    ['', origin, /no signed note/],
    [signed().replace('— ', '- '), origin, /no signature/],
    [`${'x'.repeat(20_000)}\n\n— a aaaaaaaa\n`, origin, /no signed note/],
  ]
  for (const [note, wanted, why] of bad)
    await openCheckpoint(note, wanted, key.publicKey, verifySignature).then(
      () => assert.unreachable(note),
      (error) => {
        assert.instance(error, NoteInvalid)
        assert.match(error.message, why)
      },
    )
})

notes('what is no checkpoint or no key is refused', () => {
  for (const text of [
    '',
    'a\n',
    'a\n01\nAAAA\n',
    'a\n-1\n',
    `a\n9007199254740993\n${checkpoint.root.toString('base64')}\n`,
    'a\n1\nAAAA\n',
  ])
    assert.throws(() => readCheckpoint(text), /no checkpoint/)
  const good = verifierKeyOf(origin, key.publicKey)
  for (const text of ['', 'a', good.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), good.slice(0, -1), `${good}x`])
    assert.throws(() => readVerifierKey(text))
})

notes.run()
