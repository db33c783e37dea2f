import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { keyRing, newKey, readKey, writeKey } from '../../infra/keys.ts'

const test = suite<{ directory: string }>('keys')

test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'duxnet-keys-'))
})
test.after.each(({ directory }) => rmSync(directory, { recursive: true, force: true }))

test('a key that was written signs for its public key, and only its user may read it', async ({ directory }) => {
  const path = join(directory, 'a.key')
  const key = newKey()
  writeKey(path, key)
  assert.is(statSync(path).mode & 0o777, 0o600)
  const message = Buffer.from('hello')
  assert.ok(await verifySignature(key.publicKey, message, readKey(path).sign(message)))
})

test('a key is never overwritten, and nothing is left behind by the attempt', ({ directory }) => {
  const path = join(directory, 'a.key')
  writeKey(path, newKey())
  const before = readFileSync(path, 'utf8')
  assert.throws(() => writeKey(path, newKey()), /is not overwritten/)
  assert.is(readFileSync(path, 'utf8'), before)
  assert.equal(readdirSync(directory), ['a.key'])
})

test('a file that is no key, or whose halves do not belong together, is refused by name', ({ directory }) => {
  const path = join(directory, 'a.key')
  for (const text of ['', '{}', JSON.stringify({ ...newKey(), seed: newKey().seed }), JSON.stringify({ ...newKey(), more: 1 })]) {
    writeFileSync(path, text)
    assert.throws(() => readKey(path), /a\.key is no key of duxnet keygen/)
  }
})

test('a key ring makes a key once and finds it again', ({ directory }) => {
  const ring = keyRing(directory)
  assert.is(ring.find('agent'), undefined)
  const { publicKey } = ring.findOrMake('agent')
  assert.is(ring.findOrMake('agent').publicKey, publicKey)
  assert.is(keyRing(directory).find('agent')?.publicKey, publicKey)
})

test.run()
