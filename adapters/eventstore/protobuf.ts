const delimited = 2

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
