import { eventLog } from './event-log.ts'
import { type Answer, answer, type Page, type Paging, pageOf, type ReadDatabase } from './read.ts'

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

export interface EventLogQueries {
  /** All events about a node, paged by their index in the log. */
  nodeEvents(nodeId: string, paging: Paging): Promise<Answer<Page<EventView>>>
  /** The events that a command made, in the order of the log; of every signer that used this id. None: it did not happen, or not yet. */
  findCommand(commandId: string): Promise<Answer<readonly EventView[]>>
}

export function eventLogQueries(db: ReadDatabase): EventLogQueries {
  const columns = [
    'index',
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
  return {
    async nodeEvents(nodeId, { limit, after, descending = false }) {
      const direction = descending ? 'desc' : 'asc'
      let query = db.selectFrom('events').select(columns).where('nodeId', '=', nodeId)
      if (after !== undefined) query = query.where('index', descending ? '<' : '>', after)
      const page = query.orderBy('index', direction).limit(limit + 1)
      const { value, ...place } = await answer(db, eventLog, page, [['index', direction]])
      return { value: pageOf(value, limit, ({ index }) => index), ...place }
    },
    findCommand(commandId) {
      const query = db.selectFrom('events').select(columns).where('commandId', '=', commandId)
      return answer(db, eventLog, query, [['index', 'asc']])
    },
  }
}
