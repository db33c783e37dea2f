import { z } from 'zod'
import type { RefusalDetails } from '../domain/errors.ts'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { type PageOf, type PageQuery, readPlaces } from './paging.ts'
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
  /** What is answered about it; JSON in which bigints become decimal text. */
  body?(found: Found): unknown
}

/** One thing, which says itself when it changed last. */
export function detail<Params, Found extends { readonly changedPosition: bigint }>(definition: Detail<Params, Found>): Route {
  const { path, tag, summary, description, params, projection, schema, example, unknown, read, body } = definition
  return route({
    method: 'GET',
    path,
    tag,
    summary,
    ...(description !== undefined && { description }),
    ...(params && { params }),
    query: z.strictObject(afterParameter),
    successes: { 200: { description: 'It is', schema, example, headers: readHeaders } },
    problems: [...(unknown ? [unknown.code] : []), ...readProblems],
    lane: 'query',
    async handle({ params, query: { after } }, deps) {
      const found = await readAt(deps, projection, after, () => read(deps.reads, params as Params))
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
  read(
    deps: Deps,
    asked: {
      readonly params: Params
      readonly filter: z.infer<z.ZodObject<Filter>>
      readonly limit: number
      readonly after: Place | undefined
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
    query: z.strictObject({ ...filter, ...pageParameters, ...afterParameter }) as unknown as z.ZodType<PageQuery>,
    successes: {
      200: {
        description: 'A page',
        schema: z.strictObject({ [field]: z.array(item), next: nextSchema }),
        example: { [field]: [example], next: null },
        headers: readHeaders,
      },
    },
    problems: [...(definition.problems ?? []), ...listProblems],
    lane: 'query',
    async handle({ params, query: { limit, cursor, after, ...filter } }, deps) {
      const page = await readPlaces(
        deps,
        {
          identity: [path, params, filter],
          projection,
          place,
          read: (page) => read(deps, { params: params as Params, filter: filter as z.infer<z.ZodObject<Filter>>, ...page }),
        },
        { limit, cursor, after },
      )
      if (!page.value.length) await check?.(deps, params as Params, after)
      return many(page, `{"${field}":[${page.value.map((item) => text(item)).join()}],"next":${JSON.stringify(page.next)}}`)
    },
  })
}
