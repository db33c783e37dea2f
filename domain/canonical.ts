import canonicalize from 'canonicalize'

/** JSON as the log allows it: every number is a safe integer, every string well-formed and free of U+0000. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** `value` has no canonical form; `path` points at the place (`data.load`), `reason` says why. */
export class NotCanonical extends Error {
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path || 'value'} ${reason}`)
    this.name = 'NotCanonical'
    this.path = path
    this.reason = reason
  }
}

/**
 * The RFC 8785 (JSON Canonicalization Scheme) text of `value`. Throws `NotCanonical` for what the log refuses: U+0000,
 * lone surrogates, numbers that are not safe integers, and anything that is not JSON. Negative zero is written as 0, as RFC 8785 says.
 */
export function canonicalJson(value: Json): string {
  check(value, '', 0)
  return canonicalize(value) as string
}

const depthMax = 32

/** Throws `NotCanonical` unless `canonicalJson` would accept `value`. */
function check(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') return checkText(value, path)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new NotCanonical(path, 'is not a safe integer')
    return
  }
  if (typeof value !== 'object') throw new NotCanonical(path, 'is not JSON')
  if (depth === depthMax) throw new NotCanonical(path, `is nested deeper than ${depthMax}`)
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) check(item, `${path}[${index}]`, depth + 1)
    return
  }
  if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null)
    throw new NotCanonical(path, 'is not JSON')
  for (const [key, item] of Object.entries(value)) {
    checkText(key, path)
    check(item, path ? `${path}.${key}` : key, depth + 1)
  }
}

function checkText(text: string, path: string): void {
  if (text.includes('\u0000')) throw new NotCanonical(path, 'contains U+0000')
  if (!text.isWellFormed()) throw new NotCanonical(path, 'contains a lone surrogate')
}
