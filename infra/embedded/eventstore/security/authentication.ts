import { createHmac, randomBytes } from 'node:crypto'
import { handlerThrew, unauthenticated } from '../grpc/status.ts'
import type { Authenticate } from './guard.ts'
import { isPassword } from './passwords.ts'
import { anonymous, type Principal } from './principal.ts'
import type { Snapshot, User, Users } from './users.ts'

/** What was found out about a header, and the account that it rests on. */
interface Verdict {
  readonly account: Snapshot
  /** Undefined: refused. */
  readonly principal: Principal | undefined
}

const rememberedVerdicts = 1_000

/**
 * Basic authentication, call by call. A verdict is remembered under a keyed digest of the header, never the password, and holds
 * until the account changes: so a slow hash is made once, and a changed password or a disabled user is refused at once.
 */
export function basicAuthentication(users: Users): Authenticate {
  const key = randomBytes(32)
  const verdicts = new Map<string, Verdict>()
  const underWay = new Map<string, Promise<Principal>>()

  function remembered(digest: string): Verdict | undefined {
    const verdict = verdicts.get(digest)
    if (!verdict) return undefined
    verdicts.delete(digest)
    if (!verdict.account.isCurrent()) return undefined
    verdicts.set(digest, verdict)
    return verdict
  }

  function remember(digest: string, verdict: Verdict): void {
    verdicts.set(digest, verdict)
    if (verdicts.size <= rememberedVerdicts) return
    for (const oldest of verdicts.keys()) {
      verdicts.delete(oldest)
      break
    }
  }

  async function judge(digest: string, { login, password }: Credentials): Promise<Principal> {
    for (;;) {
      const account = users.snapshot(login)
      const { user } = account
      const isTheirs = await isPassword(password, user)
      if (!account.isCurrent()) continue
      const isAdmitted = isTheirs && user !== undefined && !user.disabled
      const verdict = { account, principal: isAdmitted ? principalOf(users, user) : undefined }
      remember(digest, verdict)
      return admitted(verdict)
    }
  }

  return (authorization) => {
    if (authorization === undefined) return anonymous
    const digest = createHmac('sha256', key).update(authorization).digest('base64')
    const verdict = remembered(digest)
    if (verdict) return admitted(verdict)
    const credentials = readBasic(authorization)
    if (!credentials) return anonymous
    const pending = underWay.get(digest) ?? judge(digest, credentials).finally(() => underWay.delete(digest))
    underWay.set(digest, pending)
    return pending
  }
}

function admitted({ principal }: Verdict): Principal {
  if (!principal) throw unauthenticated()
  return principal
}

/**
 * A user for as long as a call goes on: in the groups that they are in by then, and with no right any more once the account is
 * disabled, removed or has another password.
 */
function principalOf(users: Users, { loginName, hash }: User): Principal {
  let account = users.snapshot(loginName)
  const now = () => {
    if (!account.isCurrent()) account = users.snapshot(loginName)
    return account.user
  }
  return {
    kind: 'user',
    name: loginName,
    get groups() {
      return now()?.groups ?? []
    },
    get isRevoked() {
      const user = now()
      return user === undefined || user.disabled || user.hash !== hash
    },
  }
}

interface Credentials {
  readonly login: string
  readonly password: string
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Undefined for any other scheme, and where there is no colon: then nobody is named. Malformed base64 is a broken request. */
function readBasic(authorization: string): Credentials | undefined {
  const text = authorization.trim()
  if (!/^Basic(?:\s|$)/.test(text)) return undefined
  const encoded = text.slice('Basic'.length).replaceAll(/\s/g, '')
  if (encoded === '' || !base64.test(encoded)) throw handlerThrew()
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? undefined : { login: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
