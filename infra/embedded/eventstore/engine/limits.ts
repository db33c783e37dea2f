import type { StoredRecord } from '../storage/record.ts'
import { type Acl, readAcl } from './acl.ts'
import { formatJson, type JsonObject, parseLenientObject } from './lenient-json.ts'

/** What the metadata of a stream hides from its readers, and who its readers and writers are. */
export interface Limits {
  readonly maxCount: number | undefined
  readonly maxAgeMs: number | undefined
  /** The first revision that may be seen. */
  readonly truncateBefore: number
  /** `$tb` is MAXI64: the stream counts as deleted until somebody writes to it. */
  readonly softDeleted: boolean
  readonly acl: Acl
}

export const noLimits: Limits = { maxCount: undefined, maxAgeMs: undefined, truncateBefore: 0, softDeleted: false, acl: {} }

/** Metadata streams show their newest event only. */
export const newestOnly: Limits = { ...noLimits, maxCount: 1 }

const softDeletion = 2n ** 63n - 1n
export const softDeletionMetadata = Buffer.from(`{"$tb":${softDeletion}}`)

/**
 * The limits that a metadata event sets. It sets none when it is not JSON, cannot be read, or gives one of the known keys
 * a value of a wrong type; a value out of range voids itself only.
 */
export function limitsOf(event: Pick<StoredRecord, 'isJson' | 'data'>): Limits {
  if (!event.isJson) return noLimits
  try {
    return readLimits(parseLenientObject(event.data.toString('utf8')))
  } catch {
    return noLimits
  }
}

function readLimits(metadata: JsonObject): Limits {
  const maxCount = integer(metadata, '$maxCount')
  const maxAge = integer(metadata, '$maxAge')
  const truncateBefore = integer(metadata, '$tb')
  integer(metadata, '$cacheControl')
  const acl = metadata.get('$acl')
  return {
    maxCount: maxCount !== undefined && maxCount > 0n ? Number(maxCount) : undefined,
    maxAgeMs: maxAge !== undefined && maxAge > 0n ? Number(maxAge) * 1000 : undefined,
    truncateBefore: truncateBefore !== undefined && truncateBefore >= 0n ? Number(truncateBefore) : 0,
    softDeleted: truncateBefore === softDeletion,
    acl: acl === undefined ? {} : readAcl(acl),
  }
}

function integer(metadata: JsonObject, key: string): bigint | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw new TypeError(`${key} is no 64-bit integer`)
  return value
}

/**
 * The metadata of a soft-deleted stream that is written to again: what it was, visible from that revision on.
 * Undefined when it is no JSON object; such metadata hides nothing anyway.
 */
export function revivedMetadata(metadata: Buffer, truncateBefore: number): Buffer | undefined {
  try {
    const members = parseLenientObject(metadata.toString('utf8'))
    members.set('$tb', BigInt(truncateBefore))
    return Buffer.from(formatJson(members))
  } catch {
    return undefined
  }
}

/** The first revision that readers of a stream may see, whatever its age. */
export function firstVisible(limits: Limits, last: number): number {
  return Math.max(0, limits.truncateBefore, limits.maxCount === undefined ? 0 : last - limits.maxCount + 1)
}

/** The time, in milliseconds since 1970, before which events have expired. */
export const expiredBefore = (limits: Limits, now: number) => (limits.maxAgeMs === undefined ? 0 : now - limits.maxAgeMs)
