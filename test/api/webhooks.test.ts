import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import { type Api, newSigner, type ReadSide, startWhole } from './harness.ts'
import { readingAs, refused } from './reading-as.ts'

const webhooks = suite<{ api: Api; readSide: ReadSide }>('api/webhooks')
webhooks.before(async (context) => {
  Object.assign(context, await startWhole())
})
webhooks.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

const url = 'https://example.com/duxnet'

function create(api: Api, signer: Signer, data: object = {}, commandId = randomUUID()) {
  return api.post('/v1/webhooks', api.sign(signer, 'CreateWebhook', commandId, { url, ...data }, { commandId }))
}

async function created(api: Api, signer: Signer, data: object = {}): Promise<string> {
  const { status, body, text } = await create(api, signer, data)
  assert.is(status, 201, text)
  return body.webhookId
}

const ask = (api: Api, signer: Signer, id: string, action: string, type: string, data: object = {}, change = {}) =>
  api.post(`/v1/webhooks/${id}/${action}`, api.sign(signer, type, id, data, change))

const show = (api: Api, signer: Signer, id: string) => api.get(`/v1/webhooks/${id}`, readingAs(api, signer))

webhooks('a webhook has its secret shown once, and begins at the next event', async ({ api }) => {
  const owner = newSigner()
  const commandId = randomUUID()
  const first = await create(api, owner, { eventTypes: ['NodeRegistered'], subjects: [`node:${owner.nodeId}`] }, commandId)
  assert.equal([first.status, first.body.webhookId, first.body.nextIndex], [201, commandId, 1])
  assert.match(first.body.secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
  refused(await create(api, owner, {}, commandId), 409, 'CommandIdReused')
  refused(await create(api, newSigner(), {}, commandId), 409, 'CommandIdReused')
  const { status, body } = await show(api, owner, commandId)
  assert.is(status, 200)
  assert.equal(body, {
    webhookId: commandId,
    url,
    eventTypes: ['NodeRegistered'],
    subjects: [`node:${owner.nodeId}`],
    createdAt: body.createdAt,
    disabled: null,
    nextIndex: 1,
    failures: 0,
    failingSince: null,
    waitUntil: null,
    secrets: [{ createdAt: body.createdAt, expiresAt: null }],
  })
})

webhooks('the very same request again shows no secret', async ({ api }) => {
  const owner = newSigner()
  const commandId = randomUUID()
  const envelope = api.sign(owner, 'CreateWebhook', commandId, { url }, { commandId })
  assert.ok((await api.post('/v1/webhooks', envelope)).body.secret)
  const again = await api.post('/v1/webhooks', envelope)
  assert.equal([again.status, again.body], [200, { webhookId: commandId, nextIndex: 1, outcome: 'repeated' }])
})

webhooks('private, unsafe and unreadable addresses are refused', async ({ api }) => {
  const owner = newSigner()
  for (const wrong of [
    'http://example.com/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00:ec2::254]/',
    'https://user:secret@example.com/',
    'https://example.com/#x',
    'file:///etc/passwd',
    'example.com',
  ]) {
    const reply = await create(api, owner, { url: wrong })
    refused(reply, 422, 'WebhookUrlRefused')
    assert.is(reply.body.field, 'command.data.url', wrong)
  }
  refused(await create(api, owner, { eventTypes: ['NoSuchEvent'] }), 400, 'CommandMalformed')
  refused(await create(api, owner, { eventTypes: [] }), 400, 'CommandMalformed')
  refused(await create(api, owner, { fromIndex: 1_000_000 }), 400, 'CommandMalformed')
})

webhooks('only its owner and the authority know of it, and only the owner changes it', async ({ api }) => {
  const [owner, stranger] = [newSigner(), newSigner()]
  const id = await created(api, owner)
  refused(await show(api, stranger, id), 404, 'WebhookUnknown')
  assert.is((await show(api, api.authority, id)).status, 200)
  refused(await api.get(`/v1/webhooks/${id}/deliveries`, readingAs(api, stranger)), 404, 'WebhookUnknown')
  const types = { rotate: 'RotateWebhookSecret', test: 'TestWebhook', disable: 'DisableWebhook', delete: 'DeleteWebhook' }
  for (const [action, type] of Object.entries(types)) refused(await ask(api, stranger, id, action, type), 404, 'WebhookUnknown')
  refused(await ask(api, api.authority, id, 'rotate', 'RotateWebhookSecret'), 404, 'WebhookUnknown')
  refused(await ask(api, stranger, id, 'replay', 'ReplayWebhook', { fromIndex: 0 }), 404, 'WebhookUnknown')
  const ids = async (reader: Signer) =>
    (await api.get('/v1/webhooks', readingAs(api, reader))).body.webhooks.map(({ webhookId }: { webhookId: string }) => webhookId)
  assert.equal(await ids(owner), [id])
  assert.equal(await ids(stranger), [])
  assert.ok((await ids(api.authority)).includes(id))
})

webhooks('a rotated secret signs on for a day; there are not more than a few', async ({ api }) => {
  const owner = newSigner()
  const id = await created(api, owner)
  const rotation = api.sign(owner, 'RotateWebhookSecret', id, {})
  const { body } = await api.post(`/v1/webhooks/${id}/rotate`, rotation)
  assert.match(body.secret, /^whsec_/)
  const tomorrow = new Date(api.clock.now.getTime() + 24 * 3_600_000).toISOString()
  assert.is(body.oldSecretsUntil, tomorrow)
  const secrets = async () =>
    (await show(api, owner, id)).body.secrets.map(({ expiresAt }: { expiresAt: string | null }) => expiresAt)
  assert.equal(await secrets(), [null, tomorrow])
  assert.is((await api.post(`/v1/webhooks/${id}/rotate`, rotation)).body.secret, undefined)
  assert.is((await secrets()).length, 2)
  for (let count = 2; count < 5; count++) {
    api.clock.advance(1)
    assert.is((await ask(api, owner, id, 'rotate', 'RotateWebhookSecret')).status, 200)
  }
  refused(await ask(api, owner, id, 'rotate', 'RotateWebhookSecret'), 403, 'WebhookQuotaExceeded')
  api.clock.advance(24 * 3600)
  assert.is((await secrets()).length, 1)
  assert.is((await ask(api, owner, id, 'rotate', 'RotateWebhookSecret')).status, 200)
  assert.is((await secrets()).length, 2)
})

webhooks('disable, enable, delete; what the authority disabled it enables alone', async ({ api }) => {
  const owner = newSigner()
  const id = await created(api, owner)
  const disabled = async () => (await show(api, owner, id)).body.disabled
  assert.is((await ask(api, owner, id, 'disable', 'DisableWebhook')).status, 200)
  assert.is(await disabled(), 'owner')
  refused(await ask(api, owner, id, 'test', 'TestWebhook'), 409, 'WebhookDisabled')
  assert.is((await ask(api, owner, id, 'enable', 'EnableWebhook')).status, 200)
  assert.is(await disabled(), null)
  assert.is((await ask(api, api.authority, id, 'disable', 'DisableWebhook')).status, 200)
  assert.is(await disabled(), 'authority')
  refused(await ask(api, owner, id, 'enable', 'EnableWebhook'), 403, 'SignerNotAllowed')
  assert.is(await disabled(), 'authority')
  assert.is((await ask(api, api.authority, id, 'enable', 'EnableWebhook')).status, 200)
  assert.is((await ask(api, owner, id, 'delete', 'DeleteWebhook')).status, 200)
  refused(await show(api, owner, id), 404, 'WebhookUnknown')
  refused(await ask(api, owner, id, 'delete', 'DeleteWebhook'), 404, 'WebhookUnknown')
})

webhooks('an old request that comes again changes nothing', async ({ api }) => {
  const owner = newSigner()
  const id = await created(api, owner)
  const disable = api.sign(owner, 'DisableWebhook', id, {})
  assert.is((await api.post(`/v1/webhooks/${id}/disable`, disable)).status, 200)
  assert.is((await ask(api, owner, id, 'enable', 'EnableWebhook')).status, 200)
  assert.is((await api.post(`/v1/webhooks/${id}/disable`, disable)).body.outcome, 'repeated')
  assert.is((await show(api, owner, id)).body.disabled, null)
})

webhooks('a replay puts it back; a message that is not known is refused', async ({ api }) => {
  const owner = newSigner()
  const id = await created(api, owner)
  assert.is((await ask(api, owner, id, 'replay', 'ReplayWebhook', { fromIndex: 0 })).status, 200)
  assert.is((await show(api, owner, id)).body.nextIndex, 0)
  refused(await ask(api, owner, id, 'replay', 'ReplayWebhook', { fromIndex: 99 }), 400, 'CommandMalformed')
  refused(await ask(api, owner, id, 'replay', 'ReplayWebhook', { messageId: randomUUID() }), 404, 'WebhookMessageUnknown')
  refused(await ask(api, owner, randomUUID(), 'replay', 'ReplayWebhook', { fromIndex: 0 }), 404, 'WebhookUnknown')
})

webhooks('test messages are in the list of deliveries, which has pages', async ({ api }) => {
  const owner = newSigner()
  const id = await created(api, owner)
  const sent: string[] = []
  for (let count = 0; count < 5; count++) sent.unshift((await ask(api, owner, id, 'test', 'TestWebhook')).body.messageId)
  const read = (query: string) => api.get(`/v1/webhooks/${id}/deliveries?${query}`, readingAs(api, owner))
  const found: string[] = []
  let next: string | null = ''
  while (next !== null) {
    const { body, status, text } = await read(`limit=2${next && `&cursor=${next}`}`)
    assert.is(status, 200, text)
    found.push(...body.deliveries.map(({ messageId }: { messageId: string }) => messageId))
    next = body.next
  }
  assert.equal(found, sent)
  assert.is((await read('state=parked')).body.deliveries.length, 0)
  const { cursor } = { cursor: (await read('limit=2')).body.next }
  refused(await read(`state=parked&cursor=${cursor}`), 400, 'CursorInvalid')
})

webhooks('a key has so many webhooks', async ({ api }) => {
  const owner = newSigner()
  for (let count = 0; count < 10; count++) await created(api, owner)
  refused(await create(api, owner), 403, 'WebhookQuotaExceeded')
  await created(api, newSigner())
})

webhooks.run()
