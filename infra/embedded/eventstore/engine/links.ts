import { type Log, readRecord } from '../storage/log.ts'
import { StoredRecord } from '../storage/record.ts'
import { isAccountStream } from './accounts.ts'
import { expiredBefore, firstVisible } from './limits.ts'
import type { Streams } from './streams.ts'

export const linkType = '$>'

/** `number@stream` as .NET reads it: spaces around the number and a sign are accepted. */
const reference = /^\s*([+-]?\d+)\s*(?:@([\s\S]*))?$/
const largest = 2n ** 63n

/** What a reader who asked for resolved links is sent for a record. */
export type Resolved =
  | { readonly event: Buffer; readonly link: undefined }
  | { readonly event: Buffer | undefined; readonly link: Buffer }

/**
 * Follows a `$>` event to its target, once. A target that is not there, or hidden, leaves the link alone.
 * Text that is no reference is an event like others in history, and a link alone when it is delivered live.
 */
export function resolveLink(log: Log, streams: Streams, record: Buffer, live: boolean): Resolved {
  const parsed = new StoredRecord(record)
  if (parsed.type !== linkType) return { event: record, link: undefined }
  const target = parseReference(parsed.data.toString('utf8'))
  if (!target) return live ? { event: undefined, link: record } : { event: record, link: undefined }
  // Nobody's right to read a target is looked at, so whoever may write a link could read any password's hash.
  const isFollowed = !isAccountStream(target.stream)
  return { event: isFollowed ? readVisible(log, streams, target.stream, target.revision) : undefined, link: record }
}

function parseReference(text: string): { revision: number; stream: string } | undefined {
  const [, number, stream] = reference.exec(text) ?? []
  if (number === undefined) return undefined
  const revision = BigInt(number)
  return revision >= -largest && revision < largest ? { revision: Number(revision), stream: stream ?? '' } : undefined
}

/** The event at a revision (-1: the last one), if a reader of its stream may see it. */
export function readVisible(log: Log, streams: Streams, name: string, revision: number): Buffer | undefined {
  const stream = streams.get(name)
  const { last, tombstoned } = stream.committed
  const wanted = revision === -1 ? last : revision
  if (stream.number === undefined || tombstoned || wanted < 0 || wanted > last) return undefined
  const { limits } = stream
  if (limits.softDeleted || wanted < firstVisible(limits, last)) return undefined
  const position = log.positionOf(stream.number, wanted)
  if (position === undefined) return undefined
  if (limits.maxAgeMs !== undefined && readRecord(log, position)!.created < expiredBefore(limits, Date.now())) return undefined
  return log.record(position)
}
