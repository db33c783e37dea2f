import fc from 'fast-check'
import { Webhook as Verifier } from 'standardwebhooks'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DomainError } from '../../domain/errors.ts'
import { uuidSchema } from '../../domain/ids.ts'
import { admitSecret, admitWebhook, messageIdOf, secretText, signaturesOf, wants } from '../../domain/webhook.ts'
import { property } from '../support/property.ts'

const webhook = suite('webhook')

webhook("signatures are the reference library's, one for each secret", () => {
  const key = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretText)
  const message = fc.record({ id: fc.uuid(), timestamp: fc.nat(), body: fc.string({ unit: 'binary' }) })
  property(
    fc.property(fc.array(key, { minLength: 1, maxLength: 3 }), message, (secrets, message) => {
      const at = new Date(message.timestamp * 1000)
      const expected = secrets.map((secret) => new Verifier(secret).sign(message.id, at, message.body))
      assert.equal(signaturesOf(message, secrets).split(' '), expected)
    }),
  )
})

webhook("the signature is the specification's own example", () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' }
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  assert.is(signaturesOf(message, [secret]), 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

webhook('an event is wanted when its type and one of what it touches are', () => {
  const touched = ['node:a', 'wallet:b']
  const all = { eventTypes: null, subjects: null }
  assert.ok(wants(all, 'NodeRegistered', []))
  assert.ok(wants({ ...all, eventTypes: ['NodeRegistered'] }, 'NodeRegistered', touched))
  assert.not.ok(wants({ ...all, eventTypes: ['NodeRegistered'] }, 'NodeUpdated', touched))
  assert.ok(wants({ ...all, subjects: ['wallet:b', 'wallet:c'] }, 'NodeUpdated', touched))
  assert.not.ok(wants({ ...all, subjects: ['node:b'] }, 'NodeUpdated', touched))
  assert.not.ok(wants({ eventTypes: ['NodeUpdated'], subjects: ['node:c'] }, 'NodeUpdated', touched))
})

webhook('a message has one id for each webhook', () => {
  property(
    fc.property(fc.uuid(), fc.uuid(), fc.uuid(), (one, other, event) => {
      assert.ok(uuidSchema.safeParse(messageIdOf(one, event)).success)
      assert.is(messageIdOf(one, event) === messageIdOf(other, event), one === other)
    }),
  )
})

webhook('there are only so many', () => {
  const refuses = (work: () => void) =>
    assert.throws(work, (error: unknown) => error instanceof DomainError && error.code === 'WebhookQuotaExceeded')
  admitWebhook(9, 999)
  refuses(() => admitWebhook(10, 10))
  refuses(() => admitWebhook(0, 1000))
  admitSecret(4)
  refuses(() => admitSecret(5))
})

webhook.run()
