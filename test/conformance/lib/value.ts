// google.protobuf.Value as plain data. The schema keeps the values of a map as bytes; they are read here.
import { toBytes, type Wire } from './codec.ts'

export const structOf = (value: Wire): Wire => (value?.structValue ? fieldsOf(value.structValue.fields) : value)

const fieldsOf = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, bytes]) => [name, scalar(toBytes(bytes))]))

function scalar(bytes: Buffer): unknown {
  switch (bytes[0]) {
    case 0x08:
      return null
    case 0x11:
      return bytes.readDoubleLE(1)
    case 0x1a:
      return bytes.subarray(2, 2 + bytes.readUInt8(1)).toString('utf8')
    case 0x20:
      return bytes[1] === 1
    default:
      return `hex:${bytes.toString('hex')}`
  }
}
