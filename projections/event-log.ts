import { type CanonicalEvent, canonicalEvent } from '../domain/event.ts'
import { leafHash } from '../domain/merkle.ts'
import { appended, type Projection, type TableRow } from './projection.ts'

/** The log itself in Postgres (design.md 21): raw events, signatures included, for those who have no event store at hand. */
const events = appended({
  columns: {
    /** Dense, in the order of the log, from 0. */
    index: 'integer',
    position: 'position',
    stream: 'text',
    revision: 'integer',
    type: 'text',
    commandId: 'text',
    /** Public key that signed the command. */
    signer: 'text',
    /** The node that the event is about, where it is about one. */
    nodeId: 'text?',
    recordedAt: 'instant',
    /** RFC 8785 text of the canonical event. */
    canonical: 'text',
    /** Its Merkle leaf. */
    leaf: 'bytes',
  },
  key: ['index'],
  ascending: true,
  indexes: [['position'], ['commandId'], ['nodeId', 'index']],
  rows(fact) {
    const canonical = canonicalEvent(fact as CanonicalEvent)
    return [
      {
        index: fact.index,
        position: fact.position,
        stream: fact.stream,
        revision: fact.revision,
        type: fact.type,
        commandId: fact.metadata.commandId,
        signer: fact.metadata.publicKey,
        nodeId: 'nodeId' in fact.data ? fact.data.nodeId : null,
        recordedAt: fact.metadata.recordedAt,
        canonical,
        leaf: leafHash(canonical),
      },
    ]
  },
})

export type EventRow = TableRow<typeof events>

export const eventLog = { name: 'event-log', version: 1, tables: { events } } satisfies Projection
