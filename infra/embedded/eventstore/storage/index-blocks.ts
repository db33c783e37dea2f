import { fstatSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'

/** Records in a block, at most. */
export const blockLength = 4096

/** A run of records as the file of the index tells of them. */
export interface Block {
  /** Of the first record: its position, and where it begins in the log. */
  readonly position: number
  readonly offset: number
  /** The checksum of the last record. */
  readonly lastChecksum: number
  readonly sizes: Uint32Array
  /** To whom each record belongs; see `Owner`. */
  readonly owners: Uint32Array
  /** Of the name of each stream that begins here, in order. */
  readonly digests: Uint32Array
}

/** CRC-32 of what follows, begun with the log's own number; records; new streams; checksum of the last record; first position; its place. */
const headerSize = 32

export function encodeBlock({ position, offset, lastChecksum, sizes, owners, digests }: Block, seed: number): Buffer {
  const words = new Uint32Array(sizes.length + owners.length + digests.length)
  words.set(sizes)
  words.set(owners, sizes.length)
  words.set(digests, sizes.length + owners.length)
  const bytes = Buffer.alloc(headerSize + words.byteLength)
  bytes.writeUInt32LE(sizes.length, 4)
  bytes.writeUInt32LE(digests.length, 8)
  bytes.writeUInt32LE(lastChecksum, 12)
  bytes.writeDoubleLE(position, 16)
  bytes.writeDoubleLE(offset, 24)
  Buffer.from(words.buffer).copy(bytes, headerSize)
  bytes.writeUInt32LE(crc32(bytes.subarray(4), seed), 0)
  return bytes
}

/** The blocks of a file up to the first that is not whole, each with where it ends. */
export function* readBlocks(descriptor: number, seed: number): Generator<Block & { readonly end: number }> {
  const { size } = fstatSync(descriptor)
  for (let at = 0; at + headerSize <= size; ) {
    const header = readAt(descriptor, at, headerSize)
    const [records, begun] = [header.readUInt32LE(4), header.readUInt32LE(8)]
    const end = at + headerSize + (records * 2 + begun) * 4
    if (records === 0 || records > blockLength || begun > records || end > size) return
    const body = readAt(descriptor, at + headerSize, end - at - headerSize)
    if (crc32(body, crc32(header.subarray(4), seed)) !== header.readUInt32LE(0)) return
    const words = new Uint32Array(body.buffer, body.byteOffset, body.length / 4)
    yield {
      end,
      lastChecksum: header.readUInt32LE(12),
      position: header.readDoubleLE(16),
      offset: header.readDoubleLE(24),
      sizes: words.subarray(0, records),
      owners: words.subarray(records, records * 2),
      digests: words.subarray(records * 2),
    }
    at = end
  }
}

function readAt(descriptor: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length) // aligned, as words must be
  if (readSync(descriptor, bytes, 0, length, at) < length) throw new Error('the file of the index became shorter while it was read')
  return bytes
}
