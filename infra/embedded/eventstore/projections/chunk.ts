import { randomUUID } from 'node:crypto'
import { isHiddenFromAll } from '../engine/filter.ts'
import { linkType } from '../engine/links.ts'
import type { Library } from '../engine/sources.ts'
import type { Proposal } from '../engine/writer.ts'
import type { StoredRecord } from '../storage/record.ts'
import type { Derived, Rule } from './rules.ts'
import { SourceEvent } from './source-event.ts'

// How much of the log is worked on before others get their turn.
const maxEvents = 256
const maxBytes = 4 << 20

/** A projection as far as deriving for it goes. */
export interface Reading {
  /** Its number, which goes with all that it writes. */
  readonly number: number
  readonly rule: Rule
  /** Events up to here are not for it. */
  readonly position: number
  readonly resets: number
}

export interface Chunk {
  /** By stream, in the order of the log. */
  readonly derived: ReadonlyMap<string, { readonly by: Reading; readonly events: Proposal[] }>
  /** The position up to which everything was looked at. */
  readonly position: number
  /** Events that were looked at. */
  readonly count: number
}

/** What the projections make of the events after the position of the hindmost, up to a position, or less when that is much. */
export function readChunk(library: Library, projections: readonly Reading[], to: number): Chunk {
  const derived = new Map<string, { by: Reading; events: Proposal[] }>()
  const from = Math.min(...projections.map(({ position }) => position)) + 1
  let [count, bytes, last] = [0, 0, to]
  library.log.scanAll(from, to, false, (position, record) => {
    if (!isHiddenFromAll(record)) {
      const event = new SourceEvent(library, record)
      for (const by of projections) if (position > by.position) add(by, event)
    }
    bytes += record.length
    if (++count < maxEvents && bytes < maxBytes) return true
    last = position
    return false
  })
  return { derived, position: last, count }

  function add(by: Reading, event: SourceEvent): void {
    const made = by.rule(event)
    if (!made) return
    const place = derived.get(made.stream) ?? { by, events: [] }
    if (place.events.length === 0) derived.set(made.stream, place)
    place.events.push(proposalOf(by, event, made))
  }
}

function proposalOf({ number, resets }: Reading, event: SourceEvent, { type, data, metadata }: Derived): Proposal {
  const metadataOf = {
    $v: `${number}:${resets - 1}:1:4`, // number, epoch and version of the projection, and of the program
    $c: event.position,
    $p: event.position,
    ...metadata,
    $causedBy: event.id,
    // Not on a reference to a stream: that is no link, so it would be taken for another event with this id.
    ...(type === linkType && event.correlationId !== undefined && { $correlationId: event.correlationId }),
  }
  return {
    id: randomUUID(),
    type: Buffer.from(type),
    isJson: false,
    metadata: Buffer.from(JSON.stringify(metadataOf)),
    data: Buffer.from(data),
  }
}

/** How often the projection that derived an event had begun again; 0 for an event that none derived. */
export function resetsBefore({ metadata }: StoredRecord): number {
  const [, epoch] = /^\{"\$v":"\d+:(-?\d+):/.exec(metadata.toString('latin1')) ?? []
  return epoch === undefined ? 0 : Number(epoch) + 1
}
