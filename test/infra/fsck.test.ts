import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { cosignedBytes } from '../../domain/cosignature.ts'
import { type CanonicalEvent, canonicalEvent } from '../../domain/event.ts'
import { appendLeaf, consistencyProof, emptyTree, leafHash, type NodeAt, rootOf } from '../../domain/merkle.ts'
import { checkpointText, keyHintOf, type NoteKey, originOf, signedNote } from '../../domain/signed-note.ts'
import { type Attestation, ExportDamaged, exportLines, linesOf } from '../../infra/cli/export-format.ts'
import { fsck } from '../../infra/cli/fsck.ts'
import { keyOf } from '../support/money-world.ts'
import { isLong, randomFrom, seed } from '../support/random.ts'

const test = suite(`audit fsck (seed ${seed})`)

/** A real log: every kind of money event, signed and decided. */
const log: readonly CanonicalEvent[] = readFileSync(new URL('../frozen/log.v2.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
const { networkId } = log[0]!.data as { networkId: string }
const origin = originOf(networkId)
const key = { name: origin, publicKey: keyOf('log').publicKey }
const leaves = log.map((event) => leafHash(canonicalEvent(event)))
const nodes: NodeAt = async (height, index) =>
  rootOf(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height).reduce(appendLeaf, emptyTree))

/** Signs the whole log, of which what is exported is the beginning. */
async function attest({ size }: { size: number }, signer = keyOf('log'), of = leaves): Promise<Attestation> {
  const text = checkpointText({ origin, size: of.length, root: rootOf(of.reduce(appendLeaf, emptyTree)) })
  const checkpoint = signedNote(text, origin, signer.publicKey, signer.sign(Buffer.from(text)))
  return { checkpoint, proof: (await consistencyProof(nodes, size, of.length)).map((hash) => hash.toString('hex')) }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function exported(options: Partial<Parameters<typeof exportLines>[1]> = {}, events = log): Promise<string> {
  let text = ''
  for await (const line of exportLines(each(events), { networkId, attest, ...options })) text += line
  return text
}

const check = (bytes: Buffer, pinned: typeof key | undefined = key, witnesses: readonly NoteKey[] = []) =>
  fsck(linesOf(Readable.from([bytes]).setEncoding('utf8')), { verify: verifySignature, key: pinned, witnesses })

async function damage(bytes: Buffer, pinned?: typeof key): Promise<ExportDamaged> {
  try {
    await check(bytes, pinned)
  } catch (error) {
    assert.instance(error, ExportDamaged, (error as Error).stack)
    return error as ExportDamaged
  }
  throw new Error('the damage was not found')
}

test('a good export says who signed it and what was checked', async () => {
  const { signed, ...report } = await check(Buffer.from(await exported()))
  assert.equal([report.networkId, report.first, report.last, signed!.size, signed!.isPinned], [networkId, 0, 99, 100, true])
  assert.is(report.rules!.escrow, 1)
  const earlier = await check(Buffer.from(await exported({ to: 41 })))
  assert.equal([earlier.last, earlier.signed!.size], [41, 100])
  const part = await check(Buffer.from(await exported({ from: 20, to: 30 })))
  assert.equal([part.first, part.last, part.signed!.size, part.rules], [20, 30, 100, undefined])
})

test('without a key the one that the log names counts, and nobody need have signed', async () => {
  const good = Buffer.from(await exported())
  assert.is((await fsck(linesOf(Readable.from([good]).setEncoding('utf8')), { verify: verifySignature })).signed!.isPinned, false)
  const text = await exported({ attest: async () => undefined })
  assert.is((await fsck(linesOf(Readable.from([text])), { verify: verifySignature })).signed, undefined)
  assert.match((await damage(Buffer.from(text))).message, /nobody has signed/)
})

test('a witness that is asked for must have cosigned, and is told with its time', async () => {
  const witness = signerFrom(generateSeed())
  const known = { name: 'witness.example', publicKey: witness.publicKey }
  const cosigned = async (head: { size: number }): Promise<Attestation> => {
    const { checkpoint, proof } = await attest(head)
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(1_700_000_000n)
    const text = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1)
    const signature = Buffer.from(witness.sign(cosignedBytes(text, 1_700_000_000n)), 'base64url')
    const line = Buffer.concat([keyHintOf(known.name, known.publicKey, 4), time, signature]).toString('base64')
    return { checkpoint: `${checkpoint}— ${known.name} ${line}\n`, proof }
  }
  const { signed } = await check(Buffer.from(await exported({ attest: cosigned })), key, [known])
  assert.equal(signed!.cosigned, [{ witness: 'witness.example', at: '2023-11-14T22:13:20.000Z' }])
  const without = check(Buffer.from(await exported()), key, [known])
  assert.match(String(await without.catch((error) => error)), /line 102: the checkpoint is not cosigned by witness\.example/)
  const unsigned = check(Buffer.from(await exported({ attest: async () => undefined })), undefined, [known])
  assert.match(String(await unsigned.catch((error) => error)), /nobody has signed this export, and/)
})

test('another signer, another log and another proof are refused', async () => {
  const thief = signerFrom(generateSeed())
  assert.match((await damage(Buffer.from(await exported({ attest: (head) => attest(head, thief) })))).message, /not signed by/)
  const other = { name: originOf('00000000-0000-4000-8000-000000000000'), publicKey: key.publicKey }
  assert.match((await damage(Buffer.from(await exported()), other)).message, /the log is duxnet/)
  const forked = [...leaves.slice(0, 50), leafHash('another event'), ...leaves.slice(51)]
  const text = await exported({ to: 80, attest: (head) => attest(head, keyOf('log'), forked) })
  assert.match((await damage(Buffer.from(text))).message, /does not begin with these events/)
})

test('an event that nobody decided is found though every hash is made anew', async () => {
  // What the server adds is not signed: only the decision, made again, gives it away.
  const at = log.findIndex(({ type }) => type === 'HoldPlaced')
  const forged = log.map((event, n) => (n === at ? { ...event, data: { ...(event.data as object), amount: '1' } } : event))
  const { line, message } = await damage(Buffer.from(await exported({ attest: async () => undefined }, forged)))
  assert.is(line, at + 2)
  assert.match(message, /HoldPlaced .*is decided otherwise/)
})

test('any flipped bit, and any line that is gone, moved, doubled or put in, is found where it is', async () => {
  const random = randomFrom(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const text = await exported()
  const good = Buffer.from(text)
  const lines = text.trimEnd().split('\n')
  const joined = (changed: readonly string[]) => Buffer.from(`${changed.join('\n')}\n`)
  const lineAt = (at: number) => good.subarray(0, at).toString('latin1').split('\n').length
  const damages: readonly (() => [Buffer, number, string])[] = [
    () => {
      const [at, bit] = [upTo(good.length), upTo(8)]
      const flipped = Buffer.from(good)
      flipped[at]! ^= 1 << bit
      return [flipped, lineAt(at), `bit ${bit} of byte ${at}`]
    },
    () => {
      const n = upTo(lines.length)
      return [joined(lines.toSpliced(n, 1)), n + 1, `without line ${n + 1}`]
    },
    () => {
      const n = upTo(lines.length - 1)
      const m = n + 1 + upTo(lines.length - n - 1)
      return [joined(lines.with(n, lines[m]!).with(m, lines[n]!)), n + 1, `lines ${n + 1} and ${m + 1} swapped`]
    },
    () => {
      const [n, m] = [upTo(lines.length), upTo(lines.length + 1)]
      // Before itself it is the same as behind itself.
      return [joined(lines.toSpliced(m, 0, lines[n]!)), m === n ? m + 2 : m + 1, `line ${n + 1} again as line ${m + 1}`]
    },
  ]
  for (let n = 0; n < (isLong ? 10_000 : 120); n++) {
    const [bytes, expected, what] = damages[n % damages.length]!()
    const { line, message } = await damage(bytes)
    assert.is(line, expected, `${what}: ${message}`)
  }
})

test.run()
