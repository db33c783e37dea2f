import type { z } from 'zod'
import { type DomainError, malformed } from '../domain/errors.ts'

/** `raw` as `schema` has it. Throws `CommandMalformed` naming the first field that is wrong, as a path that begins with `at`. */
export function parse<T>(schema: z.ZodType<T>, raw: unknown, at: string): T {
  const parsed = schema.safeParse(raw)
  if (parsed.success) return parsed.data
  throw refusalOf(parsed.error.issues[0]!, at)
}

function refusalOf(issue: z.core.$ZodIssue, at: string): DomainError {
  const path = issue.path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : join(text, String(step))),
    at,
  )
  if (issue.code === 'unrecognized_keys') return malformed(join(path, issue.keys[0]!), 'is not a known field')
  if (issue.code === 'invalid_union' && issue.errors.length) {
    // The alternative that came nearest says what is missing.
    const [nearest] = issue.errors.toSorted((one, other) => one.length - other.length)
    return refusalOf(nearest![0]!, path)
  }
  return malformed(path || 'envelope', issue.message)
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key
}
