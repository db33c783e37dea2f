import { z } from 'zod'
import { instantSchema } from '../domain/ids.ts'
import type { Page, Paging, Answer as Read } from '../projections/read.ts'
import { checkGeneration, readCursor, writeCursor } from './cursor.ts'
import type { Deps } from './deps.ts'
import { pageLimit, readAt } from './reading.ts'

/** A list that is read in pages; `Place` is where a page ends and the next begins. */
export interface PagedList<Item, Place> {
  /** Which list it is, its filters and order included: a cursor is good for no other. */
  readonly identity: readonly unknown[]
  readonly projection: { readonly name: string }
  readonly place: z.ZodType<Place>
  read(page: { readonly limit: number; readonly after: Place | undefined }): Promise<Read<PageOf<Item, Place>>>
}

export interface PageOf<Item, Place> {
  readonly items: readonly Item[]
  readonly next: Place | undefined
}

/** A list that is paged by a number of its items: a revision, an index. */
export interface NumberedList<Item> {
  readonly identity: readonly unknown[]
  readonly projection: { readonly name: string }
  readonly descending: boolean
  read(paging: Paging): Promise<Read<Page<Item>>>
}

/** The parameters of every such list, as their schemas made them. */
export interface PageQuery {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly after?: bigint | undefined
}

type PageRead<Item> = Read<readonly Item[]> & { readonly next: string | null }

/** The page that `query` asks for; `next` is the cursor of the one behind it. Throws as `readAt` and `readCursor`. */
export async function readPlaces<Item, Place>(
  deps: Deps,
  { identity, projection, place: placeSchema, read }: PagedList<Item, Place>,
  query: PageQuery,
): Promise<PageRead<Item>> {
  const list = [deps.networkId, ...identity]
  const cursor = query.cursor === undefined ? undefined : readCursor(list, placeSchema, query.cursor)
  const page = { limit: query.limit ?? pageLimit, after: cursor?.place }
  const { value, ...place } = await readAt(deps, projection, query.after, () => read(page))
  checkGeneration(cursor, place.generation)
  const { items, next } = value
  const following = next === undefined ? null : writeCursor(list, { generation: place.generation, place: next })
  return { value: items, next: following, ...place }
}

/** Where a page of what came last ends, where the newest come first. */
export const newestPlace = z.strictObject({ at: instantSchema, id: z.string().max(128) })

/** The place in a list that is paged by a number. */
export const numberPlace = z.int().nonnegative()

/** As `readPlaces`. */
export function readPage<Item>(
  deps: Deps,
  { identity, projection, descending, read }: NumberedList<Item>,
  query: PageQuery,
): Promise<PageRead<Item>> {
  const list = {
    identity,
    projection,
    place: numberPlace,
    read: (page: Omit<Paging, 'descending'>) => read({ ...page, descending }),
  }
  return readPlaces(deps, list as PagedList<Item, number>, query)
}
