// What the page signs in the browser, by the same Web Crypto that Node has, is what the command side takes.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { checkEnvelope } from '../../commands/check.ts'
import { keyText, newKey } from '../../infra/keys.ts'

const page = suite('pages/signing')
const { readKey, signed } = await import(new URL('../../api/pages/signing.js', import.meta.url).href)

page('a key file of duxnet keygen signs there as everywhere', async () => {
  const file = newKey()
  const signer = await readKey(keyText(file))
  assert.is(signer.publicKey, file.publicKey)
  assert.is(signer.key.extractable, false)
  const audience = randomUUID()
  const data = { to: randomUUID(), amount: '100000000' }
  const command = {
    type: 'Transfer',
    subject: randomUUID(),
    data,
    commandId: randomUUID(),
    issuedAt: new Date().toISOString(),
    audience,
  }
  const checked = await checkEnvelope(await signed(signer, command), audience, verifySignature)
  assert.equal([checked.signer, checked.data], [file.publicKey, data])
})

page('what is no key file is refused in words', async () => {
  for (const text of ['{}', 'not JSON']) assert.instance(await readKey(text).catch((error: unknown) => error), Error)
})

page.run()
