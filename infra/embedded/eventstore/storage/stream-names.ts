import { hash } from 'node:crypto'
import { Column } from './column.ts'

export const digestOf = (name: string): number => hash('sha256', name, 'buffer').readUInt32LE()

/** The numbers of streams by a digest of their names: a few bytes each, because the names themselves are in the log. */
export class StreamNames {
  readonly #digests = new Column('uint32')
  /** Open addressing: the number of a stream, 0 where there is none; at most half full. */
  #table = new Uint32Array(1024)

  get count(): number {
    return this.#digests.length
  }

  /** Of a stream's number, from 1. */
  digest(stream: number): number {
    return this.#digests.get(stream - 1)
  }

  /** Adds the next stream. */
  add(digest: number): void {
    this.#digests.push(digest)
    if (this.count * 2 > this.#table.length) this.#grow()
    else this.#place(this.count)
  }

  /** The stream with this digest that is the one, as its name in the log says. */
  find(digest: number, isTheOne: (stream: number) => boolean): number | undefined {
    for (let at = this.#slot(digest); this.#table[at] !== 0; at = this.#next(at)) {
      const stream = this.#table[at]!
      if (this.digest(stream) === digest && isTheOne(stream)) return stream
    }
    return undefined
  }

  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2)
    for (let stream = 1; stream <= this.count; stream++) this.#place(stream)
  }

  #place(stream: number): void {
    let at = this.#slot(this.digest(stream))
    while (this.#table[at] !== 0) at = this.#next(at)
    this.#table[at] = stream
  }

  #slot(digest: number): number {
    return digest & (this.#table.length - 1)
  }

  #next(at: number): number {
    return (at + 1) & (this.#table.length - 1)
  }
}
