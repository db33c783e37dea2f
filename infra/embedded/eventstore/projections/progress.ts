import type { Log } from '../storage/log.ts'

export type ProjectionStatus = 'Running' | 'Stopped' | 'Aborted'

/** How far a projection has come. It is kept with the events that it derives, in the same transaction. */
export interface Progress {
  /** Everything up to here has been looked at. */
  readonly position: number
  readonly status: ProjectionStatus
  /** How many times it began again. */
  readonly resets: number
}

export const beginning: Progress = { position: 0, status: 'Stopped', resets: 0 }

const markName = 'projections'

/** Of the projections that were ever changed, by name. */
export function loadProgress(log: Log): Readonly<Record<string, Progress>> {
  const mark = log.mark(markName)
  return mark ? JSON.parse(mark.toString('utf8')) : {}
}

/** One mark for all projections: the newest is found at once, however long one of them has been standing still. */
export function progressMark(projections: Iterable<Progress & { readonly name: string }>): readonly [string, Buffer] {
  const all = Array.from(projections, ({ name, position, status, resets }) => [
    name,
    { position, status, resets } satisfies Progress,
  ])
  return [markName, Buffer.from(JSON.stringify(Object.fromEntries(all)))]
}
