import { closeSync, existsSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { blockLength, encodeBlock, readBlocks } from './index-blocks.ts'
import { type LogIndex, type Owner, streamOfOwner } from './log-index.ts'

/**
 * What is needed to build the index again, in a few bytes a record, so that nobody waits for a large log to be read through.
 * It only grows, a block at a time. It may be missing, short, old or damaged: what it does not say, the log does.
 */
export class IndexFile {
  readonly #descriptor: number
  readonly #seed: number
  #size = 0
  /** Of the records that are not in the file yet. */
  #owners: Owner[] = []
  #streams = 0

  constructor(path: string, seed: number) {
    this.#descriptor = openSync(path, existsSync(path) ? 'r+' : 'w+')
    this.#seed = seed
  }

  /**
   * Fills an empty index with what is whole. `checksumAt` reads that of the record at a place in the log, undefined if there is
   * none. Answers false when it was another log's, and the index is to be thrown away.
   */
  load(index: LogIndex, checksumAt: (offset: number) => number | undefined): boolean {
    const { size, last } = fillIndex(index, readBlocks(this.#descriptor, this.#seed))
    // Another history of the same log, from before a restore for one, differs at its end.
    if (last && checksumAt(last.offset) !== last.checksum) return false
    this.#size = size
    this.#streams = index.names.count
    return true
  }

  /** To be told of each record that was added to the index behind what was loaded. */
  add(owner: Owner): void {
    this.#owners.push(owner)
  }

  /** Writes the blocks that are full, or everything. A failure leaves them for the next time. */
  write(index: LogIndex, checksumAt: (offset: number) => number, everything: boolean): void {
    while (this.#owners.length >= (everything ? 1 : blockLength)) {
      const owners = Uint32Array.from(this.#owners.slice(0, blockLength))
      const digests = this.#newDigests(index, owners)
      const position = index.nextPosition - this.#owners.length
      const bytes = encodeBlock(
        {
          position,
          offset: index.start(position),
          lastChecksum: checksumAt(index.start(position + owners.length - 1)),
          sizes: owners.map((_, n) => index.start(position + n + 1) - index.start(position + n)),
          owners,
          digests,
        },
        this.#seed,
      )
      if (!this.#append(bytes)) return
      this.#streams += digests.length
      this.#owners = this.#owners.slice(blockLength)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /** A disk that is full is no reason to complain: nobody needs the file before the next start. */
  #append(bytes: Buffer): boolean {
    try {
      ftruncateSync(this.#descriptor, this.#size)
      if (writeSync(this.#descriptor, bytes, 0, bytes.length, this.#size) < bytes.length) return false
    } catch {
      return false
    }
    this.#size += bytes.length
    return true
  }

  #newDigests(index: LogIndex, owners: Uint32Array): Uint32Array {
    const newest = owners.reduce((most, owner) => Math.max(most, streamOfOwner(owner)), this.#streams)
    return Uint32Array.from({ length: newest - this.#streams }, (_, n) => index.names.digest(this.#streams + n + 1))
  }
}

/** Adds blocks to an index as long as each goes on where it ends. Answers how far that went in the file and in the log. */
export function fillIndex(index: LogIndex, blocks: ReturnType<typeof readBlocks>) {
  let size = 0
  let last: { readonly offset: number; readonly checksum: number } | undefined
  for (const { position, offset, sizes, owners, digests, lastChecksum, end } of blocks) {
    if (position !== index.nextPosition || offset !== index.end) break
    let begun = 0
    const digest = () => digests[begun++]!
    for (let n = 0; n < sizes.length; n++) index.add(sizes[n]!, owners[n]!, digest)
    last = { offset: index.end - sizes.at(-1)!, checksum: lastChecksum }
    size = end
  }
  return { size, last }
}
