/** `text` is not JSON as the API takes it; `offset` (in UTF-16 units, 0-based) is where it stops being so. */
export class JsonFault extends Error {
  readonly reason: string
  readonly offset: number
  /** 1-based. */
  readonly line: number
  readonly column: number

  constructor(text: string, offset: number, reason: string) {
    super(`${reason} at offset ${offset}`)
    this.name = 'JsonFault'
    this.reason = reason
    this.offset = offset
    const before = text.slice(0, offset)
    this.line = before.split('\n').length
    this.column = offset - before.lastIndexOf('\n')
  }
}

/** Envelopes nest four deep; the log itself refuses more than 32. */
const depthMax = 64

const space = /[ \t\n\r]*/y
const text = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/**
 * JSON (RFC 8259) in which no object gives a name twice: two readers of such a text could see two different commands.
 * `JSON.parse` keeps the last one silently and often does not say where a text is malformed, so the text is walked first. Throws `JsonFault`.
 */
export function parseJson(source: string): unknown {
  const end = value(skip(0), 0)
  if (end < source.length) throw fault(end, 'nothing may follow the value')
  return JSON.parse(source)

  /** Each takes the offset where its piece begins and answers the offset after it and the space behind it. */
  function value(at: number, depth: number): number {
    const first = source[at]
    if (first !== '{' && first !== '[') return piece(first === '"' ? text : scalar, at, 'a value was expected')
    if (depth === depthMax) throw fault(at, `nested deeper than ${depthMax}`)
    return first === '{' ? object(at, depth) : array(at, depth)
  }

  function object(start: number, depth: number): number {
    const names = new Set<string>()
    let at = skip(start + 1)
    if (source[at] === '}') return skip(at + 1)
    for (;;) {
      const nameAt = at
      at = piece(text, at, 'a name in double quotes was expected')
      const written = source.slice(nameAt, text.lastIndex)
      const name = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1)
      if (names.has(name)) throw fault(nameAt, `the name ${JSON.stringify(name)} is given twice`)
      names.add(name)
      if (source[at] !== ':') throw fault(at, 'a colon was expected')
      at = value(skip(at + 1), depth + 1)
      if (source[at] === '}') return skip(at + 1)
      if (source[at] !== ',') throw fault(at, 'a comma or } was expected')
      at = skip(at + 1)
    }
  }

  function array(start: number, depth: number): number {
    let at = skip(start + 1)
    if (source[at] === ']') return skip(at + 1)
    for (;;) {
      at = value(at, depth + 1)
      if (source[at] === ']') return skip(at + 1)
      if (source[at] !== ',') throw fault(at, 'a comma or ] was expected')
      at = skip(at + 1)
    }
  }

  function piece(pattern: RegExp, at: number, expected: string): number {
    pattern.lastIndex = at
    if (!pattern.test(source)) throw fault(at, expected)
    return skip(pattern.lastIndex)
  }

  function skip(at: number): number {
    if (source.charCodeAt(at) > 0x20) return at
    space.lastIndex = at
    space.test(source)
    return space.lastIndex
  }

  function fault(at: number, reason: string): JsonFault {
    return new JsonFault(
      source,
      at,
      at >= source.length ? `the text ends where ${reason.replace(/ was expected$/, '')} should be` : reason,
    )
  }
}
