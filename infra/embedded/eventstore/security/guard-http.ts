import { code, Status } from '../grpc/status.ts'
import type { Answer, Request, Route } from '../http/routes.ts'
import { belongs } from './audience.ts'
import type { Authenticate } from './guard.ts'
import type { Principal } from './principal.ts'

/** The routes, each behind the question who asks and whether it is for them. Whoever watches over the node's health needs no account. */
export function guardedRoutes(routes: readonly Route[], authenticate: Authenticate): readonly Route[] {
  return routes.map((route) => (route.path.startsWith('/health/') ? route : { ...route, answer: guard(route, authenticate) }))
}

const unauthorised: Answer = { status: 401, headers: { 'www-authenticate': 'Basic realm="DuxNet event store"' } }

function guard(route: Route, authenticate: Authenticate): Route['answer'] {
  return async (request: Request) => {
    let principal: Principal
    try {
      principal = await authenticate(request.headers.authorization)
    } catch (error) {
      return refused(error)
    }
    return belongs(principal, route.audience) ? route.answer(request) : unauthorised
  }
}

function refused(error: unknown): Answer {
  if (!(error instanceof Status)) throw error
  if (error.code === code.unauthenticated) return unauthorised
  return { status: error.code === code.unavailable ? 503 : 400 }
}
