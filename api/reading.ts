import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'
import type { Answer } from './route.ts'
import { positionSchema } from './schemas.ts'

/** The problems that every query can answer. */
export const readProblems: readonly ProblemCode[] = ['Overloaded', 'ReadModelBehind', 'ReadModelBuilding', 'ReadModelUnavailable']

/** The headers that every query answers, for the document. */
export const readHeaders = {
  'Duxnet-Position': 'The position in the log that the read model stood at; −1 before the first event',
  ETag: 'Changes with the resource alone',
} as const

/** A parameter of every query. */
export const afterParameter = {
  after: positionSchema
    .transform((text) => BigInt(text))
    .optional()
    .describe(
      'Wait until the read model has come to this position (2 s at most): the `Duxnet-Position` of a command is where its effect shows',
    ),
}

/**
 * What `query` reads, at `after` or later. Throws `ReadModelBehind` when the read model does not get there in time, and
 * `ReadModelUnavailable` when Postgres does not answer in time.
 */
export async function readAt<T>(
  { progress, limits, isUnavailable }: Pick<Deps, 'progress' | 'limits' | 'isUnavailable'>,
  projection: { readonly name: string },
  after: bigint | undefined,
  query: () => Promise<Read<T>>,
): Promise<Read<T>> {
  // Most often what is waited for has just been written: to read before it can be there would be for nothing.
  if (after !== undefined)
    await orUnavailable(progress.reached(projection.name, after, limits.waitMs), limits.waitMs + limits.readMs, isUnavailable)
  const found = await orUnavailable(query(), limits.readMs, isUnavailable)
  if (after === undefined || found.position >= after) return found
  throw new ApiProblem('ReadModelBehind', { projection: projection.name, reached: String(found.position) }, positionOf(found))
}

/** What comes of `work`, if it comes in time and Postgres is there; otherwise throws `code`. */
export function orUnavailable<T>(
  work: Promise<T>,
  limitMs: number,
  isUnavailable: Deps['isUnavailable'],
  code: ProblemCode = 'ReadModelUnavailable',
): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (cause?: unknown) => reject(new ApiProblem(code, {}, {}, { cause }))
    const timer = setTimeout(give, limitMs)
    work.then(resolve, (error) => (isUnavailable(error) ? give(error) : reject(error))).finally(() => clearTimeout(timer))
  })
}

/** The header that says where the read model stood. */
export function positionOf({ position }: Read<unknown>): { readonly 'duxnet-position': string } {
  return { 'duxnet-position': String(position) }
}

/** JSON in which amounts and positions, which are bigints, are decimal text. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_name, field) => (typeof field === 'bigint' ? String(field) : field))
}

/** The answer about one thing that says itself when it changed last. */
export function one(read: Read<unknown>, changedPosition: bigint, body: unknown): Answer {
  return { status: 200, body: jsonText(body), headers: positionOf(read), etag: `"${read.generation}-${changedPosition}"` }
}

/** The answer about many things: its ETag is made from all it says, for what is gone from a list changed nothing that is in it. */
export function many(read: Read<unknown>, body: string): Answer {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return { status: 200, body, headers: positionOf(read), etag: `"${read.generation}-${digest}"` }
}

/** `limit` and `cursor` of every list. */
export const pageParameters = {
  limit: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|200)$/, 'must be a number from 1 to 200')
    .transform(Number)
    .optional()
    .meta({
      description: 'How many a page holds at most; 50 unless given',
      type: 'integer',
      minimum: 1,
      maximum: 200,
      pattern: undefined,
    }),
  cursor: z.string().max(1024).optional().describe('The `next` of the page before, of the same address, filters and order'),
}
export const pageLimit = 50

export const nextSchema = z.string().nullable().describe('The `cursor` of the next page; null when this is the last one')

export const listProblems: readonly ProblemCode[] = [...readProblems, 'CursorInvalid', 'CursorExpired']
