import { readRecord } from '../storage/log.ts'
import type { Store } from '../store.ts'
import { parsePlace, placeText } from './place.ts'
import { checkpointStream, write } from './system-stream.ts'

const type = 'SubscriptionCheckpoint'

/** The place up to which everything was done when a checkpoint was last written; undefined when there is none that can be read. */
export function loadCheckpoint({ log, streams }: Store, stream: string, key: string): number | undefined {
  const { number, committed, limits } = streams.get(checkpointStream(key))
  if (number === undefined || limits.softDeleted || committed.last < 0) return undefined
  const event = readRecord(log, log.positionOf(number, committed.last)!)!
  try {
    return parsePlace(stream, String(JSON.parse(event.data.toString('utf8'))))
  } catch {
    return undefined // then the group begins where it was told to begin
  }
}

export function writeCheckpoint(store: Store, stream: string, key: string, place: number, answer: (error?: Error) => void): void {
  const data = Buffer.from(JSON.stringify(placeText(stream, place)))
  write(store, checkpointStream(key), [{ type, isJson: true, data }], answer)
}
