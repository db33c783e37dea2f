// Checkpoints that witnesses cosign: the real requests to a witness of its own, and what an auditor makes of the notes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { witnessAt } from '../../adapters/witnesses/http.ts'
import { createCosigning } from '../../commands/processes/cosigning.ts'
import { createLogSigner } from '../../commands/processes/log-signer.ts'
import { cosignedBy, openCosignature, readWitnessKey } from '../../domain/cosignature.ts'
import { appendLeaf, emptyTree, leafHash, type NodeAt, rootOf } from '../../domain/merkle.ts'
import { checkpointIn, NoteInvalid, openCheckpoint, readNote, verifierKeyOf } from '../../domain/signed-note.ts'
import { loadConfig } from '../../infra/config.ts'
import { startWitness, type TestWitness } from '../support/witness.ts'

const witnesses = suite<{ one: TestWitness; other: TestWitness; log: ReturnType<typeof testLog> }>('witnesses')
const origin = 'duxnet/a-log-of-the-tests'
const key = signerFrom(generateSeed())

/** A log that is signed when asked, and shown to witnesses. */
function testLog(seen: readonly TestWitness[]) {
  const texts: string[] = []
  const kept: string[] = []
  const errors: string[] = []
  let now = 0
  const treeOf = (some: readonly string[]) => some.map(leafHash).reduce(appendLeaf, emptyTree)
  const nodes = (): NodeAt => async (height, index) => rootOf(treeOf(texts.slice(index * 2 ** height, (index + 1) * 2 ** height)))
  const cosign = createCosigning({
    witnesses: seen.map(({ verifierKey, url }) => ({ key: readWitnessKey(verifierKey), submit: witnessAt(url) })),
    nodes,
    verify: verifySignature,
    clock: () => now,
    onError: ({ message }) => errors.push(message),
  })
  const start = () => {
    let stop = new AbortController()
    const signer = createLogSigner({
      origin,
      signer: key,
      verify: verifySignature,
      log: { tree: async () => treeOf(texts), nodes, textsFrom: async (from) => texts.slice(from) },
      notes: { last: () => kept.at(-1), keep: async (note) => void kept.push(note) },
      cosign,
      sleep: async () => stop.abort(),
      onError: (error) => {
        throw error
      },
    })
    return async () => {
      stop = new AbortController()
      await signer.run(stop.signal)
      return signer.checkpoint()!
    }
  }
  return {
    errors,
    kept,
    start,
    sign: start(),
    grow: (events: number) => void texts.push(...Array.from({ length: events }, (_, n) => `event ${texts.length + n}`)),
    wait: (ms: number) => void (now += ms),
  }
}

witnesses.before.each(async (context) => {
  context.one = await startWitness('witness.example/one', origin, key.publicKey)
  context.other = await startWitness('other.example', origin, key.publicKey)
  context.log = testLog([context.one, context.other])
})
witnesses.after.each(async ({ one, other }) => {
  await one.close()
  await other.close()
})

const keysOf = (...all: TestWitness[]) => all.map(({ verifierKey }) => readWitnessKey(verifierKey))
const names = (note: string) => readNote(note).signatures.map(({ name }) => name)

witnesses(
  'cosign each checkpoint that goes on from the last, and an auditor sees by whom and when',
  async ({ one, other, log }) => {
    for (const events of [3, 1, 250, 7]) {
      log.grow(events)
      const note = await log.sign()
      assert.equal(names(note), [origin, one.name, other.name])
      const cosigned = await cosignedBy(note, keysOf(one, other), verifySignature)
      assert.equal(
        cosigned.map(({ witness }) => witness),
        [one.name, other.name],
      )
      for (const { at } of cosigned) assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000)
      const { size } = await openCheckpoint(note, origin, key.publicKey, verifySignature)
      assert.is(one.last.size, size)
      assert.is(log.kept.at(-1), note, 'it has its cosignatures after a start, too')
    }
    assert.equal(one.answered, [200, 200, 200, 200])
  },
)

witnesses('that saw more than a new process knows of say so, and are shown the way from there', async ({ one, other, log }) => {
  log.grow(10)
  await log.sign()
  log.grow(20)
  const again = testLog([one, other])
  again.grow(30)
  const note = await again.sign()
  assert.equal(names(note), [origin, one.name, other.name])
  assert.equal(one.answered, [200, 409, 200])
})

witnesses(
  'never cosign a log that does not go on from what they saw: one that was replaced shows itself',
  async ({ one, other, log }) => {
    log.grow(10)
    await log.sign()
    const shorter = testLog([one, other])
    shorter.grow(5)
    assert.equal(names(await shorter.sign()), [origin])
    assert.match(shorter.errors[0]!, /has cosigned 10 events, and cannot be shown that these 5 go on from there/)
    one.last = { size: 10, root: leafHash('another log') }
    log.grow(1)
    assert.equal(names(await log.sign()), [origin, other.name])
    assert.match(log.errors[0]!, /witness\.example\/one: has answered 422: not consistent/)
  },
)

witnesses('that are away, slow or wrong keep nobody waiting, and are asked again later', async ({ one, other, log }) => {
  const faults: NonNullable<TestWitness['fault']>[] = [
    () => ({ status: 500, text: 'broken' }),
    () => ({ status: 200, text: 'no signature\n' }),
    () => ({ status: 200, text: `— ${one.name} ${Buffer.alloc(76, 1).toString('base64')}\n` }),
    () => ({ status: 200, text: `— stranger.example ${Buffer.alloc(76, 1).toString('base64')}\n` }),
    () => ({ status: 200, text: 'x'.repeat(100_000) }),
    () => ({ status: 409, text: 'many\n' }),
    () => 'silence',
  ]
  for (const fault of faults) {
    one.fault = fault
    log.grow(1)
    assert.equal(names(await log.sign()), [origin, other.name])
    assert.ok(log.errors.at(-1)!.startsWith(`${one.name}: `), log.errors.at(-1))
    one.fault = undefined
    log.grow(1)
    assert.equal(names(await log.sign()), [origin, other.name], 'it is left alone for a while')
    log.wait(30_000)
    log.grow(1)
    assert.equal(names(await log.sign()), [origin, one.name, other.name])
  }
  assert.is(log.errors.length, faults.length)
})

witnesses('a cosignature of another text, key or time does not hold', async ({ one, other, log }) => {
  log.grow(3)
  const note = await log.sign()
  const [witness] = keysOf(one) as [ReturnType<typeof readWitnessKey>]
  const refused = async (changed: string, why: RegExp) => {
    const error = await cosignedBy(changed, keysOf(one, other), verifySignature).catch((error: unknown) => error)
    assert.instance(error, NoteInvalid)
    assert.match((error as Error).message, why)
  }
  await refused(note.replace('\n3\n', '\n4\n'), /does not hold/)
  const own = readNote(note).signatures[1]!
  const later = Buffer.concat([own.keyHint, own.signature])
  later[11]! ^= 1
  const line = Buffer.concat([own.keyHint, own.signature]).toString('base64')
  await refused(note.replace(line, later.toString('base64')), /does not hold/)
  await refused(note.replace(line, later.subarray(0, 40).toString('base64')), /has no time/)
  await refused(note.replace(`— ${one.name} ${line}\n`, ''), /is not cosigned by witness\.example\/one/)
  assert.is(await openCosignature(note, { ...witness, name: 'somebody.else' }, verifySignature), undefined)
})

witnesses('keys and cosignatures are those of others', () => {
  // A key of a witness that works (its name as in transparency-dev/formats' tests), and the example of C2SP tlog-cosignature.
  const remora = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'
  assert.is(readWitnessKey(remora).name, 'remora.n621.de')
  assert.throws(() => readWitnessKey(remora.replace('da77ade7', 'da77ade8')), /its hash/)
  assert.throws(() => readWitnessKey(verifierKeyOf(origin, key.publicKey)), /of type 4/)
  const example = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`
  assert.is(checkpointIn(example).size, 20_852_163)
  assert.is(readNote(example).signatures[1]!.signature.readBigUInt64BE(), 1_679_315_147n)
})

witnesses('are configured by key and address', ({ one }) => {
  const read = (text: string) => loadConfig({}, { DUXNET_WITNESSES: text }).config.witnesses
  assert.equal(read(`${one.verifierKey}@${one.url}/, ${one.verifierKey}@https://a.example/x`), [
    { key: readWitnessKey(one.verifierKey), url: one.url },
    { key: readWitnessKey(one.verifierKey), url: 'https://a.example/x' },
  ])
  for (const bad of [
    one.verifierKey,
    `${one.verifierKey}@ftp://x`,
    `x@${one.url}`,
    `${verifierKeyOf('a', key.publicKey)}@${one.url}`,
  ])
    assert.throws(() => read(bad), /DUXNET_WITNESSES/)
})

witnesses.run()
