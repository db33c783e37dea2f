import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commitmentOf, commitmentSchema, saltSchema } from '../../domain/commitment.ts'
import { property } from '../support/property.ts'

const commitment = suite('commitment')

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })

commitment('is base64url of SHA-256 over the separator, the salt and the content', () => {
  // printf 'duxnet-commitment-v1\n' + 32 zero bytes + 'abc' | openssl dgst -sha256 -binary | basenc --base64url
  assert.is(commitmentOf(new Uint8Array(32), Buffer.from('abc')), 'FGwRJCbQ5Mz4LBggi2pAtj9WtHK4jvm248rMTKCfewE')
})

commitment('has one spelling, which its schema takes', () => {
  property(
    fc.property(bytes(32, 32), bytes(0, 200), (salt, content) => {
      const text = commitmentOf(salt, content)
      assert.ok(commitmentSchema.safeParse(text).success)
      assert.ok(saltSchema.safeParse(Buffer.from(salt).toString('base64url')).success)
      assert.not.ok(commitmentSchema.safeParse(`${text}=`).success)
    }),
  )
  for (const wrong of ['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}B`, `${'A'.repeat(42)}+`])
    assert.not.ok(commitmentSchema.safeParse(wrong).success, wrong)
})

commitment('differs with the salt and with the content', () => {
  const parts = fc.tuple(bytes(32, 32), bytes(0, 4))
  const hex = ([salt, content]: readonly [Uint8Array, Uint8Array]) =>
    [salt, content].map((part) => Buffer.from(part).toString('hex')).join(' ')
  property(
    fc.property(parts, parts, (one, other) => assert.is(commitmentOf(...one) === commitmentOf(...other), hex(one) === hex(other))),
  )
})

commitment('a salt of another length is refused', () => {
  for (const length of [0, 31, 33]) assert.throws(() => commitmentOf(new Uint8Array(length), Buffer.from('abc')), RangeError)
})

commitment.run()
