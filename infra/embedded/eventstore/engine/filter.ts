import { isOfSystem, StoredRecord } from '../storage/record.ts'
import { dotNetRegExp } from './dotnet-regexp.ts'

/** Which events of `$all` a reader wants. */
export type Filter = (record: StoredRecord) => boolean

/** An expression wins over prefixes; without either nothing matches. Throws SyntaxError when the expression cannot be read. */
export function filterBy(property: 'stream' | 'type', regex: string, prefixes: readonly string[]): Filter {
  if (regex !== '') {
    const expression = dotNetRegExp(regex)
    return (record) => expression.test(record[property])
  }
  const starts = prefixes.map((prefix) => Buffer.from(prefix))
  return property === 'stream'
    ? (record) => starts.some((start) => record.streamStartsWith(start))
    : (record) => starts.some((start) => record.typeStartsWith(start))
}

const groupPrefix = '$persistentsubscription-$all::'

/** Three kinds of system streams are in no view of `$all`. */
export function isHiddenFromAll(record: Buffer): boolean {
  if (!isOfSystem(record)) return false
  const { stream } = new StoredRecord(record)
  if (stream === '$epoch-information') return true
  return stream.startsWith(groupPrefix) && (stream.endsWith('-checkpoint') || stream.endsWith('-parked'))
}
