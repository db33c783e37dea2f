import { Column } from './column.ts'

/** A run of revisions of one stream, one behind the other in memory. */
interface Run {
  /** The first revision in it, and the first behind it. */
  readonly from: number
  readonly to: number
  readonly chunk: Uint32Array
  /** Where the position of the first revision stands. */
  readonly at: number
}

/** Positions are kept in 32 bits. */
export const maxPosition = 2 ** 32 - 1

/**
 * The positions of each stream's events, by revision. They stand in blocks that double in size, each with a link to the next, so
 * that short streams cost little, long ones waste little, and any revision is found in a few steps.
 */
export class StreamPositions {
  readonly #counts = new Column('uint32')
  readonly #firstBlocks = new Column('uint32')
  readonly #lastBlocks = new Column('uint32')
  /** The first revision of the last block. */
  readonly #lastStarts = new Column('uint32')
  readonly #chunks: Uint32Array[] = [new Uint32Array(chunkWords)]
  #used = 1 // a link of 0 leads nowhere

  /** Makes room for the next stream; streams are numbered from 0 here. */
  addStream(): void {
    for (const column of [this.#counts, this.#firstBlocks, this.#lastBlocks, this.#lastStarts]) column.push(0)
  }

  count(stream: number): number {
    return this.#counts.get(stream)
  }

  /** Adds the position of the stream's next revision. */
  add(stream: number, position: number): void {
    const revision = this.#counts.get(stream)
    let start = this.#lastStarts.get(stream)
    if (revision === 0) {
      const block = this.#allocate(wordsFrom(0))
      this.#firstBlocks.set(stream, block)
      this.#lastBlocks.set(stream, block)
    } else if (revision === start + wordsFrom(start) - 1) {
      const block = this.#allocate(wordsFrom(revision))
      this.#set(this.#lastBlocks.get(stream), block)
      this.#lastBlocks.set(stream, block)
      this.#lastStarts.set(stream, revision)
      start = revision
    }
    this.#set(this.#lastBlocks.get(stream) + 1 + revision - start, position)
    this.#counts.set(stream, revision + 1)
  }

  get(stream: number, revision: number): number {
    const { from, chunk, at } = this.run(stream, revision)
    return chunk[at + revision - from]!
  }

  /** The run that holds a revision, which must be there. */
  run(stream: number, revision: number): Run {
    let block = this.#firstBlocks.get(stream)
    let from = 0
    if (revision >= this.#lastStarts.get(stream)) {
      block = this.#lastBlocks.get(stream)
      from = this.#lastStarts.get(stream)
    }
    let words = wordsFrom(from)
    while (revision >= from + words - 1) {
      block = this.#get(block)
      from += words - 1
      words = nextWords(words)
    }
    const to = Math.min(from + words - 1, this.#counts.get(stream))
    return { from, to, chunk: this.#chunks[block >>> chunkBits]!, at: (block & (chunkWords - 1)) + 1 }
  }

  /** A block lies in one chunk. */
  #allocate(words: number): number {
    if ((this.#used & (chunkWords - 1)) + words > chunkWords) this.#used = this.#chunks.length * chunkWords
    const block = this.#used
    if (block >>> chunkBits === this.#chunks.length) this.#chunks.push(new Uint32Array(chunkWords))
    this.#used += words
    return block
  }

  #get(address: number): number {
    return this.#chunks[address >>> chunkBits]![address & (chunkWords - 1)]!
  }

  #set(address: number, value: number): void {
    this.#chunks[address >>> chunkBits]![address & (chunkWords - 1)] = value
  }
}

const chunkBits = 18
const chunkWords = 1 << chunkBits
const smallestBlock = 4
const largestBlock = 1 << 16

const nextWords = (words: number) => Math.min(words * 2, largestBlock)

/** The words of the block that begins with a revision, its link included. */
function wordsFrom(start: number): number {
  let words = smallestBlock
  for (let from = 0; from < start && words < largestBlock; words = nextWords(words)) from += words - 1
  return words
}
