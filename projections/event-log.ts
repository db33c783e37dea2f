import { type CanonicalEvent, canonicalEvent } from '../domain/event.ts'
import { appendLeaf, completedBy, emptyTree, leafHash, type MerkleFrontier } from '../domain/merkle.ts'
import { referencesOf, subjectOf } from '../domain/subjects.ts'
import { appended, journal, keyed, type LogFact, type Projection, type TableRow } from './projection.ts'

/** RFC 8785 text of an event, and its Merkle leaf; made once for all tables that need it. */
function entryOf(fact: LogFact): { readonly canonical: string; readonly leaf: Buffer } {
  let entry = entries.get(fact)
  if (!entry) {
    const canonical = canonicalEvent(fact as CanonicalEvent)
    entries.set(fact, (entry = { canonical, leaf: leafHash(canonical) }))
  }
  return entry
}

const entries = new WeakMap<LogFact, { readonly canonical: string; readonly leaf: Buffer }>()

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
        type: fact.type,
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

/** A tile has the hashes of 2^8 subtrees (C2SP tlog-tiles). */
export const tileHeight = 8
export const tileWidth = 2 ** tileHeight

/** The Merkle tree over the log (design.md 23): what its root and its next leaf need. */
const logTree = keyed({
  columns: {
    /** There is one: `log`. */
    name: 'text',
    size: 'integer',
    /** Roots of the perfect subtrees, largest first, 32 bytes each. */
    subtrees: 'bytes',
  },
  key: 'name',
  keys: () => ['log'],
  evolve(row, fact, name) {
    const { size, subtrees } = appendLeaf(frontierOf(row), entryOf(fact).leaf)
    return { name, size, subtrees: Buffer.concat(subtrees) }
  },
})

/** The tree that a row holds. */
export function frontierOf(row: { readonly size: number; readonly subtrees: Buffer } | null): MerkleFrontier {
  if (!row) return emptyTree
  const { size, subtrees } = row
  return { size, subtrees: Array.from({ length: subtrees.length / 32 }, (_, n) => subtrees.subarray(n * 32, (n + 1) * 32)) }
}

/** Roots of tiles: whoever proves something reads these, and not all leaves. */
const logHashes = journal({
  of: logTree,
  columns: {
    /** 1: of 256 leaves; 2: of 256 of those. */
    level: 'integer',
    index: 'integer',
    hash: 'bytes',
  },
  key: ['level', 'index'],
  entries(fact, _after, before) {
    if ((fact.index + 1) % tileWidth !== 0) return []
    return completedBy(frontierOf(before), entryOf(fact).leaf)
      .filter(({ height }) => height % tileHeight === 0)
      .map(({ height, index, hash }) => ({ level: height / tileHeight, index, hash }))
  },
})

export type LogTreeRow = TableRow<typeof logTree>
export type LogHashRow = TableRow<typeof logHashes>
export type EventRow = TableRow<typeof events>
export type EventReferenceRow = TableRow<typeof eventReferences>

export const eventLog = {
  name: 'event-log',
  version: 3,
  tables: { events, eventReferences, logTree, logHashes },
} satisfies Projection
