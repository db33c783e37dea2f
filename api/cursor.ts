import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ApiProblem } from './problem.ts'

/** A place in a list, and the generation of the read model in which it is one. */
export interface Cursor<Place> {
  readonly generation: number
  readonly place: Place
}

/**
 * The opaque text of a cursor. It is bound to `query` (whatever says which list it is of) by a checksum, which is against mistakes
 * and not against malice: a cursor gives nobody anything that the query would not.
 */
export function writeCursor(query: readonly unknown[], { generation, place }: Cursor<unknown>): string {
  const content = Buffer.from(JSON.stringify([generation, place])).toString('base64url')
  return `${content}.${checksum(query, content)}`
}

/** Throws `CursorInvalid` for a text that is no cursor of `query`. */
export function readCursor<Place>(query: readonly unknown[], placeSchema: z.ZodType<Place>, text: string): Cursor<Place> {
  const [content = '', sum] = text.split('.')
  const { data } = z.tuple([z.int(), placeSchema]).safeParse(sum === checksum(query, content) ? decoded(content) : undefined)
  if (!data) throw new ApiProblem('CursorInvalid', { parameter: 'cursor' })
  return { generation: data[0], place: data[1] }
}

function decoded(content: string): unknown {
  try {
    return JSON.parse(Buffer.from(content, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** A place of another generation may not exist in this one. Throws `CursorExpired`. */
export function checkGeneration(cursor: Cursor<unknown> | undefined, generation: number): void {
  if (cursor && cursor.generation !== generation) throw new ApiProblem('CursorExpired', { parameter: 'cursor' })
}

function checksum(query: readonly unknown[], content: string): string {
  return createHash('sha256')
    .update(JSON.stringify([...query, content]))
    .digest('base64url')
    .slice(0, 16)
}
