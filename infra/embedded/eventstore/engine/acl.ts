import type { Json } from './lenient-json.ts'

/** Who has which right on a stream, by the names of users and groups; a right that it leaves out goes by the defaults. */
export type Acl = Readonly<Partial<Record<Right, readonly string[]>>>
export type Right = '$r' | '$w' | '$d' | '$mr' | '$mw'

const rights: ReadonlySet<string> = new Set<Right>(['$r', '$w', '$d', '$mr', '$mw'])

/** Throws TypeError when a value is neither a role nor a list of roles, or belongs to no known right. */
export function readAcl(json: Json): Acl {
  if (!(json instanceof Map)) throw new TypeError('$acl is no object')
  return Object.fromEntries(Array.from(json, ([right, roles]) => [right, readRoles(right, roles)]))
}

function readRoles(right: string, roles: Json): readonly string[] {
  if (rights.has(right)) {
    if (typeof roles === 'string') return [roles]
    if (Array.isArray(roles) && roles.every((role) => typeof role === 'string')) return roles
  }
  throw new TypeError(`$acl.${right} is neither a role nor a list of roles`)
}
