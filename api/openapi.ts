import { z } from 'zod'
import { example } from './examples.ts'
import { ApiProblem, type ProblemCode, problemOf, problems } from './problem.ts'
import { problemType, type Route, type Success } from './route.ts'
import { problemSchema } from './schemas.ts'
import { sseType } from './sse.ts'

/** What any route can answer. */
const everywhere: readonly ProblemCode[] = [
  'RequestMalformed',
  'ParameterInvalid',
  'RequestTimeout',
  'UrlTooLong',
  'HeadersTooLarge',
  'InternalError',
]

const tags = {
  Nodes: 'Who is in the network and how they do. Answers come from read models; `Duxnet-Position` says how far those have come.',
  Network: 'The network itself: its keys, policy and figures.',
  Wallets: 'Money that a key may spend, and how it comes and goes over the chain.',
  Escrows: 'Money that is locked until work is done: who waits for what, and who was paid.',
  Fund: 'The community fund: what came in, what it was spent on, and who decided.',
  Airdrops: 'Who gets what of a campaign, decided by the log alone: rules, lists, proofs, claims and appeals (docs/airdrops.md).',
  Ledger: 'The double-entry book of all money. Amounts are decimal text in minor units: 1 FLOP is 100000000.',
  Commands: 'Signed commands. The one who signs is the one who sends; there is no other login.',
  Events: 'The log itself, as it was signed and hashed.',
  Transparency:
    'The log as a Merkle tree (RFC 6962) in the tiles, checkpoints and notes of C2SP: proofs for whoever does not trust this server (docs/auditing.md).',
  Disclosures:
    'What the log only commits to: terms, evidence, addresses. It is kept aside, read by whom it concerns, and can be erased.',
  Webhooks: 'Events posted to you as they happen, in the format of Standard Webhooks (docs/webhooks.md).',
  Operations: 'For those who run the process.',
  Pages: 'For people, and this document.',
} as const

type JsonObject = Record<string, unknown>

/** The OpenAPI 3.1 document of `routes`. */
export function openApiDocument(routes: readonly Route[], version: string): JsonObject {
  const schemas: JsonObject = {}
  const paths: Record<string, JsonObject> = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => jsonSchema(schema, io, schemas)
  schemaOf(problemSchema, 'output')
  for (const route of routes) (paths[openApiPath(route.path)] ??= {})[route.method.toLowerCase()] = operation(route, schemaOf)
  return {
    openapi: '3.1.1',
    info: {
      title: 'DuxNet',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: [
        'Commands go in signed; queries come out of read models that anyone can rebuild from the log.',
        'Shares, loads and rates are permille: 1000 is one whole. Instants are UTC with milliseconds. Positions are decimal text, for they pass 2^53.',
        'Every answer of a query bears `Duxnet-Position`, the position in the log that its read model has come to; `?after=<position>` waits until it is at least there. An `ETag` changes with the resource alone; send it as `If-None-Match` to be answered 304. GET addresses answer HEAD.',
        'Every problem is `application/problem+json` (RFC 9457) with a `code` that stays as it is for ever.',
      ].join('\n\n'),
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: { [readerScheme]: readerSecurity },
      schemas,
      examples: Object.fromEntries((Object.keys(problems) as ProblemCode[]).map(problemExample)),
    },
  }
}

const readerScheme = 'signedReader'
const readerSecurity = { type: 'http', scheme: 'DuxNet', description: problems.AuthorizationRequired.about }

/** Schemas with an id become components, and `$ref`s point there. The only ones that zod has to name itself are its own `z.json()`. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: JsonObject): JsonObject {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { target: 'draft-2020-12', io }) as JsonObject
  const text = JSON.stringify(made)
    .replaceAll(/__schema\d+/g, 'Json')
    .replaceAll('"#/$defs/', '"#/components/schemas/')
  const { $defs = {}, id, ...inline } = JSON.parse(text) as JsonObject
  for (const [name, { id: _, ...definition }] of Object.entries($defs as Record<string, JsonObject>)) components[name] = definition
  if (typeof id !== 'string') return inline
  components[id] = inline
  return { $ref: `#/components/schemas/${id}` }
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => JsonObject

function operation(route: Route, schemaOf: SchemaOf): JsonObject {
  const { method, path, tag, summary, description, params, query, body, feed } = route
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description !== undefined && { description: feed ? `${description}\n\n${feed.description}` : description }),
    ...(route.authorized && { security: [{ [readerScheme]: [] }] }),
    parameters: [
      ...(params ? parameters('path', schemaOf(params, 'input')) : []),
      ...(query ? parameters('query', schemaOf(query, 'input')) : []),
      ...(feed ? feedParameters(schemaOf(feed.query, 'input'), schemaOf(query!, 'input')) : []),
      ...headerParameters(route),
    ],
    ...(body && {
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: schemaOf(body.schema, 'input'),
            ...(body.example !== undefined && { example: body.example }),
          },
        },
      },
    }),
    responses: responses(route, schemaOf),
  }
}

/** Those that only the feed has. What both have under one name is the page's here: the feed takes several by commas. */
function feedParameters({ properties = {} }: JsonObject, page: JsonObject): JsonObject[] {
  const own = Object.entries(properties as JsonObject).filter(([name]) => !Object.hasOwn(page.properties as JsonObject, name))
  return parameters('query', { properties: Object.fromEntries(own) })
}

function parameters(place: 'path' | 'query', { properties = {}, required = [] }: JsonObject): JsonObject[] {
  return Object.entries(properties as Record<string, JsonObject>).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || (required as string[]).includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
}

function headerParameters({ method, successes }: Route): JsonObject[] {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  })
  return [
    ...(method === 'POST' ? [header('traceparent', 'W3C Trace Context; kept with the events')] : []),
    ...(successes[200]?.headers?.ETag ? [header('If-None-Match', 'An ETag that the client has')] : []),
  ]
}

function responses(route: Route, schemaOf: SchemaOf): JsonObject {
  const made: Record<string, JsonObject> = {}
  for (const [status, success] of Object.entries(route.successes)) made[status] = successResponse(success, schemaOf)
  if (route.feed)
    Object.assign(made[200]!.content as JsonObject, { [sseType]: { schema: { type: 'string' }, example: route.feed.example } })
  if (route.successes[200]?.headers?.ETag)
    made[304] = { description: 'As the client has it', headers: headers({ ETag: 'The same' }) }
  for (const [status, codes] of Map.groupBy(problemsOf(route), (code) => problems[code].status)) {
    const { description, content, ...rest } = made[status] ?? {}
    const canRetry = codes.some((code) => problems[code].retryAfterSeconds !== undefined)
    made[status] = {
      ...rest,
      description: [description, ...codes.map((code) => `\`${code}\`: ${problems[code].title}`)].filter(Boolean).join('\n\n'),
      ...(canRetry && { headers: headers({ 'Retry-After': 'Seconds after which to try again' }) }),
      content: { ...(content as JsonObject), [problemType]: problemContent(codes) },
    }
  }
  return made
}

/** What a route can be refused with. */
export function problemsOf(route: Route): readonly ProblemCode[] {
  const json = Object.values(route.successes).some(({ schema }) => schema)
  return [...new Set([...route.problems, ...everywhere, ...(json ? ['NotAcceptable' as const] : [])])]
}

function successResponse(
  { description, schema, type = 'application/json', example, headers: named }: Success,
  schemaOf: SchemaOf,
): JsonObject {
  return {
    description,
    ...(named && { headers: headers(named) }),
    content: {
      [type]: { schema: schema ? schemaOf(schema, 'output') : { type: 'string' }, ...(example !== undefined && { example }) },
    },
  }
}

function problemContent(codes: readonly ProblemCode[]): JsonObject {
  return {
    schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] },
    examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
  }
}

function problemExample(code: ProblemCode): [string, JsonObject] {
  const { title } = problems[code]
  return [code, { summary: title, value: problemOf(new ApiProblem(code), example.traceId).body }]
}

function headers(named: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(named).map(([name, description]) => [name, { description, schema: { type: 'string' } }]))
}

const openApiPath = (path: string) => path.replaceAll(/[:*](\w+)/g, '{$1}')

/** `GET /v1/nodes/:id/health` → `getNodesByIdHealth`. */
function operationId(method: string, path: string): string {
  const words = path
    .replace(/^\/v1/, '')
    .split(/[^\w:]+/)
    .filter(Boolean)
  const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1)
  return (
    method.toLowerCase() +
    (words.map((word) => (word[0] === ':' ? `By${capital(word.slice(1))}` : capital(word))).join('') || 'Home')
  )
}
