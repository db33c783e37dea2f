/** Integers are bigint and other numbers are number, so that each is written back as the kind it was. */
export type Json = null | boolean | string | bigint | number | Json[] | JsonObject
export type JsonObject = Map<string, Json>

const space = /\s/
const bareKey = /[\p{L}\p{Nd}_$]/u
const numberToken = /[-+.0-9a-zA-Z]/

/**
 * Reads the object at the beginning of a text the way EventStoreDB reads stream metadata: single quotes, keys without quotes,
 * trailing commas, a byte order mark and anything after the object are accepted; comments are not.
 * Throws SyntaxError when there is no such object.
 */
export function parseLenientObject(text: string): JsonObject {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0

  const fail = (): never => {
    throw new SyntaxError(`unexpected ${at < text.length ? JSON.stringify(text[at]) : 'end'} at ${at}`)
  }
  const peek = () => {
    while (at < text.length && space.test(text[at]!)) at++
    return text[at] ?? fail()
  }
  const take = (character: string) => (peek() === character ? at++ : fail())

  function object(): JsonObject {
    const members: JsonObject = new Map()
    take('{')
    while (peek() !== '}') {
      const key = name()
      take(':')
      members.set(key, value())
      if (peek() !== '}') take(',')
    }
    at++
    return members
  }

  function array(): Json[] {
    const items: Json[] = []
    take('[')
    while (peek() !== ']') {
      items.push(value())
      if (peek() !== ']') take(',')
    }
    at++
    return items
  }

  function value(): Json {
    const first = peek()
    if (first === '{') return object()
    if (first === '[') return array()
    if (first === '"' || first === "'") return quoted()
    return literal()
  }

  function name(): string {
    const first = peek()
    if (first === '"' || first === "'") return quoted()
    const start = at
    while (at < text.length && bareKey.test(text[at]!)) at++
    return at > start ? text.slice(start, at) : fail()
  }

  function quoted(): string {
    const quote = text[at++]
    let result = ''
    for (;;) {
      const character = text[at++]
      if (character === undefined) return fail()
      if (character === quote) return result
      result += character === '\\' ? escaped() : character
    }
  }

  function escaped(): string {
    const character = text[at++]
    if (character === 'u') {
      const hex = text.slice(at, at + 4)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) return fail()
      at += 4
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    return (character !== undefined && escapes[character]) || fail()
  }

  function literal(): Json {
    const start = at
    while (at < text.length && numberToken.test(text[at]!)) at++
    const token = text.slice(start, at)
    if (token in words) return words[token]!
    if (/^-?\d+$/.test(token)) return BigInt(token)
    if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(token)) return Number(token)
    at = start
    return fail()
  }

  return object()
}

const escapes: Record<string, string> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
  '/': '/',
}
const words: Record<string, Json> = {
  true: true,
  false: false,
  null: null,
  undefined: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/** Writes a value without spaces, as EventStoreDB does when it changes stream metadata: 2.50 becomes 2.5, 2.0 stays 2.0. */
export function formatJson(value: Json): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return formatFloat(value)
  if (Array.isArray(value)) return `[${value.map(formatJson).join(',')}]`
  if (value instanceof Map)
    return `{${[...value].map(([key, member]) => `${JSON.stringify(key)}:${formatJson(member)}`).join(',')}}`
  return JSON.stringify(value)
}

function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return JSON.stringify(String(value))
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) {
    return value
      .toExponential()
      .replace(/e([-+])(\d)$/, 'e$10$2')
      .replace('e', 'E')
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
