/** A message of an event stream. */
export interface StreamMessage {
  /** What the `id` was when it ended. */
  readonly id: string
  readonly data: string
}

/** A line may not be longer: an event of the log is far shorter. */
const lineCharactersMax = 1024 * 1024

/**
 * Reads a stream of server-sent events as the WHATWG's HTML standard says (9.2.6), in whatever pieces it comes: lines end with CR, LF or both, a byte
 * order mark at the beginning is dropped, an id with U+0000 is ignored, and an id without data is kept for what follows. Throws for a line without an end.
 */
export function eventStreamReader(onMessage: (message: StreamMessage) => void, onId: (id: string) => void) {
  let buffered = ''
  let isFirst = true
  let skipLineFeed = false
  let id = ''
  let data: string[] = []

  function line(text: string): void {
    if (text === '') {
      onId(id)
      if (data.length) onMessage({ id, data: data.join('\n') })
      data = []
      return
    }
    const colon = text.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  return (chunk: string): void => {
    let text = buffered + chunk
    if (isFirst && text !== '') {
      isFirst = false
      if (text[0] === '\uFEFF') text = text.slice(1)
    }
    if (skipLineFeed && text !== '') {
      skipLineFeed = false
      if (text[0] === '\n') text = text.slice(1)
    }
    const ends = /\r\n|\r|\n/g
    let start = 0
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      line(text.slice(start, end.index))
      start = ends.lastIndex
      // The other half of it may come with the next piece.
      skipLineFeed = end[0] === '\r' && start === text.length
    }
    buffered = text.slice(start)
    if (buffered.length > lineCharactersMax) throw new Error('a line of the event stream has no end')
  }
}
