import type { LogMessage, MessageSource } from './webhook-ports.ts'

/** A piece of the log: its events, those that are not asked for among them or not, and the index up to which nothing is missing. */
export interface Piece {
  readonly messages: readonly LogMessage[]
  readonly upTo: number
}

const keptMax = { messages: 2000, characters: 8 * 1024 * 1024 }
const pieceMessagesMax = 200
/** Events that one query passes over in search of the types asked for. */
const searchedMax = 20_000

/** Reads the log, of which the newest part is read once for all who want it. Throws what `source` throws. */
export function createTail(source: MessageSource) {
  let kept: LogMessage[] = []
  let characters = 0
  /** Index of the first of `kept`; undefined before the first event is asked for. */
  let start: number | undefined
  let reading: Promise<void> | undefined

  /** Takes in what comes next, up to `before`, for whoever waits for it. */
  async function readOn(before: number): Promise<void> {
    const from = start! + kept.length
    const read = await source.between(from, before, pieceMessagesMax)
    if (read[0]?.index !== from) throw new Error(`the read model of the log lacks event ${from}`)
    kept.push(...read)
    for (const { body } of read) characters += body.length
    while (kept.length > keptMax.messages || (characters > keptMax.characters && kept.length > 1)) {
      characters -= kept.shift()!.body.length
      start! += 1
    }
  }

  async function search(from: number, before: number, types: readonly string[] | null): Promise<Piece> {
    const end = Math.min(before, from + searchedMax)
    const messages = await source.between(from, end, pieceMessagesMax, types ?? undefined)
    return { messages, upTo: messages.length < pieceMessagesMax ? end : messages.at(-1)!.index + 1 }
  }

  /** Events from `from` on; not all before `before`, but at least one index further. `from` is less than `before`. */
  return async (from: number, before: number, types: readonly string[] | null): Promise<Piece> => {
    // A shorter log is another one.
    if (start === undefined || start + kept.length > before) {
      kept = []
      characters = 0
      start = Math.max(from, before - pieceMessagesMax)
    }
    if (from < start) return search(from, before, types)
    while (start + kept.length <= from) {
      reading ??= readOn(before).finally(() => {
        reading = undefined
      })
      await reading
    }
    if (from < start) return search(from, before, types)
    const messages = kept.slice(from - start, from - start + pieceMessagesMax).filter(({ index }) => index < before)
    return { messages, upTo: messages.at(-1)!.index + 1 }
  }
}
