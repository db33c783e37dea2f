import type { z } from 'zod'
import type { Deps } from './deps.ts'
import type { FeedQuery } from './feed-query.ts'
import type { ProblemCode } from './problem.ts'

/** What a handler is asked; parameters as their schemas made them. */
export interface Asked<Params = Record<string, never>, Query = Record<string, never>> {
  readonly params: Params
  readonly query: Query
  /** The JSON of the body; undefined where the route takes none. */
  readonly body: unknown
  /** The header, if it is a valid one. */
  readonly traceparent: string | undefined
  /** The sender's IP address, or that of the proxy in front. */
  readonly address: string
  /** The header, where there is one. */
  readonly authorization: string | undefined
}

/** What a handler answers. */
export interface Answer {
  readonly status: number
  readonly body: string | Buffer
  /** Default: JSON. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** With its quotes. A request that has it already is answered 304. */
  readonly etag?: string
}

/** A success as the OpenAPI document describes it. */
export interface Success {
  readonly description: string
  /** Default: the route answers no JSON and `type` says what. */
  readonly schema?: z.ZodType
  readonly type?: string
  readonly example?: unknown
  /** Response headers of this answer: name → what it says. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Which of the bounded queues a request stands in; `none` for what must answer under any load. */
export type Lane = 'command' | 'batch' | 'query' | 'none'

/**
 * One address and method. This one table makes both Express' routes and the OpenAPI document, so that neither can drift from the
 * other. GET routes answer HEAD too.
 */
export interface Route<Params = unknown, Query = unknown> {
  readonly method: 'GET' | 'POST'
  /** Express' form: `/v1/nodes/:id`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** Strict objects. */
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  /** Whether the `Authorization` header says who reads. */
  readonly authorized?: true
  readonly body?: { readonly schema: z.ZodType; readonly bytesMax: number; readonly example?: unknown }
  readonly successes: Readonly<Record<number, Success>>
  /** What it can refuse, beside what every route can. */
  readonly problems: readonly ProblemCode[]
  readonly lane: Lane
  /** It also has a feed: the same without an end, for whoever prefers `text/event-stream` to JSON, or asks for a WebSocket. */
  readonly feed?: { readonly query: z.ZodType<FeedQuery>; readonly description: string; readonly example: string }
  handle(asked: Asked<Params, Query>, deps: Deps): Answer | Promise<Answer>
}

/** Declares a route; only for its types. */
export function route<Params, Query>(definition: Route<Params, Query>): Route {
  return definition as Route
}

/** RFC 9457. */
export const problemType = 'application/problem+json'

/** A JSON answer. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Answer {
  const body = JSON.stringify(value)
  return headers ? { status, body, headers } : { status, body }
}
