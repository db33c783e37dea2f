import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealDamaged, seal, unseal, WrongPassphrase } from '../../adapters/crypto/sealed.ts'

const sealed = suite('sealed secrets')
const secret = Buffer.from('a seed that nobody else may have')
/** Guessing is cheap here, and quick. */
const cheap = { N: 1024, r: 8, p: 1 }

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => assert.unreachable('it should have failed'),
    (error: unknown) => error,
  )

sealed('open with their passphrase alone', async () => {
  const text = await seal(secret, 'correct horse', cheap)
  assert.equal(Buffer.from(await unseal(text, 'correct horse')), secret)
  assert.instance(await refusal(unseal(text, 'correct Horse')), WrongPassphrase)
  assert.instance(await refusal(unseal(text, '')), WrongPassphrase)
  assert.not.match(text, new RegExp(secret.toString('base64').slice(0, 12)))
  assert.is.not(await seal(secret, 'correct horse', cheap), text, 'salt and nonce are new each time')
})

sealed('take one passphrase however its letters are composed', async () => {
  assert.equal(Buffer.from(await unseal(await seal(secret, 'Zu\u0308rich', cheap), 'Z\u00fcrich')), secret)
})

sealed('that were damaged say so, whatever was damaged', async () => {
  const text = await seal(secret, 'correct horse', cheap)
  const values = JSON.parse(text)
  const changed = [
    text.slice(0, -40),
    '',
    '[]',
    '{}',
    text.replace('1024', '2048'),
    JSON.stringify({
      ...values,
      box: `A${values.box.slice(1)}` === values.box ? `B${values.box.slice(1)}` : `A${values.box.slice(1)}`,
    }),
    JSON.stringify({ ...values, check: '0'.repeat(64) }),
  ]
  for (const damaged of changed) assert.instance(await refusal(unseal(damaged, 'correct horse')), SealDamaged, damaged)
})

sealed('cost what scrypt is told to cost, and keep working when that rises', async () => {
  const dear = await seal(secret, 'correct horse')
  assert.is(JSON.parse(dear).scrypt.N, 2 ** 17)
  assert.equal(Buffer.from(await unseal(dear, 'correct horse')), secret)
})

sealed.run()
