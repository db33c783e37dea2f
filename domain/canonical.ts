/** JSON as the log allows it: every number is a safe integer, every string well-formed and free of U+0000. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** `value` has no canonical form; `path` points at the place (`data.load`), `reason` says why. */
export class NotCanonical extends Error {
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${path || 'value'} ${reason}`)
    this.name = 'NotCanonical'
    this.path = path
    this.reason = reason
  }
}

/**
 * The RFC 8785 (JSON Canonicalization Scheme) text of `value`. Throws `NotCanonical` for what the log refuses: U+0000,
 * lone surrogates, numbers that are not safe integers, and anything that is not JSON. Negative zero is written as 0, as RFC 8785 says.
 *
 * Checked and written in one pass: every command and every event comes through here.
 */
export function canonicalJson(value: Json): string {
  return write(value, undefined, '', 0)
}

/** The same for people: indented, a line feed behind it, and still one spelling. */
export function indentedJson(value: Json): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), null, 2)}\n`
}

/**
 * Whether `text`, of which `value` was parsed, is certainly its canonical text; false says that `canonicalJson` must be asked. A third of its
 * time: the engine writes the text again, and what is left is to see that keys are in order and numbers are whole.
 */
export function isCanonical(value: Json, text: string): boolean {
  // What must be escaped by number could be what the log refuses.
  return !text.includes('\\u') && isInOrder(value, 0) && JSON.stringify(value) === text
}

function isInOrder(value: Json, depth: number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === depthMax) return false
  if (Array.isArray(value)) return value.every((item) => isInOrder(item, depth + 1))
  let before = ''
  for (const key of Object.keys(value)) {
    if (key < before) return false
    before = key
    if (!isInOrder((value as { readonly [key: string]: Json })[key]!, depth + 1)) return false
  }
  return true
}

const depthMax = 32

/** Where a container stands: the way to it from the root, spelt out only for an error. */
interface Place {
  readonly parent: Place | undefined
  readonly step: string | number
}

function write(value: unknown, parent: Place | undefined, step: string | number, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeText(value, parent, step)
    case 'number':
      if (!Number.isSafeInteger(value)) throw refused(parent, step, 'is not a safe integer')
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth === depthMax) throw refused(parent, step, `is nested deeper than ${depthMax}`)
      return Array.isArray(value) ? writeArray(value, { parent, step }, depth + 1) : writeObject(value, { parent, step }, depth + 1)
    default:
      throw refused(parent, step, 'is not JSON')
  }
}

function writeArray(items: readonly unknown[], at: Place, depth: number): string {
  let text = '['
  for (let index = 0; index < items.length; index++) text += (index ? ',' : '') + write(items[index], at, index, depth)
  return `${text}]`
}

function writeObject(value: object, at: Place, depth: number): string {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw refused(at.parent, at.step, 'is not JSON')
  const { sorted, written } = orderOf(Object.keys(value), at)
  let text = '{'
  for (let index = 0; index < sorted.length; index++) {
    const key = sorted[index]!
    text += written[index] + write(value[key as keyof typeof value], at, key, depth)
  }
  return `${text}}`
}

/** Keys of an object as they are written: each with the comma before it and the colon behind. */
interface KeyOrder {
  readonly keys: readonly string[]
  readonly sorted: readonly string[]
  readonly written: readonly string[]
}

/** The last order of each number of keys. A log has few shapes of objects, and to see that one comes again is cheaper than to sort it. */
const orders: KeyOrder[] = []
const orderMax = 32

function orderOf(keys: readonly string[], at: Place): KeyOrder {
  const known = orders[keys.length]
  if (known?.keys.every((key, index) => key === keys[index])) return known
  // `sort` compares UTF-16 code units, as RFC 8785 asks.
  const sorted = keys.toSorted()
  const written = sorted.map((key, index) => `${index ? ',' : ''}${writeText(key, at.parent, at.step)}:`)
  const order = { keys, sorted, written }
  if (keys.length <= orderMax) orders[keys.length] = order
  return order
}

/** Texts that are written as they are, between quotation marks: most are. */
const plain = /^[ !#-[\]-~]*$/

function writeText(text: string, parent: Place | undefined, step: string | number): string {
  if (plain.test(text)) return `"${text}"`
  if (text.includes('\u0000')) throw refused(parent, step, 'contains U+0000')
  if (!text.isWellFormed()) throw refused(parent, step, 'contains a lone surrogate')
  return JSON.stringify(text)
}

function refused(parent: Place | undefined, step: string | number, reason: string): NotCanonical {
  return new NotCanonical(pathTo(parent, step), reason)
}

function pathTo(parent: Place | undefined, step: string | number): string {
  if (!parent) return ''
  const path = pathTo(parent.parent, parent.step)
  if (typeof step === 'number') return `${path}[${step}]`
  return path ? `${path}.${step}` : step
}
