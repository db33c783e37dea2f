import { crc32 } from 'node:zlib'

/**
 * What stands before each record in the log: a CRC-32 of everything behind it, flags, the length of what follows the header, and
 * the number of the record's stream. The checksum begins with the record's position, so that a record is good in its own place only.
 */
export const headerSize = 13

/** Without `event` the record stands for a position that was given to no event; it may hold a mark. */
export const flag = { event: 1, tombstone: 2, endsCommit: 4, mark: 8 } as const

/** A record that is not what was written. */
export class CorruptRecord extends Error {
  constructor(position: number, file: string, offset: number) {
    super(`the record at position ${position} is damaged (${file}, byte ${offset})`)
  }
}

/** Fills in the header; the record must not change from then on. */
export function seal(record: Buffer, position: number, stream: number, flags: number): void {
  record[4] = flags
  record.writeUInt32LE(record.length - headerSize, 5)
  record.writeUInt32LE(stream, 9)
  record.writeUInt32LE(checksum(record, position), 0)
}

/** Of header and message together. */
export const sizeOf = (bytes: Buffer, at = 0): number => headerSize + bytes.readUInt32LE(at + 5)

export const flagsOf = (record: Buffer): number => record[4]!

export const streamOf = (record: Buffer): number => record.readUInt32LE(9)

/** Whether these bytes, no less and no more, are the record that was written at this position. */
export const isWhole = (record: Buffer, position: number): boolean =>
  record.length >= headerSize && sizeOf(record) === record.length && checksum(record, position) === record.readUInt32LE(0)

const checksum = (record: Buffer, position: number) => crc32(record.subarray(4), position >>> 0)

export const isEvent = (record: Buffer) => (flagsOf(record) & flag.event) !== 0
