import { randomBytes } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { z } from 'zod'
import type { Deps } from './deps.ts'
import type { FeedQuery } from './feed-query.ts'
import { type Feed, TooSlow } from './feeds.ts'
import { ApiProblem, type Problem, problemOf } from './problem.ts'
import { orUnavailable } from './reading.ts'
import { type ByteBudget, parametersOf, queryOf, readBody, traceparentOf } from './request.ts'
import { type Answer, type Asked, type Lane, problemType, type Route } from './route.ts'
import { sseHeaders, sseSink, sseType } from './sse.ts'

const urlCharactersMax = 4096

/** From requests to answers: what all routes have in common. */
export interface Exchange {
  /** A route as Express takes it. All of it happens in this one handler, from the address to the metrics: each middleware would cost. */
  serve(route: Route): RequestHandler
  /** Answers a request that reached no handler; `path` is that of the route it came near, or `none`. */
  refuse(path: string, request: Request, response: Response, error: unknown): void
}

export function exchange(deps: Deps): Exchange {
  const gates = gatesOf(deps)
  const bodies: ByteBudget = { left: deps.limits.bodyBytesAtOnce }
  const report = reporter(deps)

  function serve(route: Route): RequestHandler {
    const gate = gates[route.lane]
    // Most are asked without parameters; undefined where there must be one.
    const noQuery = route.query === undefined ? {} : route.query.safeParse({}).data
    const isJson = Object.values(route.successes).some(({ schema }) => schema)

    async function answer(request: Request): Promise<Answer> {
      const { url, headers } = request
      if (url.length > urlCharactersMax) throw new ApiProblem('UrlTooLong', { charactersMax: urlCharactersMax })
      if (isJson && headers.accept !== undefined && headers.accept !== '*/*' && !request.accepts('application/json'))
        throw new ApiProblem('NotAcceptable')
      const params = route.params ? parametersOf(request.params, route.params) : request.params
      const query = url.includes('?') ? queryOf(url, route.query) : (noQuery ?? queryOf('', route.query))
      gate.check()
      const body = route.body && (await readBody(request, route.body.bytesMax, bodies))
      // Not before: a body that trickles in takes no place.
      gate.check()
      return gate.pass(() =>
        route.handle(
          {
            params,
            query,
            body,
            traceparent: traceparentOf(request),
            authorization: headers.authorization,
            address: request.socket.remoteAddress ?? '',
          } as Asked,
          deps,
        ),
      )
    }

    return async (request, response) => {
      const startedAt = performance.now()
      try {
        if (route.feed && prefersFeed(request)) await listen(route.feed, request, response)
        else send(request, response, await answer(request), deps)
      } catch (error) {
        fail(request, response, error)
      }
      deps.metrics.requested(route.path, request.method, response.statusCode, (performance.now() - startedAt) / 1000)
    }
  }

  /** Begins a feed, which goes on by itself. Throws what keeps it from beginning. */
  async function listen({ query }: NonNullable<Route['feed']>, request: Request, response: Response): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const lastEventId = request.headers['last-event-id']
    const feed = await openFeed(request.url, query, typeof lastEventId === 'string' ? lastEventId : undefined, deps)
    // Whoever left meanwhile will not be heard to leave again.
    if (gone.signal.aborted) return
    const head = [...headOf(sseHeaders, deps), 'content-type', sseType]
    if (request.method === 'HEAD') return void response.writeHead(200, head).end()
    feed.run(sseSink(response, head), AbortSignal.any([gone.signal, deps.stopping])).then(
      () => response.end(),
      (error) => {
        response.destroy()
        if (!(error instanceof TooSlow)) deps.log.warn({ err: error }, 'a feed ended')
      },
    )
  }

  function fail(request: Request, response: Response, error: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const traceId = traceparentOf(request)?.slice(3, 35) ?? randomBytes(16).toString('hex')
    const problem = problemOf(error, traceId)
    report(problem, error, request)
    send(
      request,
      response,
      { status: problem.status, type: problemType, body: JSON.stringify(problem.body), headers: problem.headers },
      deps,
    )
  }

  function refuse(path: string, request: Request, response: Response, error: unknown): void {
    fail(request, response, error)
    deps.metrics.requested(path, request.method, response.statusCode, 0)
  }

  return { serve, refuse }
}

/** A feed as a request asks for it. Throws `ParameterInvalid`, `UrlTooLong`, `Overloaded`, `ReadModelUnavailable`. */
export function openFeed(
  url: string,
  query: z.ZodType<FeedQuery>,
  lastEventId: string | undefined,
  { feeds, limits, isUnavailable }: Deps,
): Promise<Feed> {
  if (url.length > urlCharactersMax) throw new ApiProblem('UrlTooLong', { charactersMax: urlCharactersMax })
  return orUnavailable(feeds.open(queryOf(url, query) as FeedQuery, lastEventId), limits.readMs, isUnavailable)
}

function prefersFeed(request: Request): boolean {
  const { accept } = request.headers
  return accept?.includes(sseType) === true && request.accepts(['application/json', sseType]) === sseType
}

const jsonType = 'application/json; charset=utf-8'

/** One flat list and no setHeader: half the cost of Express' own way. */
function headOf(headers: Readonly<Record<string, string>>, { stopping }: Pick<Deps, 'stopping'>): string[] {
  const head = ['x-content-type-options', 'nosniff', 'referrer-policy', 'no-referrer']
  if (!('content-security-policy' in headers)) head.push('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  for (const name in headers) head.push(name, headers[name]!)
  if (stopping.aborted) head.push('connection', 'close')
  return head
}

function send(
  request: Request,
  response: Response,
  { status, body, type = jsonType, headers = {}, etag }: Answer,
  deps: Deps,
): void {
  const head = headOf(headers, deps)
  if (!('cache-control' in headers)) head.push('cache-control', etag === undefined ? 'no-store' : 'no-cache')
  if (etag !== undefined) head.push('etag', etag)
  if (etag !== undefined && status === 200 && isKnown(request.headers['if-none-match'], etag)) {
    response.writeHead(304, head).end()
  } else {
    head.push('content-type', type, 'content-length', String(Buffer.byteLength(body)))
    response.writeHead(status, head).end(body)
  }
}

/** RFC 9110 §13.1.2: weak comparison. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return ifNoneMatch.split(',').some((tag) => opaque(tag) === opaque(etag))
}

/** As many requests of a lane in work at once as it may have. */
interface Gate {
  /** Throws `Overloaded`. */
  check(): void
  pass<T>(work: () => T | Promise<T>): Promise<T>
}

function gatesOf({ limits }: Deps): Readonly<Record<Lane, Gate>> {
  return {
    command: gate(limits.commandsAtOnce),
    batch: gate(limits.batchesAtOnce),
    query: gate(limits.queriesAtOnce),
    none: gate(Number.POSITIVE_INFINITY),
  }
}

function gate(max: number): Gate {
  let inWork = 0
  return {
    check() {
      if (inWork >= max) throw new ApiProblem('Overloaded')
    },
    async pass(work) {
      inWork++
      try {
        return await work()
      } finally {
        inWork--
      }
    },
  }
}

/** Logs what is our fault. An engine that is away fails every request: its code is logged once a second. */
function reporter({ log }: Deps): (problem: Problem, error: unknown, request: Request) => void {
  const reportedAt = new Map<string, number>()
  return ({ body: { code, traceId, status } }, error, { method, path }) => {
    if (status < 500) return
    const fields = { err: error, traceId, code, method, path }
    if (status === 500) return log.error(fields, 'a request failed')
    const now = performance.now()
    if (now - (reportedAt.get(code) ?? Number.NEGATIVE_INFINITY) < 1000) return
    reportedAt.set(code, now)
    log.warn(fields, `requests are answered ${status}`)
  }
}
