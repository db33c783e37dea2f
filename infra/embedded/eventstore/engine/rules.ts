/**
 * What a writer expects of a stream, numbered as EventStoreDB numbers it: a revision (a bigint when it is larger than 2^53),
 * or one of the three below.
 */
export type Expected = number | bigint
export const noStream = -1
export const any = -2
export const streamExists = -4

/** What the rules look at. Everything includes writes that are accepted but not yet durable. */
export interface StreamFacts {
  /** The last revision, -1 when there is none. */
  readonly last: number
  readonly tombstoned: boolean
  readonly softDeleted: boolean
  readonly hasMetadata: boolean
  /** The revision under which an event id was committed lately, for requests without a revision. */
  recentRevision(id: string): number | undefined
  /** The id of the event at a revision. */
  idAt(revision: number): string | undefined
}

export type Decision =
  | { readonly kind: 'write' }
  /** The same request was written before; `revision` is that of its last event. */
  | { readonly kind: 'repeated'; readonly revision: number }
  | { readonly kind: 'wrong-revision' }
  | { readonly kind: 'deleted' }

const write: Decision = { kind: 'write' }
const wrongRevision: Decision = { kind: 'wrong-revision' }
const deleted: Decision = { kind: 'deleted' }

/** Whether events with these ids may be written to a stream. */
export function decide(stream: StreamFacts, expected: Expected, ids: readonly string[]): Decision {
  if (stream.tombstoned) return deleted
  if (expected === streamExists) {
    if (stream.softDeleted) return deleted
    if (stream.last < 0 && !stream.hasMetadata) return wrongRevision
  }
  if (expected === any || expected === streamExists) return decideByRecentIds(stream, ids)
  if (expected > stream.last) return wrongRevision
  if (expected === stream.last) return write
  return decideByHistory(stream, Number(expected), ids)
}

function decideByRecentIds(stream: StreamFacts, ids: readonly string[]): Decision {
  let revision: number | undefined
  for (const id of ids) {
    const known = stream.recentRevision(id)
    if (known === undefined) return revision === undefined ? write : wrongRevision
    revision = known
  }
  return revision === undefined ? write : { kind: 'repeated', revision }
}

function decideByHistory(stream: StreamFacts, expected: number, ids: readonly string[]): Decision {
  let revision = expected
  for (const id of ids) {
    if (stream.idAt(++revision) === id) continue
    const isFirst = revision === expected + 1
    return isFirst && expected === noStream && stream.softDeleted ? write : wrongRevision
  }
  return revision === expected ? wrongRevision : { kind: 'repeated', revision }
}
