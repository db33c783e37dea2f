import type { Log } from '../storage/log.ts'

export type Status = 'Running' | 'Stopped' | 'Aborted'

/** How far a projection has come. It is kept with the events that it derives, in the same transaction. */
export interface Progress {
  /** Everything up to here has been looked at. */
  readonly position: number
  readonly status: Status
  /** How many times it began again. */
  readonly resets: number
}

const beginning: Progress = { position: 0, status: 'Stopped', resets: 0 }

const markName = (projection: string) => `projection ${projection}`

export function loadProgress(log: Log, projection: string): Progress {
  const mark = log.mark(markName(projection))
  return mark ? (JSON.parse(mark.toString('utf8')) as Progress) : beginning
}

export function progressMark({ name, position, status, resets }: Progress & { readonly name: string }): readonly [string, Buffer] {
  return [markName(name), Buffer.from(JSON.stringify({ position, status, resets } satisfies Progress))]
}
