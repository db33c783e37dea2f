import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { type LogIndex, type Owner, tombstoned } from './log-index.ts'

/** Records in a block. */
const blockLength = 4096
/** CRC-32 of what follows, begun with the log's own number; records; new streams; checksum of the last record; first position; its place. */
const blockHeader = 32

interface Block {
  /** Of the whole block in the file. */
  readonly size: number
  readonly position: number
  readonly offset: number
  readonly lastChecksum: number
  /** Of each record: its size. */
  readonly sizes: Uint32Array
  readonly owners: Uint32Array
  /** Of each stream that begins in this block, in order. */
  readonly digests: Uint32Array
}

/**
 * What is needed to build the index again, in a few bytes a record, so that nobody waits for a large log to be read through.
 * It only grows, a block at a time. It may be missing, short, old or damaged: what it does not say, the log does.
 */
export class IndexFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #seed: number
  #size = 0
  /** Of the records that are not in the file yet. */
  #owners: Owner[] = []
  #streams = 0

  constructor(path: string, seed: number) {
    this.#path = path
    this.#descriptor = openSync(path, existsSync(path) ? 'r+' : 'w+')
    this.#seed = seed
  }

  /**
   * Fills an empty index with what is whole. `checksumAt` reads that of the record at a place in the log, undefined if there is
   * none. Answers false when it was another log's, and the index is to be thrown away.
   */
  load(index: LogIndex, checksumAt: (offset: number) => number | undefined): boolean {
    let last: { readonly at: number; readonly checksum: number } | undefined
    for (const block of this.#blocks()) {
      if (block.position !== index.nextPosition || block.offset !== index.end) break
      let begun = 0
      const digest = () => block.digests[begun++]!
      for (let n = 0; n < block.sizes.length; n++) index.add(block.sizes[n]!, block.owners[n]!, digest)
      last = { at: index.end - block.sizes.at(-1)!, checksum: block.lastChecksum }
      this.#size += block.size
    }
    // Another history of the same log, from before a restore for one, differs at its end.
    const isOfThisLog = last === undefined || checksumAt(last.at) === last.checksum
    if (isOfThisLog) this.#streams = index.names.count
    else this.#size = 0
    return isOfThisLog
  }

  /** To be told of each record that was added to the index behind what was loaded. */
  add(owner: Owner): void {
    this.#owners.push(owner)
  }

  /** Writes the blocks that are full, or everything. A failure leaves them for the next time. */
  write(index: LogIndex, checksumAt: (offset: number) => number, everything: boolean): void {
    while (this.#owners.length >= (everything ? 1 : blockLength)) {
      const block = this.#encode(index, this.#owners.slice(0, blockLength), checksumAt)
      try {
        ftruncateSync(this.#descriptor, this.#size)
        if (writeSync(this.#descriptor, block.bytes, 0, block.bytes.length, this.#size) < block.bytes.length) return
      } catch {
        return // a full disk; nobody needs the index before the next start
      }
      this.#size += block.bytes.length
      this.#streams += block.begun
      this.#owners = this.#owners.slice(blockLength)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #encode(index: LogIndex, owners: readonly Owner[], checksumAt: (offset: number) => number) {
    const position = index.nextPosition - this.#owners.length
    const last = Math.max(0, ...owners.map((owner) => (owner >= tombstoned ? owner - tombstoned : owner)))
    const begun = Math.max(0, last - this.#streams)
    const words = new Uint32Array(owners.length * 2 + begun)
    for (let n = 0; n < owners.length; n++) {
      words[n] = index.start(position + n + 1) - index.start(position + n)
      words[owners.length + n] = owners[n]!
    }
    for (let n = 0; n < begun; n++) words[owners.length * 2 + n] = index.names.digest(this.#streams + n + 1)
    const bytes = Buffer.alloc(blockHeader + words.byteLength)
    bytes.writeUInt32LE(owners.length, 4)
    bytes.writeUInt32LE(begun, 8)
    bytes.writeUInt32LE(checksumAt(index.start(position + owners.length - 1)), 12)
    bytes.writeDoubleLE(position, 16)
    bytes.writeDoubleLE(index.start(position), 24)
    Buffer.from(words.buffer).copy(bytes, blockHeader)
    bytes.writeUInt32LE(crc32(bytes.subarray(4), this.#seed), 0)
    return { bytes, begun }
  }

  *#blocks(): Generator<Block> {
    const { size } = fstatSync(this.#descriptor)
    for (let at = 0; at + blockHeader <= size; ) {
      const header = this.#read(at, blockHeader)
      const [records, begun] = [header.readUInt32LE(4), header.readUInt32LE(8)]
      const length = (records * 2 + begun) * 4
      if (records === 0 || records > blockLength || begun > records || at + blockHeader + length > size) return
      const body = this.#read(at + blockHeader, length)
      if (crc32(body, crc32(header.subarray(4), this.#seed)) !== header.readUInt32LE(0)) return
      const words = new Uint32Array(body.buffer, body.byteOffset, length / 4)
      yield {
        size: blockHeader + length,
        lastChecksum: header.readUInt32LE(12),
        position: header.readDoubleLE(16),
        offset: header.readDoubleLE(24),
        sizes: words.subarray(0, records),
        owners: words.subarray(records, records * 2),
        digests: words.subarray(records * 2),
      }
      at += blockHeader + length
    }
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length) // aligned, as words must be
    if (readSync(this.#descriptor, bytes, 0, length, at) < length) throw new Error(`${this.#path} became shorter`)
    return bytes
  }
}
