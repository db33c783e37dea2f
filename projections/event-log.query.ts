import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import { eventLog } from './event-log.ts'
import { type Answer, answer, type Page, type Paging, pageOf, type ReadDatabase, type ReadModels } from './read.ts'

/** An event as it was signed and hashed. */
export interface EventView {
  /** Dense, in the order of the log, from 0. */
  readonly index: number
  readonly position: bigint
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly commandId: string
  /** Public key that signed the command. */
  readonly signer: string
  readonly recordedAt: string
  /** RFC 8785 text of the canonical event: JSON, ready to be sent as it is. */
  readonly canonical: string
  /** Its Merkle leaf: 32 bytes. */
  readonly leaf: Buffer
}

/** Which events are wanted: those that are in every list that is given. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  /** The middle part of stream names: `wallet`. */
  readonly categories?: readonly string[] | undefined
  readonly streams?: readonly string[] | undefined
  /** What they touch: `node:<id>`. */
  readonly subjects?: readonly string[] | undefined
}

export interface EventLogQueries {
  /** Events that touch a subject (`node:<id>`, `wallet:<id>`), of whatever streams, paged by their index in the log; of all types unless given. */
  subjectEvents(subject: string, paging: Paging, types?: readonly string[]): Promise<Answer<Page<EventView>>>
  /** The events of a stream, paged by their revision. */
  streamEvents(stream: string, paging: Paging): Promise<Answer<Page<EventView>>>
  /** The events that a command made, in the order of the log; of every signer that used this id. None: it did not happen, or not yet. */
  findCommand(commandId: string): Promise<Answer<readonly EventView[]>>
  /** The index that the next event will have. */
  nextIndex(): Promise<Answer<number>>
  /** The index that the first event behind `position` has or will have: where to go on after it. */
  indexAfter(position: bigint): Promise<Answer<number>>
  /** At most `limit` events that `filter` lets pass, in the order of the log, of those from index `from` on and before `before`. */
  eventsBetween(from: number, before: number, limit: number, filter?: EventFilter): Promise<Answer<readonly EventView[]>>
}

const columns = [
  'events.index',
  'position',
  'stream',
  'revision',
  'type',
  'commandId',
  'signer',
  'recordedAt',
  'canonical',
  'leaf',
] as const

export function eventLogQueries(db: ReadDatabase): EventLogQueries {
  return {
    subjectEvents: (subject, paging, types) => subjectEvents(db, subject, paging, types),
    async streamEvents(stream, { limit, after, descending = false }) {
      const direction = descending ? 'desc' : 'asc'
      let query = db.selectFrom('events').select(columns).where('stream', '=', stream)
      if (after !== undefined) query = query.where('revision', descending ? '<' : '>', after)
      const page = query.orderBy('revision', direction).limit(limit + 1)
      const { value, ...place } = await answer(db, eventLog, page, [['revision', direction]])
      return { value: pageOf(value, limit, ({ revision }) => revision), ...place }
    },
    findCommand(commandId) {
      const query = db.selectFrom('events').select(columns).where('commandId', '=', commandId)
      return answer(db, eventLog, query, [['index', 'asc']])
    },
    nextIndex: () => nextIndex(db),
    indexAfter: (position) => nextIndex(db, position),
    eventsBetween(from, before, limit, filter) {
      let query = db.selectFrom('events').select(columns).where('index', '>=', from).where('index', '<', before)
      if (filter) query = query.where((events) => events.and(conditionsOf(events, filter)))
      return answer(db, eventLog, query.orderBy('index').limit(limit), [['index', 'asc']])
    },
  }
}

async function nextIndex(db: ReadDatabase, position?: bigint): Promise<Answer<number>> {
  let newest = db.selectFrom('events').select('index')
  if (position !== undefined) newest = newest.where('position', '<=', position)
  const { value, ...place } = await answer(db, eventLog, newest.orderBy('position', 'desc').limit(1))
  return { value: value.length ? value[0]!.index + 1 : 0, ...place }
}

function conditionsOf(
  events: ExpressionBuilder<ReadModels, 'events'>,
  { types, categories, streams, subjects }: EventFilter,
): Expression<SqlBool>[] {
  const category = sql<string>`split_part(split_part(${events.ref('stream')}, '-', 1), '_', 2)`
  const conditions: Expression<SqlBool>[] = []
  if (types) conditions.push(events('type', 'in', types))
  if (categories) conditions.push(events(category, 'in', categories))
  if (streams) conditions.push(events('stream', 'in', streams))
  if (subjects) {
    const referring = events
      .selectFrom('eventReferences')
      .select('eventReferences.index')
      .whereRef('eventReferences.index', '=', 'events.index')
      .where('eventReferences.subject', 'in', subjects)
    conditions.push(events.or([events('events.subject', 'in', subjects), events.exists(referring)]))
  }
  return conditions
}

/** A page of its own events and one of those that refer to it, each by its index, make one of both. */
async function subjectEvents(
  db: ReadDatabase,
  subject: string,
  { limit, after, descending = false, asOf }: Paging,
  types: readonly string[] | undefined,
): Promise<Answer<Page<EventView>>> {
  const direction = descending ? 'desc' : 'asc'
  const most = limit + 1
  let own = db.selectFrom('events').select(columns).where('subject', '=', subject)
  let references = db.selectFrom('eventReferences').select('index').where('subject', '=', subject)
  if (after !== undefined) {
    own = own.where('index', descending ? '<' : '>', after)
    references = references.where('index', descending ? '<' : '>', after)
  }
  if (asOf !== undefined) {
    own = own.where('position', '<=', asOf)
    const last = db.selectFrom('events').select('index').where('position', '<=', asOf).orderBy('position', 'desc').limit(1)
    references = references.where('index', '<=', last)
  }
  if (types) own = own.where('type', 'in', types)
  // The page is cut before the join: for a popular subject Postgres would else walk through all events up to it.
  else references = references.orderBy('index', direction).limit(most)
  let referring = db
    .selectFrom(references.as('references'))
    .innerJoin('events', 'events.index', 'references.index')
    .select(columns)
    .orderBy('events.index', direction)
    .limit(most)
  if (types) referring = referring.where('type', 'in', types)
  if (types && after !== undefined) referring = referring.where('events.index', descending ? '<' : '>', after)
  const both = db
    .selectFrom(own.orderBy('index', direction).limit(most).as('own'))
    .selectAll()
    .unionAll(db.selectFrom(referring.as('referring')).selectAll())
  const page = db.selectFrom(both.as('both')).selectAll().orderBy('index', direction).limit(most)
  const { value, ...place } = await answer(db, eventLog, page, [['index', direction]])
  return { value: pageOf(value, limit, ({ index }) => index), ...place }
}
