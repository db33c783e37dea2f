import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  base32,
  eventIdOf,
  idSchema,
  instantSchema,
  nodeIdOf,
  publicKeySchema,
  signatureSchema,
  uuidSchema,
  uuidV5,
} from '../../domain/ids.ts'
import { parseStreamName, streamName, streamPrefix } from '../../domain/stream.ts'
import { property } from '../support/property.ts'

const ids = suite('ids')

ids('base32 is RFC 4648 in lower case', () => {
  const vectors = { f: 'my', fo: 'mzxq', foo: 'mzxw6', foob: 'mzxw6yq', fooba: 'mzxw6ytb', foobar: 'mzxw6ytboi' }
  for (const [text, encoded] of Object.entries(vectors)) assert.is(base32(Buffer.from(text)), encoded)
  assert.is(base32(new Uint8Array()), '')
})

ids("UUIDv5 is RFC 9562's", () => {
  assert.is(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2')
  property(fc.property(fc.uuid(), fc.string(), (space, name) => assert.ok(uuidSchema.safeParse(uuidV5(space, name)).success)))
})

ids('event ids are the same for the same parts and differ with any of them', () => {
  const part = fc.string({ unit: fc.constantFrom(...'ab-_0'), minLength: 1, maxLength: 4 })
  const parts = fc.tuple(fc.uuid(), part, part, part, fc.nat(3), part)
  property(
    fc.property(parts, parts, (one, other) => {
      assert.is(eventIdOf(...one) === eventIdOf(...other), JSON.stringify(one) === JSON.stringify(other))
      assert.is(eventIdOf(...one), eventIdOf(...one))
    }),
  )
})

ids('event ids of a large log are all different', () => {
  const seen = new Set<string>()
  for (let command = 0; command < 2000; command++)
    for (let n = 0; n < 3; n++)
      seen.add(eventIdOf('11111111-1111-4111-8111-111111111111', 'dux_node-a', 'key', 'now', n, `${command}`))
  assert.is(seen.size, 6000)
})

ids('a node id is made of its key', () => {
  const id = nodeIdOf(Buffer.alloc(32).toString('base64url'))
  assert.is(id, 'mzuhvlpymk6xo3epygfy5h4oeaejofef')
  assert.ok(idSchema.safeParse(id).success)
})

ids('keys and signatures have one spelling', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes))
  for (const [schema, length] of [
    [publicKeySchema, 32],
    [signatureSchema, 64],
  ] as const) {
    const valid = (text: string) => schema.safeParse(text).success
    property(
      fc.property(bytes(length), fc.nat(85), fc.constantFrom(...'ABQgwkcA4_-+/= ~'), (bytes, index, letter) => {
        const text = bytes.toString('base64url')
        assert.ok(valid(text))
        const at = index % text.length
        const other = text.slice(0, at) + letter + text.slice(at + 1)
        assert.is(
          valid(other),
          Buffer.from(other, 'base64url').toString('base64url') === other && Buffer.from(other, 'base64url').length === length,
        )
      }),
    )
    for (const wrong of [length - 1, length + 1, 0]) assert.not.ok(valid(Buffer.alloc(wrong).toString('base64url')))
    assert.not.ok(valid(Buffer.alloc(length).toString('base64')))
  }
})

ids('an instant is a real one in the one form', () => {
  const valid = (text: string) => instantSchema.safeParse(text).success
  property(
    fc.property(fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }), (date) =>
      assert.ok(valid(date.toISOString())),
    ),
  )
  assert.ok(valid('2024-02-29T23:59:59.999Z'))
  for (const text of [
    '2026-02-29T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-00-01T00:00:00.000Z',
    '2026-01-00T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:60:00.000Z',
    '2026-01-01T00:00:60.000Z',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.000+00:00',
    '2026-01-01 00:00:00.000Z',
    '',
  ])
    assert.not.ok(valid(text), text)
})

ids('a stream name has its parts in it', () => {
  const name = streamName('dux', 'node', 'a-b-c')
  assert.is(name, 'dux_node-a-b-c')
  assert.ok(name.startsWith(streamPrefix('dux')))
  assert.equal(parseStreamName('dux', name), { category: 'node', id: 'a-b-c' })
  assert.is(parseStreamName('other', name), undefined)
  assert.is(parseStreamName('dux', 'dux_node'), undefined)
})

ids.run()
