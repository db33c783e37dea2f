import type { StoredRecord } from '../storage/record.ts'
import { dotNetRegExp } from './dotnet-regexp.ts'

/** Which events of `$all` a reader wants. */
export type Filter = (record: StoredRecord) => boolean

const byStream = (record: StoredRecord) => record.streamBytes
const byType = (record: StoredRecord) => record.typeBytes

/** An expression wins over prefixes; without either nothing matches. Throws SyntaxError when the expression cannot be read. */
export function filterBy(property: 'stream' | 'type', regex: string, prefixes: readonly string[]): Filter {
  const value = property === 'stream' ? byStream : byType
  if (regex !== '') {
    const expression = dotNetRegExp(regex)
    return (record) => expression.test(value(record).toString('utf8'))
  }
  const starts = prefixes.map((prefix) => Buffer.from(prefix))
  return (record) => {
    const bytes = value(record)
    return starts.some((start) => startsWith(bytes, start))
  }
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  if (start.length > bytes.length) return false
  for (let at = 0; at < start.length; at++) if (bytes[at] !== start[at]) return false
  return true
}

const dollar = 0x24

/** Three kinds of system streams are in no view of `$all`. */
export function isHiddenFromAll(record: StoredRecord): boolean {
  if (record.streamBytes[0] !== dollar) return false
  const { stream } = record
  if (stream === '$epoch-information') return true
  return stream.startsWith('$persistentsubscription-$all::') && (stream.endsWith('-checkpoint') || stream.endsWith('-parked'))
}
