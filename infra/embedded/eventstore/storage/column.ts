/** Numbers in the order of their arrival, in chunks: growing copies nothing, and costs no pause however many there are. */
export class Column {
  readonly #chunk: () => Uint32Array | Float64Array
  readonly #chunks: (Uint32Array | Float64Array)[] = []
  #length = 0

  constructor(kind: 'uint32' | 'float64') {
    this.#chunk = () => (kind === 'uint32' ? new Uint32Array(chunkSize) : new Float64Array(chunkSize))
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length >>> chunkBits === this.#chunks.length) this.#chunks.push(this.#chunk())
    this.set(this.#length++, value)
  }

  get(at: number): number {
    return this.#chunks[at >>> chunkBits]![at & (chunkSize - 1)]!
  }

  set(at: number, value: number): void {
    this.#chunks[at >>> chunkBits]![at & (chunkSize - 1)] = value
  }
}

const chunkBits = 14
const chunkSize = 1 << chunkBits
