import { type CanonicalEvent, canonicalEvent, type LogEntry, storedOf } from '../domain/event.ts'
import { leafHash } from '../domain/merkle.ts'
import { referencesOf, subjectOf } from '../domain/subjects.ts'
import { appended, type LogFact, type Projection, type TableRow } from './projection.ts'

/** RFC 8785 text of an event, and its Merkle leaf; made once for all that need it. */
export function entryOf(fact: LogFact): LogEntry {
  let entry = fact.entry ?? entries.get(fact)
  if (!entry) {
    const canonical = canonicalEvent(storedOf(fact as CanonicalEvent))
    entries.set(fact, (entry = { canonical, leaf: leafHash(canonical) }))
  }
  return entry
}

const entries = new WeakMap<LogFact, LogEntry>()

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
    /** What its stream is about: `node:<id>`. */
    subject: 'text?',
    recordedAt: 'instant',
    /** RFC 8785 text of the canonical event. */
    canonical: 'text',
    /** Its Merkle leaf. */
    leaf: 'bytes',
  },
  key: ['index'],
  ascending: true,
  indexes: [['position'], ['commandId'], ['subject', 'index'], ['stream', 'revision']],
  rows(fact) {
    const { canonical, leaf } = entryOf(fact)
    return [
      {
        index: fact.index,
        position: fact.position,
        stream: fact.stream,
        revision: fact.revision,
        type: fact.stored?.type ?? fact.type,
        commandId: fact.metadata.commandId,
        signer: fact.metadata.publicKey,
        subject: subjectOf(fact.stream) ?? null,
        recordedAt: fact.metadata.recordedAt,
        canonical,
        leaf,
      },
    ]
  },
})

/** What else an event touches. A table of its own: an index of lists would have to sort all events of whoever has many for each page. */
const eventReferences = appended({
  columns: { index: 'integer', subject: 'text' },
  key: ['index', 'subject'],
  ascending: true,
  indexes: [['subject', 'index']],
  rows(fact) {
    const own = subjectOf(fact.stream)
    const others = new Set(referencesOf(fact).filter((subject) => subject !== own))
    return [...others].sort().map((subject) => ({ index: fact.index, subject }))
  },
})

export type EventRow = TableRow<typeof events>
export type EventReferenceRow = TableRow<typeof eventReferences>

export const eventLog = {
  name: 'event-log',
  version: 2,
  tables: { events, eventReferences },
} satisfies Projection
