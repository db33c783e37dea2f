// Users of a secure server: the built-in ones, and accounts of one run.
import type { Wire } from './codec.ts'
import type { Credentials } from './connection.ts'
import type { Toolkit } from './toolkit.ts'

export const ops: Credentials = { user: 'ops', password: 'changeit' }
export const admin: Credentials = { user: 'admin', password: 'changeit' }
export const nobody = null

/** A fresh account of that name; the run is part of the login. */
export async function account(t: Toolkit, hint: string, groups: readonly string[] = []): Promise<Credentials> {
  const user = `${hint}${t.run}`
  const password = 'changeit'
  await t.call('Users', 'Create', { options: { loginName: user, password, fullName: hint, groups } }, { as: admin })
  return { user, password }
}

/** 'ok', or how the server refused. */
export function verdict({ error }: Wire): string {
  if (!error) return 'ok'
  if (error.details) return `${error.code} ${error.details.typeUrl.split('.').at(-1)}`
  return error.exception ? `${error.code} ${error.exception}` : error.code
}
