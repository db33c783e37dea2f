import type { IncomingHttpHeaders } from 'node:http'
import type { Audience } from '../security/audience.ts'

export interface Request {
  /** Where the client found this server, `http://host:port`. */
  readonly origin: string
  /** The same without the scheme. */
  readonly authority: string
  readonly headers: IncomingHttpHeaders
  /** What stood in the places of the route's path that have a name. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

export interface Answer {
  readonly status: number
  /** The media type; undefined when there is no body to speak of. */
  readonly type?: string | undefined
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** `/subscriptions/:stream`: a segment with a colon takes any text. */
  readonly path: string
  /** Who may ask, on a server that knows users. */
  readonly audience: Audience
  answer(request: Request): Answer | Promise<Answer>
}

export const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value, null, 2),
})

/** What is asked for: a route and what its path says, or the answer that there is none. */
export type Match = { readonly route: Route; readonly params: Request['params'] } | Answer

/** A HEAD is a GET whose body stays here. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const segments = decoded(path)
  if (!segments) return { status: 400 }
  const allowed = new Set<string>()
  for (const route of routes) {
    const params = matchPath(route.path.split('/'), segments)
    if (!params) continue
    if (route.method === method || (route.method === 'GET' && method === 'HEAD')) return { route, params }
    allowed.add(route.method)
  }
  return allowed.size > 0 ? { status: 405, headers: { allow: [...allowed].join(', ') } } : { status: 404 }
}

function decoded(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function matchPath(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index]!
    if (part.startsWith(':') && segment !== '') params[part.slice(1)] = segment
    else if (part !== segment) return undefined
  }
  return params
}
