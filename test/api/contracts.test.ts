import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cloudEventText } from '../../api/cloud-event.ts'
import { eventJsonSchemas } from '../../api/event-schemas.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { leafHash } from '../../domain/merkle.ts'
import { contracts, contractsDirectory } from '../../infra/contracts.ts'
import { type Api, startApi } from './harness.ts'

const test = suite<{ api: Api }>('api/contracts')
test.before(async (context) => {
  context.api = await startApi()
})
test.after(({ api }) => api.close())

const require = createRequire(import.meta.url)
const formats = addFormats.default
const ajv = formats(new Ajv2020({ strict: false, allErrors: true }))
const schemas = eventJsonSchemas()
const frozen = new URL('../frozen/', import.meta.url)

/** Every event of the frozen logs, each as the feed would tell it. */
function frozenMessages() {
  const source = { networkId: '2f1c0b9a-4f0e-4d55-9d0e-0a3a2f6f2f10', publicUrl: 'http://127.0.0.1:8080' }
  return readdirSync(frozen)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(new URL(name, frozen), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line))
    .filter((line) => typeof line.stream === 'string' && typeof line.type === 'string')
    .map((event, index) => {
      const canonical = canonicalEvent(event)
      const { stream, revision, type, metadata } = event
      const view = {
        index,
        position: BigInt(index),
        stream,
        revision,
        type,
        recordedAt: metadata.recordedAt,
        canonical,
        leaf: leafHash(canonical),
      }
      return JSON.parse(cloudEventText(view, source))
    })
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any event
const messages: readonly any[] = frozenMessages()

test('the committed contracts are those of this version', () => {
  const kept = new Map<string, string>()
  for (const name of readdirSync(contractsDirectory, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.json')) kept.set(name, readFileSync(join(contractsDirectory, name), 'utf8'))
  for (const [path, text] of contracts()) assert.ok(kept.get(path) === text, `docs/contracts/${path} is stale: npm run contracts`)
  assert.is(kept.size, contracts().size, 'docs/contracts has files of types that are no more: npm run contracts')
})

test('every event that was ever frozen satisfies the schema that its message names, and a broken one does not', () => {
  assert.ok(messages.length > 100)
  for (const { dataschema, data } of messages) {
    const path = dataschema.slice(dataschema.indexOf('/schemas/'))
    const compiled = ajv.getSchema(path) ?? ajv.compile(schemas.get(path.slice('/schemas/'.length))!)
    const validate = (value: unknown) => compiled(value) === true
    assert.ok(validate(data), `${dataschema}: ${ajv.errorsText(compiled.errors)}`)
    assert.not(validate({ ...data, event: { ...data.event, data: { ...data.event.data, more: 1 } } }))
    assert.not(validate({ ...data, index: -1 }))
    assert.not(validate({ ...data, event: { ...data.event, type: 'Other' } }))
  }
})

test('the AsyncAPI document satisfies the schema of AsyncAPI 3.0', async ({ api }) => {
  const { body } = await api.get('/asyncapi.json')
  const draft7 = formats(new Ajv({ strict: false, validateFormats: false }))
  const validate = draft7.compile(require('@asyncapi/specs/schemas/3.0.0-without-$id.json'))
  assert.ok(validate(body), draft7.errorsText(validate.errors?.slice(0, 5)))
})

test('every message satisfies the document that describes it, and is a CloudEvent', async ({ api }) => {
  const { components } = (await api.get('/asyncapi.json')).body
  const draft7 = formats(new Ajv({ strict: false }))
  for (const message of messages) {
    const name = message.type.slice('duxnet.'.length)
    const holds: boolean = draft7.validate(components.schemas[name], message)
    assert.ok(holds, `${name}: ${draft7.errorsText(draft7.errors)}`)
    // CloudEvents 1.0.2: what is required, and what names of attributes may look like.
    for (const attribute of ['id', 'source', 'specversion', 'type']) assert.ok(message[attribute])
    for (const attribute of Object.keys(message)) assert.match(attribute, /^[a-z0-9]{1,20}$/)
  }
})

test('the address that a message names for its schema is there', async ({ api }) => {
  const { schemas: addresses } = (await api.get('/schemas')).body
  assert.is(addresses.length, schemas.size)
  for (const { dataschema } of messages.slice(0, 20)) {
    const { status, text, headers } = await api.get(new URL(dataschema).pathname)
    assert.is(status, 200)
    assert.match(headers.get('content-type')!, 'application/schema+json')
    assert.equal(JSON.parse(text), schemas.get(dataschema.split('/schemas/')[1]))
  }
  assert.is((await api.get('/schemas/Nothing.v1')).status, 404)
})

test.run()
