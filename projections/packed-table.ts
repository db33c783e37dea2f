// Rows that stay for the digest alone, packed: ten million heartbeats take some hundred megabytes, not some gigabytes.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { byKey, type TableDigest } from './digest.ts'
import { isKept } from './fold.ts'
import { keyOf, type Row, type Table, type Value } from './projection.ts'
import { portable, rowWriter } from './rows.ts'

/** Rows of a table whose rows of equal first key column come in the order of the key. */
export interface PackedRows {
  /** Throws Error for a row that comes out of order. */
  add(row: Row): void
  /** Gives up rows older than `cutoff`, as far as nothing has to be unpacked for that. */
  forget(cutoff: string): void
  /** Adds every row that is not older than `cutoff` to a digest, in the order of the key. */
  addTo(digest: TableDigest, cutoff: string | undefined): void
}

/** The rows of one value of the first key column. */
interface Part {
  last: Row
  /** Not packed yet. */
  open: Row[]
  readonly packs: Pack[]
}

interface Pack {
  /** RFC 8785 texts, a line each, deflated. */
  readonly bytes: Buffer
  /** The largest of what the rows are retained by; empty where all are for ever. */
  readonly newest: string
}

/** Few enough that thousands of parts may each have as many open, many enough that they pack to a tenth. */
const packRows = 64

export function packedRows(table: Table): PackedRows {
  const { columns, retain } = table
  const order = byKey(table)
  const write = rowWriter(portable(columns))
  const [first] = keyOf(table) as [string]
  const parts = new Map<Value, Part>()
  const ageOf = (row: Row) => (retain ? String(row[retain.field]) : '')

  function pack(part: Part): void {
    const newest = part.open.map(ageOf).reduce((newest, age) => (age > newest ? age : newest))
    part.packs.push({ bytes: deflateRawSync(part.open.map(write).join('\n'), { level: 1 }), newest })
    part.open = []
  }

  /** Rows of a pack that are kept, as their texts. Positions, which no text has, are not what rows are retained by. */
  function unpacked({ bytes, newest }: Pack, cutoff: string | undefined): readonly string[] {
    if (retain && cutoff !== undefined && newest < cutoff) return []
    const texts = inflateRawSync(bytes).toString().split('\n')
    return retain && cutoff !== undefined ? texts.filter((text) => isKept(table, JSON.parse(text), cutoff)) : texts
  }

  return {
    add(row) {
      const part = parts.get(row[first]!)
      if (!part) {
        parts.set(row[first]!, { last: row, open: [row], packs: [] })
        return
      }
      if (order(part.last, row) >= 0) throw new Error(`a row of ${String(row[first])} is out of order`)
      part.last = row
      part.open.push(row)
      if (part.open.length === packRows) pack(part)
    },
    forget(cutoff) {
      for (const [value, part] of parts) {
        const young = part.packs.findIndex(({ newest }) => newest >= cutoff)
        part.packs.splice(0, young < 0 ? part.packs.length : young)
        part.open = part.open.filter((row) => isKept(table, row, cutoff))
        if (!part.packs.length && !part.open.length && !isKept(table, part.last, cutoff)) parts.delete(value)
      }
    },
    addTo(digest, cutoff) {
      const sorted = [...parts.values()].sort((a, b) => order(a.last, b.last))
      for (const { packs, open } of sorted) {
        for (const pack of packs) for (const text of unpacked(pack, cutoff)) digest.addText(text)
        for (const row of open) if (isKept(table, row, cutoff)) digest.addText(write(row))
      }
    },
  }
}
