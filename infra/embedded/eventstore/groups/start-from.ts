import type { Store } from '../store.ts'
import { GroupFailure } from './failure.ts'
import { all } from './place.ts'
import type { Definition } from './settings.ts'

/** Where a request wants a group to begin; a revision or position is the first to deliver. */
export type Start = 'start' | 'end' | { readonly revision: bigint } | { readonly commit: bigint; readonly prepare: bigint }

const largest = 2n ** 63n - 1n

/** The start as it is told to others, and the first place to deliver. Throws GroupFailure when there can be no such place. */
export function resolveStart(
  { streams, feed }: Store,
  stream: string,
  group: string,
  start: Start,
): Pick<Definition, 'startFrom' | 'first'> {
  const ofAll = stream === all
  const number = (value: number | bigint, prepare = value) => (ofAll ? `C:${value}/P:${prepare}` : String(value))
  if (start === 'start') return { startFrom: number(0), first: 0 }
  if (start === 'end') return { startFrom: number(-1), first: (ofAll ? feed.position : streams.get(stream).committed.last) + 1 }
  if ('revision' in start) {
    if (start.revision > largest)
      throw GroupFailure.refused(stream, group, 'Invalid Start From position: it is beyond every revision.')
    return { startFrom: number(start.revision), first: Number(start.revision) }
  }
  if (start.commit > feed.position)
    throw GroupFailure.refused(stream, group, 'Invalid Start From position: it is beyond the end of the log.')
  return { startFrom: number(start.commit, start.prepare), first: Number(start.commit) }
}
