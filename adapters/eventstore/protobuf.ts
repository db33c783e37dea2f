// The few pieces of the protocol buffer encoding that the hot messages need, on both sides: the adapter that dials an event store, and the
// embedded one. Everything else goes through the generated classes.

const delimited = 2

/** Bytes of a varint. Numbers up to 2^53. */
export function varintSize(value: number): number {
  let size = 1
  while (value >= 0x80) {
    value = Math.floor(value / 0x80)
    size++
  }
  return size
}

/** Bytes of a length-delimited field with a one-byte tag. */
export const delimitedSize = (length: number) => 1 + varintSize(length) + length

/** Writes a varint and returns the offset after it. Numbers up to 2^53. */
export function writeVarint(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value % 0x80) | 0x80
    value = Math.floor(value / 0x80)
  }
  target[at++] = value
  return at
}

/** Writes tag and length of a length-delimited field with a number below 16. */
export function writeDelimited(target: Buffer, at: number, field: number, length: number): number {
  target[at] = (field << 3) | delimited
  return writeVarint(target, at + 1, length)
}

/** Writes a varint field with a number below 16. */
export function writeNumber(target: Buffer, at: number, field: number, value: number): number {
  target[at] = field << 3
  return writeVarint(target, at + 1, value)
}

export type Field = readonly [number: number, value: number | bigint | string | Uint8Array]

/** A message of few fields, for answers that are not many: numbers below 16, values as unsigned numbers, text, bytes or messages. */
export function encodeMessage(...fields: readonly Field[]): Buffer {
  const parts = fields.flatMap(([number, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint') return [Buffer.of(number << 3), bigVarint(BigInt(value))]
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return [Buffer.of((number << 3) | delimited), bigVarint(BigInt(bytes.length)), bytes]
  })
  return Buffer.concat(parts)
}

/** The message without fields, and what stands for a choice that needs no more words. */
export const empty = new Uint8Array()

/** Any uint64; the two's complement of a negative number. */
export function bigVarint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

/**
 * A cursor over the fields of one message:
 * `while (reader.next()) switch (reader.field) { case 1: … = reader.bytes() … default: reader.skip() }`.
 * Throws RangeError when the bytes are no message.
 */
export class ProtoReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  #wire = 0
  field = 0

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  next(): boolean {
    if (this.#at >= this.#end) return false
    const tag = this.varint()
    this.field = tag >>> 3
    this.#wire = tag & 7
    return true
  }

  /** The value as a number; beyond 2^53 it is rounded. */
  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      if (this.#at >= this.#end) throw new RangeError('the message ends within a number')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  /** A uint64 exactly: a number while it is safe, else a bigint. */
  uint64(): number | bigint {
    const start = this.#at
    const value = this.varint()
    if (Number.isSafeInteger(value)) return value
    let exact = 0n
    for (let at = this.#at - 1; at >= start; at--) exact = (exact << 7n) | BigInt(this.#bytes[at]! & 0x7f)
    return BigInt.asUintN(64, exact)
  }

  /** An int64 or int32 that may be negative. */
  int64(): number {
    return Number(BigInt.asIntN(64, BigInt(this.uint64())))
  }

  /** Where a string, bytes or message field lies in the bytes. */
  span(): readonly [start: number, end: number] {
    const length = this.varint()
    const start = this.#at
    if (start + length > this.#end) throw new RangeError('the message ends within a field')
    this.#at = start + length
    return [start, this.#at]
  }

  /** A view on the bytes of a string, bytes or message field. */
  bytes(): Buffer {
    return this.#bytes.subarray(...this.span())
  }

  message(): ProtoReader {
    return new ProtoReader(this.#bytes, ...this.span())
  }

  text(): string {
    return this.#bytes.toString('utf8', ...this.span())
  }

  skip(): void {
    if (this.#wire === 0) this.varint()
    else if (this.#wire === delimited) this.span()
    else if (this.#wire === 1) this.#at += 8
    else if (this.#wire === 5) this.#at += 4
    else throw new RangeError(`wire type ${this.#wire} is unknown`)
    if (this.#at > this.#end) throw new RangeError('the message ends within a field')
  }
}

/** The one field of a message that matters, as text; empty when it is not there. */
export function textField(reader: ProtoReader, field: number): string {
  let text = ''
  while (reader.next()) {
    if (reader.field === field) text = reader.text()
    else reader.skip()
  }
  return text
}

/** The one field of a message that matters, as a uint64; 0 when it is not there, as proto3 has it. */
export function uint64Field(reader: ProtoReader, field: number): bigint {
  let value = 0n
  while (reader.next()) {
    if (reader.field === field) value = BigInt(reader.uint64())
    else reader.skip()
  }
  return value
}
