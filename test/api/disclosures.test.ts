import { randomBytes, randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { type Api, newSigner, type ReadSide, startWhole } from './harness.ts'
import { readingAs, refused } from './reading-as.ts'

const disclosures = suite<{ api: Api; readSide: ReadSide }>('api/disclosures')
disclosures.before(async (context) => {
  Object.assign(context, await startWhole())
})
disclosures.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

const text = (content: string | Buffer) => {
  const salt = randomBytes(32)
  const data = { salt: salt.toString('base64url'), content: Buffer.from(content).toString('base64'), mediaType: 'text/plain' }
  return { data, commitment: commitmentOf(salt, Buffer.from(content)) }
}

const disclose = (api: Api, signer: Signer, data: object, change = {}) =>
  api.post('/v1/disclosures', api.sign(signer, 'DiscloseContent', api.network.networkId, data, change))

const erase = (api: Api, signer: Signer, commitment: string) =>
  api.post(`/v1/disclosures/${commitment}/erase`, api.sign(signer, 'EraseDisclosure', api.network.networkId, { commitment }))

const read = (api: Api, signer: Signer, commitment: string) => api.get(`/v1/disclosures/${commitment}`, readingAs(api, signer))

disclosures('what was handed in is read again by the one who did, and makes its commitment', async ({ api }) => {
  const owner = newSigner()
  const { data, commitment } = text('Deliver by Friday.')
  const made = await disclose(api, owner, data)
  assert.equal([made.status, made.body], [201, { commitment, outcome: 'done' }])
  const { status, body, headers } = await read(api, owner, commitment)
  const { createdAt, ...rest } = body
  assert.equal([status, rest], [200, { commitment, ...data, discloser: owner.publicKey }])
  assert.is(createdAt, api.clock.now.toISOString())
  assert.is(headers.get('cache-control'), 'no-store')
  assert.is(commitmentOf(Buffer.from(body.salt, 'base64url'), Buffer.from(body.content, 'base64')), commitment)
})

disclosures(
  'it is read by the authority, the services and whom the discloser named, and is unknown to all others',
  async ({ api }) => {
    const [owner, friend, stranger] = [newSigner(), newSigner(), newSigner()]
    const { data, commitment } = text('Only for some')
    assert.is((await disclose(api, owner, { ...data, readers: [friend.publicKey, 'arbiters'] })).status, 201)
    for (const reader of [owner, friend, api.authority]) assert.is((await read(api, reader, commitment)).status, 200)
    refused(await read(api, stranger, commitment), 404, 'DisclosureUnknown')
    refused(await read(api, owner, commitmentOf(Buffer.alloc(32), Buffer.alloc(0))), 404, 'DisclosureUnknown')
    // Handed in again with other readers, it has those.
    assert.is((await disclose(api, owner, { ...data, readers: [stranger.publicKey] })).status, 201)
    assert.is((await read(api, stranger, commitment)).status, 200)
    refused(await read(api, friend, commitment), 404, 'DisclosureUnknown')
  },
)

disclosures('each has a copy: erasing one leaves the others, and the authority erases all', async ({ api }) => {
  const [one, other] = [newSigner(), newSigner()]
  const { data, commitment } = text('Known to both')
  for (const signer of [one, other]) assert.is((await disclose(api, signer, data)).status, 201)
  const erased = await erase(api, one, commitment)
  assert.equal([erased.status, erased.body.commitment], [200, commitment])
  refused(await read(api, one, commitment), 410, 'DisclosureErased')
  assert.is((await read(api, other, commitment)).status, 200)
  assert.is((await erase(api, one, commitment)).body.erasedAt, erased.body.erasedAt)
  refused(await erase(api, newSigner(), commitment), 404, 'DisclosureUnknown')
  assert.is((await erase(api, api.authority, commitment)).status, 200)
  refused(await read(api, other, commitment), 410, 'DisclosureErased')
  refused(await read(api, api.authority, commitment), 410, 'DisclosureErased')
})

disclosures('what was erased does not come back by an older request, but by a newer one', async ({ api }) => {
  const owner = newSigner()
  const { data, commitment } = text('Regretted')
  const first = api.sign(owner, 'DiscloseContent', api.network.networkId, data)
  const onItsWay = api.sign(owner, 'DiscloseContent', api.network.networkId, data)
  assert.is((await api.post('/v1/disclosures', first)).status, 201)
  api.clock.advance(1)
  assert.is((await erase(api, owner, commitment)).status, 200)
  assert.equal((await api.post('/v1/disclosures', first)).body, { commitment, outcome: 'repeated' })
  refused(await api.post('/v1/disclosures', onItsWay), 410, 'DisclosureErased')
  refused(await read(api, owner, commitment), 410, 'DisclosureErased')
  api.clock.advance(1)
  assert.is((await disclose(api, owner, data)).status, 201)
  assert.is((await read(api, owner, commitment)).status, 200)
})

disclosures('a request is done once, and an id serves for one', async ({ api }) => {
  const owner = newSigner()
  const commandId = randomUUID()
  const { data, commitment } = text('Once')
  assert.is((await disclose(api, owner, data, { commandId })).body.outcome, 'done')
  const again = await disclose(api, owner, data, { commandId })
  assert.equal([again.status, again.body], [200, { commitment, outcome: 'repeated' }])
  refused(await disclose(api, owner, text('Twice').data, { commandId }), 409, 'CommandIdReused')
  // Somebody else's ids are his own.
  assert.is((await disclose(api, newSigner(), text('Other').data, { commandId })).status, 201)
})

disclosures('wrong clocks, audiences, subjects, types and signatures are refused, in reads too', async ({ api }) => {
  const owner = newSigner()
  const { data, commitment } = text('x')
  const { networkId } = api.network
  const ago = (minutes: number) => ({ issuedAt: new Date(api.clock.now.getTime() - minutes * 60_000).toISOString() })
  refused(await disclose(api, owner, data, ago(6)), 422, 'CommandStale')
  refused(await disclose(api, owner, data, ago(-6)), 422, 'CommandFromTheFuture')
  refused(await disclose(api, owner, data, { audience: randomUUID() }), 422, 'AudienceMismatch')
  refused(await disclose(api, owner, data, { subject: owner.nodeId }), 400, 'CommandMalformed')
  refused(
    await api.post('/v1/disclosures', api.sign(owner, 'EraseDisclosure', networkId, { commitment })),
    400,
    'CommandNotForThisRoute',
  )
  const signed = api.sign(owner, 'DiscloseContent', networkId, data)
  refused(await api.post('/v1/disclosures', { ...signed, publicKey: newSigner().publicKey }), 403, 'SignatureInvalid')
  refused(await api.post('/v1/commands', signed), 400, 'CommandUnknownType')
  const other = text('y').commitment
  const wrongPath = api.sign(owner, 'EraseDisclosure', networkId, { commitment })
  refused(await api.post(`/v1/disclosures/${other}/erase`, wrongPath), 400, 'CommandNotForThisRoute')

  const path = `/v1/disclosures/${commitment}`
  for (const authorization of ['', 'DuxNet', 'DuxNet e30', 'Bearer abc', 'DuxNet !!!', `DuxNet ${'A'.repeat(4000)}`]) {
    const { status, headers } = await api.get(path, { authorization })
    assert.ok(status === 401 || status === 400, authorization)
    if (status === 401) assert.is(headers.get('www-authenticate'), 'DuxNet')
  }
  const reading = readingAs(api, owner)
  api.clock.advance(360)
  refused(await api.get(path, reading), 422, 'CommandStale')
})

disclosures('content is base64 of at most 48 KiB', async ({ api }) => {
  const owner = newSigner()
  const full = text(randomBytes(48 * 1024))
  assert.is((await disclose(api, owner, full.data)).status, 201)
  assert.is((await read(api, owner, full.commitment)).body.content, full.data.content)
  refused(await disclose(api, owner, text(randomBytes(48 * 1024 + 1)).data), 400, 'CommandMalformed')
  refused(await disclose(api, owner, { ...full.data, content: 'a' }), 400, 'CommandMalformed')
  refused(await disclose(api, owner, { ...full.data, salt: 'short' }), 400, 'CommandMalformed')
  refused(await disclose(api, owner, { ...full.data, mediaType: 'text' }), 400, 'CommandMalformed')
  refused(await disclose(api, owner, text(randomBytes(80 * 1024)).data), 413, 'BodyTooLarge')
  assert.is((await disclose(api, owner, text('').data)).status, 201)
})

disclosures('a key hands in so much a minute, and others are not held up', async ({ api }) => {
  const owner = newSigner()
  const replies = await Promise.all(Array.from({ length: 16 }, () => disclose(api, owner, text('a').data)))
  assert.ok(replies.every(({ status }) => status === 201))
  for (let count = 16; count < 60; count++) assert.is((await disclose(api, owner, text('a').data)).status, 201)
  const late = await disclose(api, owner, text('a').data)
  refused(late, 429, 'RequestsTooMany')
  assert.is(late.headers.get('retry-after'), '60')
  assert.is((await disclose(api, newSigner(), text('a').data)).status, 201)
  api.clock.advance(61)
  assert.is((await disclose(api, owner, text('a').data)).status, 201)
})

disclosures('a Postgres that is away is 503, and nothing is lost', async ({ api, readSide }) => {
  const owner = newSigner()
  const { data, commitment } = text('Patience')
  assert.is((await disclose(api, owner, data)).status, 201)
  await readSide.door.shut()
  refused(await read(api, owner, commitment), 503, 'PrivateStoreUnavailable')
  await readSide.door.open()
  assert.is((await read(api, owner, commitment)).status, 200)
})

disclosures.run()
