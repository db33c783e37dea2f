import type { ProtoReader } from '../../../../adapters/eventstore/protobuf.ts'

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const zero = '00000000-0000-0000-0000-000000000000'

/** Lower-case canonical text of any form that EventStoreDB takes (capitals, braces, no hyphens); undefined when it is none. */
export function canonicalUuid(text: string): string | undefined {
  if (canonical.test(text)) return text
  const lower = text.trim().toLowerCase()
  if (/^[0-9a-f]{32}$/.test(lower)) return hyphenated(lower)
  const bare = lower.replace(/^\{(.*)\}$|^\((.*)\)$/, '$1$2')
  return canonical.test(bare) ? bare : undefined
}

export const isZeroUuid = (id: string) => id === zero

const hyphenated = (hex: string) =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`

/** Reads a UUID message (text or two signed halves). Undefined: neither form was set. Throws RangeError when the text is no UUID. */
export function readUuid(reader: ProtoReader): string | undefined {
  let id: string | undefined
  while (reader.next()) {
    if (reader.field === 2) {
      id = canonicalUuid(reader.text())
      if (id === undefined) throw new RangeError('Unrecognized Guid format.')
    } else if (reader.field === 1) id = readHalves(reader.message())
    else reader.skip()
  }
  return id
}

function readHalves(reader: ProtoReader): string {
  const halves = [0n, 0n]
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) halves[reader.field - 1] = BigInt(reader.uint64())
    else reader.skip()
  }
  return hyphenated(halves.map((half) => half.toString(16).padStart(16, '0')).join(''))
}

/** The two big-endian halves of a canonical id as unsigned numbers, the form of `UUID.structured` on the wire. */
export function uuidHalves(id: string): [bigint, bigint] {
  const hex = id.replaceAll('-', '')
  return [BigInt(`0x${hex.slice(0, 16)}`), BigInt(`0x${hex.slice(16)}`)]
}
