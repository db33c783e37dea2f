import { decode, type Fact } from '../domain/catalogue.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { eventLog } from '../projections/event-log.ts'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { readAt } from './reading.ts'

const pageSize = 500

/** Where to begin, and what to leave out. */
export interface Wanted {
  readonly types?: readonly string[] | undefined
  /** Index in the log of the last event that is not wanted. */
  readonly behind?: number | undefined
  /** A position that the read model must have come to. */
  readonly after?: bigint | undefined
}

/** An event as it was recorded, checked and with its type. Throws `UnreadableEvent`. */
export function factOf({ position, recordedAt, canonical }: EventView): Fact {
  return decode({ ...JSON.parse(canonical), position, created: new Date(recordedAt) })
}

/** The events of a subject, page by page, each with where the read model stood. Throws as `readAt`. */
export async function* subjectPages(
  deps: Deps,
  subject: string,
  { types, behind, after: position }: Wanted = {},
): AsyncGenerator<Read<readonly EventView[]>> {
  for (let after = behind; ; ) {
    const paging = { limit: pageSize, after }
    const { value, ...place } = await readAt(deps, eventLog, position, () => deps.reads.subjectEvents(subject, paging, types))
    yield { value: value.items, ...place }
    if (value.next === undefined) return
    after = value.next
  }
}

/** All of them at once, with where the read model stood first: there may be later ones. Throws as `readAt`. */
export async function subjectEvents(deps: Deps, subject: string, wanted?: Wanted): Promise<Read<readonly EventView[]>> {
  const pages: Read<readonly EventView[]>[] = []
  for await (const page of subjectPages(deps, subject, wanted)) pages.push(page)
  return { ...pages[0]!, value: pages.flatMap(({ value }) => value) }
}
