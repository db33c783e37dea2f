import type { Call } from '../grpc/call.ts'
import type { Handler } from '../grpc/server.ts'
import { accessDenied } from '../grpc/status.ts'
import { audienceOf, belongs } from './audience.ts'
import { type Principal, system } from './principal.ts'

/** Who sends a request with such an `authorization` header. Throws, or rejects with, the Status that refuses it. */
export type Authenticate = (authorization: string | undefined) => Principal | Promise<Principal>

/** Without a certificate nobody can be told from anybody else, and everything is allowed. */
export const withoutUsers: Authenticate = () => system

/** What nobody has to answer for is kept small: strangers have little to say, and could else fill the memory with it. */
const strangersBytes = 64 * 1024

/** The handlers, each behind the question who calls and whether the method is for them; which stream they may use is asked later. */
export function guarded(handlers: ReadonlyMap<string, Handler>, authenticate: Authenticate): ReadonlyMap<string, Handler> {
  return new Map(Array.from(handlers, ([path, handler]) => [path, guard(path, handler, authenticate)]))
}

function guard(path: string, handler: Handler, authenticate: Authenticate): Handler {
  const audience = audienceOf(path)

  function admit(call: Call, principal: Principal): void {
    if (!belongs(principal, audience)) throw accessDenied()
    call.principal = principal
    if (principal.kind === 'anonymous') call.limitMessages(strangersBytes)
    handler(call)
  }

  return (call) => {
    const principal = authenticate(call.headers.authorization)
    if (principal instanceof Promise) whenKnown(call, principal, (known) => admit(call, known))
    else admit(call, principal)
  }
}

/** A request waits with its client until it is known whose it is. */
function whenKnown(call: Call, principal: Promise<Principal>, admit: (principal: Principal) => void): void {
  call.hold()
  principal
    .then((known) => {
      if (!call.ended) admit(known)
    })
    .catch((error) => call.fail(error))
    .finally(() => call.release())
}
