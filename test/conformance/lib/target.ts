// Where a server is, out of the connection string that the client takes.
import { readFileSync } from 'node:fs'
import type { Security } from './connection.ts'

/** `esdb://[user:password@]host:port?tls=false`; without `tls=false` it must name a `tlsCAFile`. One host only. */
export function targetOf(connectionString: string): { target: string; security: Security } {
  const { hostname, port, username, password, searchParams } = new URL(connectionString)
  const target = `${hostname}:${port || 2113}`
  if (searchParams.get('tls') === 'false') return { target, security: {} }
  const ca = searchParams.get('tlsCAFile')
  if (!ca) throw new Error(`${target} is to be reached over TLS: its connection string must name a tlsCAFile`)
  const user = { user: decodeURIComponent(username) || 'admin', password: decodeURIComponent(password) || 'changeit' }
  return { target, security: { ca: readFileSync(ca), user } }
}
