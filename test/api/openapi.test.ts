import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { routes } from '../../api/app.ts'
import { problemPath, problems } from '../../api/problem.ts'
import { commandHandlers } from '../../commands/catalogue.ts'
import { commandText, type Envelope, envelopeSchema } from '../../domain/envelope.ts'
import { bytesToSign } from '../../domain/signed-bytes.ts'
import { type Api, startApi } from './harness.ts'

// biome-ignore lint/suspicious/noExplicitAny: a JSON document that the tests walk
type Document = any

const openapi = suite<{ api: Api; document: Document }>('api/openapi')
openapi.before(async (context) => {
  context.api = await startApi()
  context.document = (await context.api.get('/openapi.json')).body
})
openapi.after(({ api }) => api.close())

const operations = (document: Document) =>
  Object.entries(document.paths as Record<string, Record<string, Document>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

openapi('the document is of OpenAPI 3.1 and says who it is', ({ document }) => {
  assert.match(document.openapi, /^3\.1\./)
  assert.is(document.info.version, '0.1.0-test')
  assert.equal(document.servers, [{ url: '/' }])
})

openapi('every route is there, and nothing else', ({ document }) => {
  const described = operations(document).map(({ path, method }) => `${method.toUpperCase()} ${path}`)
  const served = routes.map(({ method, path }) => `${method} ${path.replaceAll(/[:*](\w+)/g, '{$1}')}`)
  assert.equal(described.sort(), served.sort())
})

openapi('every operation has its own id, a known tag, its path parameters and an answer for the worst', ({ document }) => {
  const ids = new Set<string>()
  const tags = document.tags.map(({ name }: { name: string }) => name)
  for (const { path, operation } of operations(document)) {
    assert.not.ok(ids.has(operation.operationId), operation.operationId)
    ids.add(operation.operationId)
    assert.ok(tags.includes(operation.tags[0]), path)
    const declared = operation.parameters.filter((parameter: Document) => parameter.in === 'path').map(({ name }: Document) => name)
    assert.equal(
      declared,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      path,
    )
    assert.ok(operation.summary)
    assert.ok(operation.responses[500], path)
    for (const response of Object.values(operation.responses) as Document[]) assert.type(response.description, 'string')
  }
})

openapi('every reference resolves', ({ document }) => {
  let count = 0
  const walk = (value: Document): void => {
    if (typeof value !== 'object' || value === null) return
    if (typeof value.$ref === 'string') {
      count++
      const steps = value.$ref.replace('#/', '').split('/')
      assert.ok(
        steps.reduce((place: Document, step: string) => place?.[step], document),
        value.$ref,
      )
    }
    for (const inner of Object.values(value)) walk(inner)
  }
  walk(document)
  assert.ok(count > 100)
})

openapi('every example has the shape that it is an example of', ({ document }) => {
  for (const { path, successes, body } of routes) {
    for (const { schema, example } of Object.values(successes)) {
      if (!schema || example === undefined) continue
      const { error } = schema.safeParse(JSON.parse(JSON.stringify(example)))
      assert.ok(!error, `${path}: ${error?.message}`)
    }
    if (body?.example === undefined) continue
    const { error } = body.schema.safeParse(body.example)
    assert.ok(!error, `${path}: ${error?.message}`)
  }
  for (const { path, operation } of operations(document))
    for (const [status, { content = {} }] of Object.entries(operation.responses) as [string, Document][])
      if (status[0] === '2' && content['application/json'] && !['/openapi.json', '/asyncapi.json'].includes(path))
        assert.ok(content['application/json'].example, `${path} ${status} has an example`)
})

openapi('the schemas of the document say what the server checks', ({ document }) => {
  const { $defs, ...schemas } = { $defs: document.components.schemas, ...document.components.schemas }
  const local = (schema: Document) => JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'))
  const accepts = (name: string, value: unknown) =>
    z.fromJSONSchema(local({ ...schemas[name], $defs })).safeParse(JSON.parse(JSON.stringify(value))).success
  const { example } = document.paths['/v1/nodes/{id}'].get.responses[200].content['application/json']
  assert.ok(accepts('Node', example))
  assert.not.ok(accepts('Node', { ...example, status: 'tired' }))
  assert.not.ok(accepts('Node', { ...example, mood: 1 }))
  const envelope = document.paths['/v1/commands'].post.requestBody.content['application/json'].example
  assert.ok(accepts('Envelope', envelope))
  assert.not.ok(accepts('Envelope', { ...envelope, command: { ...envelope.command, type: 'FlyToTheMoon' } }))
})

openapi('the example commands are truly signed', async ({ document }) => {
  for (const { path, method, operation } of operations(document)) {
    const { example } = operation.requestBody?.content['application/json'] ?? {}
    if (method !== 'post' || !example?.command) continue
    const { command, publicKey, signature } = envelopeSchema.parse(example) as Envelope
    assert.ok(await verifySignature(publicKey, bytesToSign(commandText(command)), signature), path)
  }
})

openapi('every command has its schema', ({ document }) => {
  for (const type of Object.keys(commandHandlers)) assert.ok(document.components.schemas[type], type)
})

openapi('every problem has an example, and a page at the address of its type', async ({ api, document }) => {
  const list = (await api.get('/problems')).text
  for (const [code, { title, status }] of Object.entries(problems)) {
    const { value } = document.components.examples[code]
    assert.equal([value.code, value.title, value.status], [code, title, status])
    const path = problemPath(code as keyof typeof problems)
    assert.is(value.type, path)
    assert.match(list, `href="${path}"`)
    const page = await api.get(path)
    assert.is(page.status, 200)
    assert.match(page.text, `<code>${code}</code>`)
  }
  assert.is((await api.get('/problems/no-such-problem')).body.code, 'ProblemUnknown')
})

openapi('the document is not sent again to who has it', async ({ api }) => {
  for (const path of [
    '/openapi.json',
    '/docs',
    '/pages/style.css',
    '/pages/docs.js',
    '/wallet',
    '/pages/money.js',
    '/pages/signing.js',
  ]) {
    const { status, headers } = await api.get(path)
    assert.is(status, 200)
    assert.is((await api.get(path, { 'if-none-match': headers.get('etag')! })).status, 304)
  }
})

openapi('the pages load nothing from elsewhere and run no inline script', async ({ api, document }) => {
  const { text, headers } = await api.get('/docs')
  assert.match(headers.get('content-security-policy')!, "script-src 'self'")
  for (const page of [
    text,
    (await api.get('/')).text,
    (await api.get('/problems')).text,
    (await api.get('/wallet')).text,
    (await api.get('/airdrop')).text,
  ]) {
    for (const [, address] of page.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address!, /^(\/(?!\/)|#|data:,)/)
    assert.not.match(page, /<script>|\son\w+=|style="/)
  }
  for (const { operation } of operations(document)) assert.match(text, `id="${operation.operationId}"`)
})

openapi.run()
