import { tombstoneRevision } from '../storage/record.ts'

// A place says how far a group came: a revision in its stream, or a position in `$all`. Both are numbers here and text outside.

/** The source that is not a stream. */
export const all = '$all'

const tombstoneText = String(2n ** 63n - 1n)

export function placeText(stream: string, place: number): string {
  if (stream === all) return `C:${place}/P:${place}`
  return place === tombstoneRevision ? tombstoneText : String(place)
}

/** Undefined when the text is no place. */
export function parsePlace(stream: string, text: string): number | undefined {
  const [, number] = (stream === all ? /^C:(\d+)\/P:\d+$/ : /^(\d+)$/).exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}
