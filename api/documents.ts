import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { uuidSchema } from '../domain/ids.ts'
import { airdrops } from '../projections/airdrops.ts'
import { campaignView } from './airdrops.ts'
import { asyncApiDocument } from './asyncapi.ts'
import type { Deps } from './deps.ts'
import { eventJsonSchemas } from './event-schemas.ts'
import { browserModules } from './modules.ts'
import { openApiDocument } from './openapi.ts'
import { airdropsPage, campaignPage } from './pages/airdrops.ts'
import { docsPage } from './pages/docs.ts'
import { type Home, homePage } from './pages/home.ts'
import { html, htmlType, page, pageHeaders, prose } from './pages/html.ts'
import { moneyPage } from './pages/money.ts'
import { ApiProblem, type ProblemCode, problemPath, problems } from './problem.ts'
import { readAt, readProblems } from './reading.ts'
import { type Answer, json, type Route, route } from './route.ts'

const homeNodesMax = 50
const campaignsMax = 200

/** Pages, and the documents that describe the API; `all` are the routes described, these among them. */
export function documentRoutes(all: () => readonly Route[]): readonly Route[] {
  // Made once, and not before somebody asks.
  let openApi: { readonly document: Answer; readonly docs: Answer } | undefined
  let asyncApi: Answer | undefined
  let schemas: ReturnType<typeof eventJsonSchemas> | undefined
  const eventSchemas = () => (schemas ??= eventJsonSchemas())
  const made = ({ version }: Deps) => {
    if (openApi) return openApi
    const document = openApiDocument(all(), version)
    openApi = { document: tagged(json(200, document)), docs: pageAnswer(docsPage(document)) }
    return openApi
  }

  return [
    {
      ...shown('/openapi.json', 'This document'),
      successes: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.json()), headers } },
      handle: (_asked, deps) => made(deps).document,
    },
    {
      ...shown('/asyncapi.json', 'The events that are told without being asked for'),
      successes: { 200: { description: 'AsyncAPI 3.0', schema: z.record(z.string(), z.json()), headers } },
      handle: (_asked, { version }) => (asyncApi ??= tagged(json(200, asyncApiDocument(version)))),
    },
    {
      ...shown('/schemas', 'The schemas of all events'),
      successes: {
        200: {
          description: 'Their addresses',
          schema: z.strictObject({ schemas: z.array(z.string()) }),
          example: { schemas: ['/schemas/NodeRegistered.v1'] },
          headers,
        },
      },
      handle: () => tagged(json(200, { schemas: [...eventSchemas().keys()].map((name) => `/schemas/${name}`) })),
    },
    route({
      ...shown('/schemas/:name', 'What an event of a type is: where its `dataschema` points', 'application/schema+json'),
      params: z.strictObject({ name: z.string().max(100) }),
      problems: ['RouteUnknown'],
      handle({ params: { name } }) {
        const schema = eventSchemas().get(name)
        if (!schema) throw new ApiProblem('RouteUnknown')
        return tagged({ ...json(200, schema), type: 'application/schema+json' })
      },
    }),
    {
      ...shown('/', 'The network and its nodes, for people'),
      problems: ['Overloaded'],
      lane: 'query',
      handle: async (_asked, deps) => pageAnswer(homePage(await home(deps))),
    },
    { ...shown('/docs', 'This document, for people'), handle: (_asked, deps) => made(deps).docs },
    { ...shown('/wallet', 'Wallets, escrows, the community fund and the ledger, for people'), handle: () => money },
    route({
      ...shown('/airdrop', 'Airdrops, for people'),
      problems: readProblems,
      lane: 'query',
      async handle(_asked, deps) {
        const { value } = await readAt(deps, airdrops, undefined, () => deps.reads.listCampaigns({ limit: campaignsMax }))
        return pageAnswer(airdropsPage(value.items))
      },
    }),
    route({
      ...shown('/airdrop/:id', 'An airdrop, for people'),
      params: z.strictObject({ id: uuidSchema }),
      problems: ['CampaignUnknown', ...readProblems],
      lane: 'batch',
      handle: async ({ params: { id } }, deps) => pageAnswer(campaignPage(await campaignView(deps, id))),
    }),
    { ...shown('/problems', 'Every problem that the API can answer'), handle: () => pageAnswer(problemsPage()) },
    route({
      ...shown('/problems/:code', 'What a problem means: where its `type` points'),
      params: z.strictObject({ code: z.string().max(64) }),
      problems: ['ProblemUnknown'],
      handle: ({ params: { code } }) => pageAnswer(problemPage(code)),
    }),
    { ...shown('/pages/style.css', 'The style of the pages', 'text/css'), handle: () => style },
    { ...shown('/pages/docs.js', 'The script of `/docs`', 'text/javascript'), handle: () => script },
    { ...shown('/pages/money.js', 'The script of `/wallet`', 'text/javascript'), handle: () => moneyScript },
    route({
      ...shown('/modules/:room/:file', 'The client (`api/client.ts`) and what it imports, for pages', 'text/javascript'),
      params: z.strictObject({ room: z.string().max(64), file: z.string().max(64) }),
      problems: ['RouteUnknown'],
      handle({ params: { room, file } }) {
        const module = modules.get(`${room}/${file}`)
        if (!module) throw new ApiProblem('RouteUnknown')
        return module
      },
    }),
    { ...shown('/pages/keys.js', 'The part of it that holds a key', 'text/javascript'), handle: () => keysScript },
    { ...shown('/pages/nodes.js', 'The script of `/`', 'text/javascript'), handle: () => nodesScript },
    { ...shown('/pages/nodes-state.js', 'The part of it that folds events', 'text/javascript'), handle: () => nodesStateScript },
    { ...shown('/pages/signing.js', 'The part of it that signs', 'text/javascript'), handle: () => signingScript },
  ]
}

const headers = { ETag: 'Changes with the text alone' } as const

function shown(path: string, summary: string, type = 'text/html') {
  const successes = { 200: { description: summary, type, headers } }
  return { method: 'GET', path, tag: 'Pages', summary, successes, problems: [], lane: 'none' } as const
}

function pageAnswer(body: string): Answer {
  return tagged({ status: 200, body, type: htmlType, headers: pageHeaders })
}

function tagged(answer: Answer): Answer {
  return { ...answer, etag: `"${createHash('sha256').update(answer.body).digest('base64url').slice(0, 22)}"` }
}

function file(name: string, type: string): Answer {
  return tagged({
    status: 200,
    body: readFileSync(new URL(`./pages/${name}`, import.meta.url), 'utf8'),
    type: `${type}; charset=utf-8`,
  })
}

const style = file('style.css', 'text/css')
const script = file('docs.js', 'text/javascript')
const moneyScript = file('money.js', 'text/javascript')
const signingScript = file('signing.js', 'text/javascript')
const keysScript = file('keys.js', 'text/javascript')
const nodesScript = file('nodes.js', 'text/javascript')
const nodesStateScript = file('nodes-state.js', 'text/javascript')
const money = pageAnswer(moneyPage())
const modules = new Map(
  [...browserModules()].map(([path, body]) => [path, tagged({ status: 200, body, type: 'text/javascript; charset=utf-8' })]),
)

/** The page must open whatever is away. */
async function home(deps: Deps): Promise<Home> {
  const { networkId, version, reads, log } = deps
  try {
    const [network, stats, page] = await Promise.all([
      readAt(deps, { name: 'network' }, undefined, () => reads.network()),
      readAt(deps, { name: 'node-directory' }, undefined, () => reads.stats()),
      readAt(deps, { name: 'node-directory' }, undefined, () => reads.listNodes({ limit: homeNodesMax })),
    ])
    return {
      networkId,
      version,
      known: { network: network.value, stats: stats.value, nodes: page.value.nodes, position: page.position },
    }
  } catch (error) {
    log.warn({ err: error }, 'the first page shows no nodes')
    return { networkId, version }
  }
}

const codes = Object.keys(problems) as ProblemCode[]

function problemsPage(): string {
  const entries = codes.map(
    (code) =>
      html`<dt><a href="${problemPath(code)}"><code>${code}</code></a> ${problems[code].status} · ${problems[code].title}</dt><dd>${prose(problems[code].about)}</dd>\n`,
  )
  return page(
    'DuxNet: problems',
    html`<h1>Problems</h1>
${prose('Every answer that is no success is `application/problem+json` (RFC 9457). `code` stays as it is for ever; `type` leads to its page here.')}
<dl>${entries}</dl>`,
  )
}

function problemPage(slug: string): string {
  const code = codes.find((code) => problemPath(code) === `/problems/${slug}`)
  if (!code) throw new ApiProblem('ProblemUnknown')
  const { status, title, about, retryAfterSeconds } = problems[code]
  return page(
    `DuxNet: ${title}`,
    html`<h1>${title}</h1>
<p><code>${code}</code> · status ${status}</p>
${prose(about)}
${retryAfterSeconds === undefined ? undefined : prose('Trying again helps; `Retry-After` says when.')}`,
  )
}
