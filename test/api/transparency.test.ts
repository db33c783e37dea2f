import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { createLogSigner, LogForked, type NoteKeeper } from '../../commands/processes/log-signer.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { isConsistent, leafHash, rootByInclusion } from '../../domain/merkle.ts'
import { checkpointText, openCheckpoint, originOf, readVerifierKey, signedNote } from '../../domain/signed-note.ts'
import { nodesOf } from '../../projections/merkle-log.query.ts'
import { type Api, newSigner, profile, type ReadSide, startWhole } from './harness.ts'

const log = suite<{ api: Api; readSide: ReadSide; notes: ReturnType<typeof memoryNotes> }>('api/transparency')
const key = signerFrom(generateSeed())
let note: string | undefined

function memoryNotes(): NoteKeeper & { kept: string[] } {
  const kept: string[] = []
  return {
    kept,
    last: () => kept.at(-1),
    async keep(note) {
      kept.push(note)
    },
  }
}

/** Lets a signer of this log sign once; answers what it threw. */
async function signOnce(
  api: Api,
  notes: NoteKeeper,
  change: { texts?: (texts: readonly string[]) => readonly string[]; size?: number } = {},
) {
  const { reads, network } = api
  const errors: Error[] = []
  const stop = new AbortController()
  const signer = createLogSigner({
    origin: originOf(network.networkId),
    signer: key,
    verify: verifySignature,
    log: {
      async tree() {
        const { value } = await reads.logTree()
        return change.size === undefined ? value : { ...value, size: change.size }
      },
      nodes: () => nodesOf(reads),
      async textsFrom(from) {
        const texts = (await reads.logEntries(Math.floor(from / 256))).slice(from % 256)
        return change.texts ? change.texts(texts) : texts
      },
    },
    notes,
    sleep: async () => stop.abort(),
    onError: (error) => errors.push(error),
  })
  await signer.run(stop.signal)
  note = signer.checkpoint()
  return errors
}

/** The canonical texts of the log, and the index of the next. */
async function texts(api: Api): Promise<string[]> {
  const all: string[] = []
  for await (const event of api.store.readAll()) all.push(canonicalEvent(event))
  return all
}

async function grow(api: Api, events: number): Promise<string> {
  const node = newSigner()
  const send = async (...command: Parameters<Api['sign']>) => {
    const reply = await api.post('/v1/commands', api.sign(...command))
    assert.is(reply.status, 201, reply.text)
    return reply.headers.get('duxnet-position')!
  }
  let position = await send(node, 'RegisterNode', node.nodeId, { profile })
  for (let n = 1; n < events; n++)
    position = await send(node, 'UpdateNode', node.nodeId, { profile: { ...profile, cores: 100 + n } })
  return position
}

const bytes = (hex: string) => Buffer.from(hex, 'hex')

log.before(async (context) => {
  Object.assign(context, await startWhole({ checkpoint: () => note }), { notes: memoryNotes() })
  await grow(context.api, 300)
})
log.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

log('each event is proved against the checkpoint that was signed', async ({ api, notes }) => {
  const position = await grow(api, 1)
  await api.get(`/v1/log?after=${position}`)
  assert.equal(await signOnce(api, notes), [])
  const all = await texts(api)
  const origin = originOf(api.network.networkId)
  const { size, root } = await openCheckpoint(
    await (await fetch(`${api.url}/log/checkpoint`)).text(),
    origin,
    key.publicKey,
    verifySignature,
  )
  assert.is(size, all.length)
  for (let index = 0; index < all.length; index += index < 5 || index > 250 ? 1 : 37) {
    const { status, body } = await api.get(`/v1/log/inclusion-proof?index=${index}`)
    assert.is(status, 200)
    assert.equal([body.index, body.size, body.checkpoint], [index, size, note])
    assert.ok(rootByInclusion(leafHash(all[index]!), index, size, body.proof.map(bytes))!.equals(root))
  }
  const small = (await api.get('/v1/log/inclusion-proof?index=3&size=7')).body
  assert.is(small.checkpoint, null)
  assert.ok(rootByInclusion(leafHash(all[3]!), 3, 7, small.proof.map(bytes))!.equals(bytes(small.root)))
})

log('the log begins with what it was', async ({ api, notes }) => {
  const position = await grow(api, 2)
  await api.get(`/v1/log?after=${position}`)
  const before = await openCheckpoint(notes.last()!, originOf(api.network.networkId), key.publicKey, verifySignature)
  assert.equal(await signOnce(api, notes), [])
  const { body } = await api.get(`/v1/log/consistency-proof?from=${before.size}`)
  assert.is(body.checkpoint, notes.last())
  assert.is(body.from.root, before.root.toString('hex'))
  assert.ok(isConsistent(before, { size: body.to.size, root: bytes(body.to.root) }, body.proof.map(bytes)))
})

log('tiles have their addresses, hashes and entries', async ({ api }) => {
  const all = await texts(api)
  const tile = async (path: string) => {
    const response = await fetch(`${api.url}/log/tile/${path}`)
    return {
      status: response.status,
      cache: response.headers.get('cache-control'),
      bytes: Buffer.from(await response.arrayBuffer()),
    }
  }
  const leaves = all.map(leafHash)
  const first = await tile('0/000')
  assert.equal([first.status, first.cache], [200, 'public, max-age=31536000, immutable'])
  assert.ok(first.bytes.equals(Buffer.concat(leaves.slice(0, 256))))
  assert.ok((await tile('0/001.p/7')).bytes.equals(Buffer.concat(leaves.slice(256, 263))))
  assert.is((await tile('1/000.p/1')).bytes.length, 32)
  const entries = (await tile('entries/001.p/3')).bytes
  for (let at = 0, n = 256; at < entries.length; n++) {
    const length = entries.readUInt16BE(at)
    assert.is(entries.toString('utf8', at + 2, at + 2 + length), all[n])
    at += 2 + length
  }
  for (const path of [
    '0/001',
    '0/000.p/0',
    '0/000.p/256',
    '0/0',
    '0/x000/001',
    '0/x001',
    '0/001.p/200',
    '1/000',
    '0/000/',
    '0/x999/x999/x999/x999/x999/999',
  ])
    assert.is((await tile(path)).status, 404, path)
  assert.is((await tile('6/000')).status, 400)
})

log('what the log does not have is refused by its size', async ({ api }) => {
  const { size } = (await api.get('/v1/log')).body
  const questions = [
    `inclusion-proof?index=${size}`,
    `inclusion-proof?index=5&size=5`,
    `inclusion-proof?index=0&size=${size + 1}`,
    `consistency-proof?from=${size + 1}`,
    `consistency-proof?from=5&to=4`,
  ]
  for (const question of questions) {
    const { status, body } = await api.get(`/v1/log/${question}`)
    assert.equal([status, body.code], [404, 'SizeUnknown'], question)
  }
  assert.is((await api.get('/v1/log/inclusion-proof?index=-1')).body.parameter, 'index')
})

log('a verifier needs the key of the network alone', async ({ api }) => {
  const { verifierKey, origin } = (await api.get('/v1/log')).body
  assert.equal(readVerifierKey(verifierKey), { name: origin, publicKey: api.network.logKey })
})

log('nothing is signed that is not what was signed before, or not what is stored', async ({ api }) => {
  const signed = memoryNotes()
  assert.equal(await signOnce(api, signed), [])
  const { size } = (await api.get('/v1/log')).body
  // The same once more: nothing new.
  assert.equal(await signOnce(api, signed), [])
  assert.is(signed.kept.length, 1)
  const flipped = (texts: readonly string[]) => texts.map((text, n) => (n === 2 ? text.replace('"', "'") : text))
  const [forged] = await signOnce(api, memoryNotes(), { texts: flipped })
  assert.instance(forged, LogForked)
  const [shorter] = await signOnce(api, signed, { size: size - 1 })
  assert.instance(shorter, LogForked)
  const [lacking] = await signOnce(api, memoryNotes(), { texts: () => [] })
  assert.match(lacking!.message, /lacks event 0/)
  // Of another log with as many events.
  const other = memoryNotes()
  const text = checkpointText({ origin: originOf(api.network.networkId), size: size - 3, root: leafHash(randomUUID()) })
  await other.keep(signedNote(text, originOf(api.network.networkId), key.publicKey, key.sign(Buffer.from(text))))
  const [another] = await signOnce(api, other)
  assert.match(another!.message, /not those that were signed/)
  assert.is(other.kept.length, 1)
})

log.run()
