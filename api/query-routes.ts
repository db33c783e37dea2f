import { z } from 'zod'
import type { RefusalDetails } from '../domain/errors.ts'
import type { Answer as Read } from '../projections/read.ts'
import { asOfParameter, latest, positionAsOf, refuseAsOf } from './as-of.ts'
import type { Deps } from './deps.ts'
import { type PageOf, type PageQuery, readPlaces } from './paging.ts'
import { type Past, rowAsOf } from './past.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'
import {
  afterParameter,
  jsonText,
  listProblems,
  many,
  nextSchema,
  one,
  pageParameters,
  positionOf,
  readAt,
  readHeaders,
  readProblems,
} from './reading.ts'
import { type Route, route } from './route.ts'

// The two shapes that most queries have: one thing by its id, and a list in pages.

interface Described {
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly projection: { readonly name: string }
  readonly example: unknown
}

interface Detail<Params, Found> extends Described {
  readonly params?: z.ZodType<Params>
  readonly schema: z.ZodType
  /** Where there may be none. */
  readonly unknown?: { readonly code: ProblemCode; details(params: Params): RefusalDetails }
  read(reads: Deps['reads'], params: Params): Promise<Read<Found | undefined>>
  /** Of which events it is made, so that it can be told as it was; absent where it cannot. */
  past?(params: Params): Past
  /** What it is made of a row of that table; it is the row itself unless given. */
  fromRow?(row: never): Found
  /** What is answered about it; JSON in which bigints become decimal text. */
  body?(found: Found): unknown
}

/** One thing, which says itself when it changed last. */
export function detail<Params, Found extends { readonly changedPosition: bigint }>(definition: Detail<Params, Found>): Route {
  const { path, tag, summary, description, params, projection, schema, example, unknown, read, past, fromRow, body } = definition
  const readPast = async (deps: Deps, params: Params, asOf: string, after: bigint | undefined) => {
    const { value, ...place } = await rowAsOf(deps, asOf, after, past!(params))
    const found = value && ((fromRow ? fromRow(value as never) : value) as Found)
    return { value: found, ...place }
  }
  return route({
    method: 'GET',
    path,
    tag,
    summary,
    ...(description !== undefined && { description }),
    ...(params && { params }),
    query: z.strictObject({ ...asOfParameter, ...afterParameter }),
    successes: { 200: { description: 'It is', schema, example, headers: readHeaders } },
    problems: [...(unknown ? [unknown.code] : []), 'AsOfUnavailable', ...readProblems],
    lane: 'query',
    async handle({ params, query: { asOf, after } }, deps) {
      if (!past) refuseAsOf(asOf)
      const found =
        asOf === undefined
          ? await readAt(deps, projection, after, () => read(deps.reads, params as Params))
          : await readPast(deps, params as Params, asOf, after)
      const { value } = found
      if (value !== undefined) return one(found, value.changedPosition, body ? body(value) : value)
      throw new ApiProblem(unknown!.code, unknown!.details(params as Params), positionOf(found))
    },
  })
}

interface List<Params, Filter extends z.ZodRawShape, Item, Place> extends Described {
  readonly params?: z.ZodType<Params>
  readonly filter: Filter
  /** The field of the answer, and what it is a list of. */
  readonly field: string
  readonly item: z.ZodType
  /** What a cursor holds. */
  readonly place: z.ZodType<Place>
  readonly problems?: readonly ProblemCode[]
  /** Whether its lines never change, so that `read` can tell those up to `asOf`. */
  readonly isHistory?: true
  read(
    deps: Deps,
    asked: {
      readonly params: Params
      readonly filter: z.infer<z.ZodObject<Filter>>
      readonly limit: number
      readonly after: Place | undefined
      readonly asOf?: bigint
    },
  ): Promise<Read<PageOf<Item, Place>>>
  /** Looks at an empty list: throws where there is nothing that it could be of. */
  check?(deps: Deps, params: Params, after: bigint | undefined): Promise<void>
  /** JSON of an item; unless given, with bigints as decimal text. */
  text?(item: Item): string
}

/** A list, in pages. */
export function list<Params, Filter extends z.ZodRawShape, Item, Place>(definition: List<Params, Filter, Item, Place>): Route {
  const {
    path,
    tag,
    summary,
    description,
    params,
    projection,
    field,
    item,
    example,
    filter,
    place,
    isHistory = false,
    read,
    check,
    text = jsonText,
  } = definition
  return route({
    method: 'GET',
    path,
    tag,
    summary,
    ...(description !== undefined && { description }),
    ...(params && { params: params as z.ZodType<unknown> }),
    query: z.strictObject({ ...filter, ...pageParameters, ...asOfParameter, ...afterParameter }) as unknown as z.ZodType<
      PageQuery & { readonly asOf?: string }
    >,
    successes: {
      200: {
        description: 'A page',
        schema: z.strictObject({ [field]: z.array(item), next: nextSchema }),
        example: { [field]: [example], next: null },
        headers: readHeaders,
      },
    },
    problems: [...(definition.problems ?? []), 'AsOfUnavailable', ...listProblems],
    lane: 'query',
    async handle({ params, query: { limit, cursor, after, asOf, ...filter } }, deps) {
      if (!isHistory) refuseAsOf(asOf)
      const at = await positionAsOf(deps, asOf)
      const page = await readPlaces(
        deps,
        {
          identity: [path, params, filter, ...(at === undefined ? [] : [String(at)])],
          projection,
          place,
          read: (page) =>
            read(deps, {
              params: params as Params,
              filter: filter as z.infer<z.ZodObject<Filter>>,
              ...page,
              ...(at !== undefined && { asOf: at }),
            }),
        },
        { limit, cursor, after: latest(at, after) },
      )
      if (!page.value.length) await check?.(deps, params as Params, after)
      return many(page, `{"${field}":[${page.value.map((item) => text(item)).join()}],"next":${JSON.stringify(page.next)}}`)
    },
  })
}
