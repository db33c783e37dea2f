import { randomBytes } from 'node:crypto'
import { closeSync, fdatasync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

/** `DUXLOG`, the format, a number of the log's own that its other files refer to, and a CRC-32 of these. */
const magic = Buffer.from('DUXLOG')
const format = 2
const idOffset = 8
const crcOffset = 16
export const fileHeaderSize = 20

const flush = promisify(fdatasync)

/** A file that only grows at its end. What is behind `end` counts for nothing. */
export class LogFile {
  readonly path: string
  /** The beginning of the checksums in the files that go with this one. */
  readonly seed: number
  /** Behind the last byte that is sure to be on the disk. */
  end: number
  readonly #descriptor: number
  readonly #isTemporary: boolean
  #isDirty = false
  #isClosed = false

  private constructor(path: string, descriptor: number, isTemporary: boolean) {
    this.path = path
    this.#descriptor = descriptor
    this.#isTemporary = isTemporary
    this.seed = readFileHeader(path, descriptor)
    this.end = fstatSync(descriptor).size
  }

  static create(path: string, isTemporary = false): LogFile {
    const descriptor = openSync(path, 'w+')
    writeFully(descriptor, fileHeader(), 0)
    if (!isTemporary) fsyncSync(descriptor)
    return new LogFile(path, descriptor, isTemporary)
  }

  static open(path: string, flags: 'r' | 'r+'): LogFile {
    const descriptor = openSync(path, flags)
    try {
      return new LogFile(path, descriptor, false)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  /** Takes in what another process has added since. */
  measure(): void {
    this.end = fstatSync(this.#descriptor).size
  }

  /** The bytes between two places, which the caller may keep. Throws when the file ends before. */
  read(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start)
    this.readInto(bytes, start)
    return bytes
  }

  readInto(bytes: Buffer, start: number): void {
    if (this.#isClosed) throw new Error('the log is closed')
    for (let length = 0; length < bytes.length; ) {
      const read = readSync(this.#descriptor, bytes, length, bytes.length - length, start + length)
      if (read === 0) throw new Error(`${this.path} ends at byte ${start + length}, which is before its end`)
      length += read
    }
  }

  /**
   * Adds bytes and flushes them to the disk, in this thread if that may be. When it throws, nothing was added: what was
   * written of them is cut off, now or as soon as the disk allows it.
   * `acknowledge` is told the new end before it counts.
   */
  async append(bytes: Buffer, isInThread: boolean, acknowledge: (end: number) => void): Promise<void> {
    if (this.#isDirty) this.#clean(acknowledge)
    const end = this.end + bytes.length
    try {
      writeFully(this.#descriptor, bytes, this.end)
      await this.#flush(isInThread)
      acknowledge(end)
    } catch (error) {
      this.#isDirty = true
      try {
        this.#clean(acknowledge)
      } catch {
        // The next one tries again before it writes.
      }
      throw error
    }
    this.end = end
  }

  /** Makes the file end at `end`. */
  cut(): void {
    ftruncateSync(this.#descriptor, this.end)
    this.#flush(true)
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#descriptor)
    this.#isClosed = true
  }

  #flush(isInThread: boolean): Promise<void> | undefined {
    if (this.#isTemporary) return undefined
    if (!isInThread) return flush(this.#descriptor)
    fdatasyncSync(this.#descriptor)
    return undefined
  }

  #clean(acknowledge: (end: number) => void): void {
    acknowledge(this.end)
    this.cut()
    this.#isDirty = false
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(fileHeaderSize)
  magic.copy(header)
  header.writeUInt16LE(format, magic.length)
  randomBytes(crcOffset - idOffset).copy(header, idOffset)
  header.writeUInt32LE(crc32(header.subarray(0, crcOffset)), crcOffset)
  return header
}

/** Answers the log's own number. */
function readFileHeader(path: string, descriptor: number): number {
  const header = Buffer.alloc(fileHeaderSize)
  readSync(descriptor, header, 0, fileHeaderSize, 0)
  if (crc32(header.subarray(0, crcOffset)) !== header.readUInt32LE(crcOffset))
    throw new Error(`${path} is damaged at byte 0, or no log`)
  const found = header.readUInt16LE(magic.length)
  if (found !== format) throw new Error(`its format is ${found}, and this program reads ${format}`)
  return header.readUInt32LE(idOffset)
}

/** A disk that is full may take some of the bytes before it says so. */
function writeFully(descriptor: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(descriptor, bytes, written, bytes.length - written, at + written)
}
