import { headerSize, isWhole, sizeOf } from './header.ts'
import type { LogFile } from './log-file.ts'

const chunkSize = 1 << 20

/**
 * Calls `visit` with each record from a place in the file on, up to the first that is not whole. The record is valid during the call.
 * Answers where it ended.
 */
export function readForward(
  file: LogFile,
  offset: number,
  position: number,
  visit: (record: Buffer, position: number, offset: number) => void,
): number {
  let chunk: Buffer = Buffer.allocUnsafeSlow(chunkSize)
  let [start, end] = [offset, offset] // of what is in the chunk

  function has(from: number, size: number): boolean {
    if (from + size <= end) return true
    if (from + size > file.end) return false
    if (size > chunk.length) chunk = Buffer.allocUnsafeSlow(size)
    start = from
    end = Math.min(file.end, from + chunk.length)
    file.readInto(chunk.subarray(0, end - start), start)
    return true
  }

  for (let at = offset; ; position++) {
    if (!has(at, headerSize)) return at
    const size = sizeOf(chunk, at - start)
    if (!has(at, size)) return at
    const record = chunk.subarray(at - start, at - start + size)
    if (!isWhole(record, position)) return at
    visit(record, position, at)
    at += size
  }
}
