import { type AllStreamRecordedEvent, BACKWARDS, END, FORWARDS, type ReadAllOptions, START } from '@eventstore/db-client'
import { LogDiverged, type LogPlace } from '../../commands/ports.ts'
import { type Connection, typeOf } from './connection.ts'
import { items, open } from './source.ts'

/** A place in `$all`: every record of ours commits itself. */
function at(position: bigint): { commit: bigint; prepare: bigint } {
  return { commit: position, prepare: position }
}

/** A bounded read of `$all`, events of others included; throws `Late` when nothing comes for `ms`. */
async function* page(connection: Connection, ms: number, options: ReadAllOptions): AsyncGenerator<AllStreamRecordedEvent> {
  const read = connection.client.readAll({ ...options, requiresLeader: true })
  for await (const { event } of items(
    open<{ event?: AllStreamRecordedEvent }>(read, () => read.cancel(), [connection.lost]),
    ms,
  ))
    if (event) yield event
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item
  return undefined
}

/** Position of the newest event of all; -1 when there is none. */
export async function end(connection: Connection, ms: number): Promise<bigint> {
  const newestOfAll = await first(page(connection, ms, { direction: BACKWARDS, fromPosition: END, maxCount: 1 }))
  return newestOfAll ? newestOfAll.position.commit : -1n
}

/** The newest event of a stream whose name begins with `prefix`. */
export async function newest(connection: Connection, ms: number, prefix: string): Promise<LogPlace | undefined> {
  let from: ReadAllOptions['fromPosition'] = END
  // The first page is short because the newest event of all is most often ours.
  for (let size = 32; ; size = 1_024) {
    let seen = 0
    for await (const { streamId, position, id } of page(connection, ms, {
      direction: BACKWARDS,
      fromPosition: from,
      maxCount: size,
    })) {
      if (streamId.startsWith(prefix)) return { position: position.commit, eventId: id }
      from = position
      seen += 1
    }
    if (seen < size) return undefined
  }
}

/** Throws `LogDiverged` unless the event of `place` is there. */
export async function verify(connection: Connection, ms: number, place: LogPlace): Promise<void> {
  let found: AllStreamRecordedEvent | undefined
  try {
    found = await first(page(connection, ms, { direction: FORWARDS, fromPosition: at(place.position), maxCount: 1 }))
  } catch (error) {
    // In another log the place may lie inside a record, which EventStoreDB cannot read from. If it can read its newest event, that is it.
    if (typeOf(error) !== 'unknown') throw error
    await end(connection, ms)
    throw new LogDiverged(place, 'nothing can be read there')
  }
  if (!found) throw new LogDiverged(place, 'it ends before that')
  if (found.position.commit !== place.position) throw new LogDiverged(place, 'nothing is there')
  if (found.id !== place.eventId) throw new LogDiverged(place, `event ${found.id} is there`)
}

/** Whether behind `position` (-1: from the start) there is an event of `prefix`, or more than `others` events of others. */
export async function holdsMore(
  connection: Connection,
  ms: number,
  position: bigint,
  prefix: string,
  others: number,
): Promise<boolean> {
  let seen = 0
  // One more because the event at `position` comes too.
  for await (const event of page(connection, ms, { fromPosition: position < 0n ? START : at(position), maxCount: others + 2 })) {
    if (event.position.commit <= position) continue
    if (event.streamId.startsWith(prefix)) return true
    seen += 1
  }
  return seen > others
}
