import { z } from 'zod'
import { instantSchema } from '../domain/ids.ts'
import { eventLog } from '../projections/event-log.ts'
import type { Deps } from './deps.ts'
import { ApiProblem } from './problem.ts'
import { readAt } from './reading.ts'
import { positionSchema } from './schemas.ts'

/** A parameter of queries that answer from history. */
export const asOfParameter = {
  asOf: z
    .union([positionSchema, instantSchema])
    .optional()
    .describe(
      'As it stood at a position of the log, or after the last event that was recorded up to an instant; unless given, as it stands',
    ),
}

/** Refuses what cannot be answered as of then. Throws `AsOfUnavailable`. */
export function refuseAsOf(asOf: string | undefined): void {
  if (asOf !== undefined) throw new ApiProblem('AsOfUnavailable', { asOf })
}

/** What a query must wait for that answers as of a position: that, and what it is asked to wait for. */
export function latest(asOf: bigint | undefined, after: bigint | undefined): bigint | undefined {
  return asOf === undefined || (after !== undefined && after > asOf) ? after : asOf
}

/** The position that `asOf` means. The log's instants are those of the servers that recorded it, in the order of the log but for what their clocks differ. */
export async function positionAsOf(deps: Deps, asOf: string | undefined): Promise<bigint | undefined> {
  if (asOf === undefined) return undefined
  if (!asOf.includes('T')) return BigInt(asOf)
  const { value: count } = await readAt(deps, eventLog, undefined, () => deps.reads.nextIndex())
  let [before, from] = [-1n, 0]
  for (let to = count; from < to; ) {
    const middle = Math.floor((from + to) / 2)
    const { value } = await readAt(deps, eventLog, undefined, () => deps.reads.eventsBetween(middle, middle + 1, 1))
    const { recordedAt, position } = value[0]!
    if (recordedAt > asOf) to = middle
    else [before, from] = [position, middle + 1]
  }
  return before
}
