/*
 * Postgres' binary COPY format, version of 7.4 (its documentation, "COPY", section "Binary Format"). Beside the text format nothing is
 * escaped and nothing is parsed: a log holds JSON within JSON, which in text is half backslashes.
 */

/** A column's type as the server calls it. The format has no conversions: it must be the column's own. */
export type CopyType = 'int8' | 'numeric' | 'bool' | 'text' | 'bytea' | 'jsonb' | 'text[]'

/** `int8`: a safe integer or a bigint; `numeric`: a bigint; `jsonb`: anything that JSON can hold; `text[]`: texts and nulls. */
export type CopyValue = string | number | bigint | boolean | Uint8Array | object | null | undefined

export type CopyRow = Readonly<Record<string, CopyValue>>

export type CopyColumns = Readonly<Record<string, CopyType>>

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const header = Buffer.concat([signature, Buffer.alloc(8)]) // no flags, no extension
const trailer = Buffer.from([0xff, 0xff])

const chunkBytes = 128 * 1024
const textOid = 25

/** Encodes rows into chunks. */
export interface CopyEncoder {
  /** Adds a row. Throws TypeError, which names the column, for a value that its type cannot hold. */
  add(row: CopyRow): void
  /** What was added so far; empty when it is less than a chunk and not `all` is wanted. */
  take(all: boolean): Buffer | undefined
}

/** The first chunk begins with the header; `take(true)` ends with the trailer. */
export function copyEncoder(columns: CopyColumns): CopyEncoder {
  const fields = Object.entries(columns)
  let bytes = Buffer.allocUnsafe(chunkBytes)
  let at = header.copy(bytes)

  function reserve(count: number): void {
    if (at + count <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * bytes.length, at + count))
    bytes.copy(larger, 0, 0, at)
    bytes = larger
  }

  /** The four bytes before a value say how many follow: `write` says what it wrote. */
  function sized(most: number, write: () => void): void {
    reserve(4 + most)
    const start = at
    at += 4
    write()
    bytes.writeInt32BE(at - start - 4, start)
  }

  function int32(value: number): void {
    bytes.writeInt32BE(value, at)
    at += 4
  }

  function int16(value: number): void {
    bytes.writeInt16BE(value, at)
    at += 2
  }

  function text(value: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    sized(3 * value.length, () => {
      at += bytes.write(value, at, 'utf8')
    })
  }

  function nothing(): void {
    reserve(4)
    int32(-1)
  }

  const writers: Readonly<Record<CopyType, (value: NonNullable<CopyValue>) => void>> = {
    int8(value) {
      reserve(12)
      int32(8)
      if (typeof value === 'bigint') bytes.writeBigInt64BE(value, at)
      else if (typeof value === 'number' && Number.isSafeInteger(value)) {
        bytes.writeInt32BE(Math.floor(value / 2 ** 32), at)
        bytes.writeUInt32BE(value >>> 0, at + 4)
      } else throw new TypeError('is not a safe integer')
      at += 8
    },
    numeric(value) {
      if (typeof value !== 'bigint') throw new TypeError('is not a bigint')
      const text = String(value < 0n ? -value : value)
      const digits = Math.ceil(text.length / 4) // of the base 10,000
      reserve(12 + 2 * digits)
      int32(8 + 2 * digits)
      int16(digits)
      int16(digits - 1) // the weight of the first
      int16(value < 0n ? 0x4000 : 0)
      int16(0) // decimals
      const padded = text.padStart(4 * digits, '0')
      for (let n = 0; n < padded.length; n += 4) int16(Number(padded.slice(n, n + 4)))
    },
    bool(value) {
      if (typeof value !== 'boolean') throw new TypeError('is not a boolean')
      reserve(5)
      int32(1)
      bytes[at++] = value ? 1 : 0
    },
    text(value) {
      if (typeof value !== 'string') throw new TypeError('is not a text')
      text(value)
    },
    bytea(value) {
      if (!(value instanceof Uint8Array)) throw new TypeError('is not bytes')
      reserve(4 + value.length)
      int32(value.length)
      bytes.set(value, at)
      at += value.length
    },
    jsonb(value) {
      const json = JSON.stringify(value)
      sized(1 + 3 * json.length, () => {
        bytes[at++] = 1 // the version of jsonb's own format
        at += bytes.write(json, at, 'utf8')
      })
    },
    'text[]'(value) {
      if (!Array.isArray(value)) throw new TypeError('is not a list')
      const start = at
      sized(20, () => {
        int32(value.length ? 1 : 0) // dimensions
        int32(value.includes(null) ? 1 : 0)
        int32(textOid)
        if (!value.length) return
        int32(value.length)
        int32(1) // the first index
      })
      for (const item of value) item === null ? nothing() : writers.text(item)
      bytes.writeInt32BE(at - start - 4, start)
    },
  }

  return {
    add(row) {
      reserve(2)
      int16(fields.length)
      for (const [name, type] of fields) {
        const value = row[name]
        try {
          if (value === null || value === undefined) nothing()
          else writers[type](value)
        } catch (error) {
          throw new TypeError(`the column ${name} ${(error as Error).message}`, { cause: error })
        }
      }
    },
    take(all) {
      if (all) {
        reserve(trailer.length)
        at += trailer.copy(bytes, at)
      } else if (at < chunkBytes / 2) return undefined
      const taken = bytes.subarray(0, at)
      bytes = Buffer.allocUnsafe(chunkBytes)
      at = 0
      return taken
    },
  }
}
