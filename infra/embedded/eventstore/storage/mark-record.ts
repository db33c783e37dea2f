import { headerSize } from './header.ts'

/** The length of the name, the name, the value. */
export function encodeMark(name: string, value: Buffer): Buffer {
  const bytes = Buffer.from(name)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(bytes.length)
  return Buffer.concat([Buffer.alloc(headerSize), length, bytes, value])
}

export function decodeMark(record: Buffer): { readonly name: string; readonly value: Buffer } {
  const start = headerSize + 2
  const end = start + record.readUInt16LE(headerSize)
  return { name: record.toString('utf8', start, end), value: record.subarray(end) }
}
