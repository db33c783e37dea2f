// What the page signs in the browser, by the same Web Crypto that Node has, is what the command side takes.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { type CommandSigner, createClient } from '../../api/client.ts'
import { checkEnvelope } from '../../commands/check.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { keyText, newKey } from '../../infra/keys.ts'

const page = suite('pages/signing')
const script = (name: string) => import(new URL(`../../api/pages/${name}.js`, import.meta.url).href)
const { makeKey, readKey, signerOf } = await script('keys')
const { minorUnits } = await script('signing')

/** What the client sends for a signer. */
async function envelopeOf(
  signer: CommandSigner,
  audience: string,
  type: 'Transfer',
  data: { to: string; amount: string },
  subject: string,
) {
  let sent: unknown
  const network = { networkId: audience, kind: 'test', serverTime: new Date().toISOString() }
  const server = (async (_url: URL, init: RequestInit) => {
    if (init.method === 'POST') sent = JSON.parse(String(init.body))
    return Response.json(init.method === 'POST' ? { outcome: 'accepted' } : network)
  }) as unknown as typeof fetch
  await createClient({ url: 'http://127.0.0.1', signer, fetch: server }).send(type, data, { subject })
  return sent
}

page('a key file of duxnet keygen signs there as everywhere, and so does a key made there', async () => {
  const file = newKey()
  const made = await makeKey()
  assert.is(JSON.parse(made.file).nodeId, nodeIdOf(made.publicKey))
  for (const [text, publicKey] of [
    [keyText(file), file.publicKey],
    [made.file, made.publicKey],
  ]) {
    const key = await readKey(text)
    assert.is(key.publicKey, publicKey)
    assert.is(key.key.extractable, false)
    const audience = randomUUID()
    const data = { to: randomUUID(), amount: '100000000' }
    const checked = await checkEnvelope(
      await envelopeOf(signerOf(key), audience, 'Transfer', data, randomUUID()),
      audience,
      verifySignature,
    )
    assert.equal([checked.signer, checked.data], [publicKey, data])
  }
})

page('amounts are moved by their point, never through a number', () => {
  assert.is(minorUnits('1'), '100000000')
  assert.is(minorUnits('0.00000001'), '1')
  assert.is(minorUnits('999999999999,12345678'), '99999999999912345678')
  for (const wrong of ['', '0', '0.0', '-1', '1.123456789', '1e3', 'x']) assert.throws(() => minorUnits(wrong))
})

page('what is no key file is refused in words', async () => {
  for (const text of ['{}', 'not JSON']) assert.instance(await readKey(text).catch((error: unknown) => error), Error)
})

page.run()
