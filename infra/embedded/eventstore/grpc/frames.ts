/** Bytes before each gRPC message: a compression flag and the length. */
export const framePrefix = 5

export function writeFramePrefix(target: Buffer, at: number, length: number): void {
  target[at] = 0
  target.writeUInt32BE(length, at + 1)
}

export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(framePrefix + message.length)
  writeFramePrefix(frame, 0, message.length)
  frame.set(message, framePrefix)
  return frame
}

export class FrameError extends Error {
  readonly tooLarge: boolean

  constructor(message: string, tooLarge: boolean) {
    super(message)
    this.tooLarge = tooLarge
  }
}

/**
 * Cuts the chunks of a request into messages. Messages that lie within one chunk are views on it, not copies.
 * Throws FrameError for a compressed message or one longer than `limit`, as soon as its prefix is read.
 */
export class FrameReader {
  limit: number
  #parts: Buffer[] = []
  #buffered = 0
  #needed = framePrefix

  constructor(limit: number) {
    this.limit = limit
  }

  /** True when the request stopped in the middle of a message. */
  get incomplete(): boolean {
    return this.#buffered > 0
  }

  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let bytes = chunk
    if (this.#buffered > 0) {
      this.#parts.push(chunk)
      this.#buffered += chunk.length
      if (this.#buffered < this.#needed) return
      bytes = Buffer.concat(this.#parts, this.#buffered)
      this.#parts = []
      this.#buffered = 0
    }
    let at = 0
    while (bytes.length - at >= framePrefix) {
      const length = this.#lengthAt(bytes, at)
      this.#needed = framePrefix + length
      if (bytes.length - at < this.#needed) break
      onMessage(bytes.subarray(at + framePrefix, at + this.#needed))
      at += this.#needed
      this.#needed = framePrefix
    }
    if (at < bytes.length) {
      this.#parts.push(bytes.subarray(at))
      this.#buffered = bytes.length - at
    }
  }

  #lengthAt(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0) throw new FrameError('Compressed messages are not supported.', false)
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.limit) throw new FrameError('Received message exceeds the maximum configured message size.', true)
    return length
  }
}
