import { z } from 'zod'
import type { Page, Paging, Answer as Read } from '../projections/read.ts'
import { checkGeneration, readCursor, writeCursor } from './cursor.ts'
import type { Deps } from './deps.ts'
import { pageLimit, readAt } from './reading.ts'

/** A list that is paged by a number of its items: a revision, an index. */
export interface NumberedList<Item> {
  /** Which list it is, its order included: a cursor is good for no other. */
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

const placeSchema = z.int().nonnegative()

/** The page that `query` asks for; `next` is the cursor of the one behind it. Throws as `readAt` and `readCursor`. */
export async function readPage<Item>(
  deps: Deps,
  { identity, projection, descending, read }: NumberedList<Item>,
  query: PageQuery,
): Promise<Read<readonly Item[]> & { readonly next: string | null }> {
  const list = [deps.networkId, ...identity]
  const cursor = query.cursor === undefined ? undefined : readCursor(list, placeSchema, query.cursor)
  const paging = { limit: query.limit ?? pageLimit, descending, after: cursor?.place }
  const { value, ...place } = await readAt(deps, projection, query.after, () => read(paging))
  checkGeneration(cursor, place.generation)
  const { items, next } = value
  const following = next === undefined ? null : writeCursor(list, { generation: place.generation, place: next })
  return { value: items, next: following, ...place }
}
