// An entity as it was: its row folded again from the events that touch it, by the very fold that made it (design.md 16 and 20).
import { eventTypes } from '../domain/catalogue.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { eventLog } from '../projections/event-log.ts'
import type { KeyedTable, LogFact, Row } from '../projections/projection.ts'
import type { Answer as Read } from '../projections/read.ts'
import { latest, positionAsOf } from './as-of.ts'
import type { Deps } from './deps.ts'
import { ApiProblem } from './problem.ts'
import { readAt } from './reading.ts'
import { factOf, subjectPages } from './subject-events.ts'

/** Where an entity's row comes from. */
export interface Past {
  // biome-ignore lint/suspicious/noExplicitAny: a table of any columns; whoever names it knows the row's type
  readonly table: KeyedTable<any>
  readonly key: string
  /** All events that touch the row touch this: `escrow:<id>`. */
  readonly subject: string
  /** Types of which the newest event says all that the row keeps. */
  readonly newestOnly?: readonly string[]
}

/** The most events that a row is folded from for one request. */
const eventsMax = 10_000

/**
 * A row as of `asOf`, a position or an instant; undefined where there was none yet. Throws `AsOfUnavailable` where too much has happened, and
 * as `readAt`.
 */
export async function rowAsOf(deps: Deps, asOf: string, after: bigint | undefined, past: Past): Promise<Read<Row | undefined>> {
  const at = (await positionAsOf(deps, asOf))!
  const wait = latest(at, after)
  const { value: end, ...place } = await readAt(deps, eventLog, wait, () => deps.reads.indexAfter(at))
  const { value: network } = await readAt(deps, eventLog, undefined, () => deps.reads.network())
  const events = [...(await eventsBefore(deps, end, past)), ...(await newestBefore(deps, end, past))]
  if (!network || !events.length) return { value: undefined, ...place }
  const { table, key } = past
  let row: Row | null = null
  for (const event of events.sort((one, other) => one.index - other.index)) {
    const { index, recordedAt } = event
    const seen = { ...factOf(event), index, policy: network.policy, newest: recordedAt } as LogFact
    if (table.keys(seen).includes(key)) row = table.evolve(row, seen, key)
  }
  return { value: row ?? undefined, ...place }
}

async function eventsBefore(deps: Deps, end: number, { subject, newestOnly = [] }: Past): Promise<EventView[]> {
  const types = newestOnly.length ? eventTypes.filter((type) => !newestOnly.includes(type)) : undefined
  const found: EventView[] = []
  for await (const { value } of subjectPages(deps, subject, { types })) {
    const before = value.filter(({ index }) => index < end)
    found.push(...before)
    if (before.length < value.length) break
    if (found.length > eventsMax) throw new ApiProblem('AsOfUnavailable', { subject, eventsMax })
  }
  return found
}

async function newestBefore(deps: Deps, end: number, { subject, newestOnly = [] }: Past): Promise<EventView[]> {
  const newest = newestOnly.map(async (type) => {
    const paging = { limit: 1, after: end, descending: true }
    return (await readAt(deps, eventLog, undefined, () => deps.reads.subjectEvents(subject, paging, [type]))).value.items
  })
  return (await Promise.all(newest)).flat()
}
