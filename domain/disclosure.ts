import { z } from 'zod'
import { commitmentSchema, saltSchema } from './commitment.ts'
import { DomainError } from './errors.ts'
import { publicKeySchema } from './ids.ts'
import type { NetworkState } from './network/decider.ts'

/** Bytes of one disclosure. */
export const contentBytesMax = 48 * 1024

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const mediaType = /^[a-z0-9!#$&^_.+-]{1,63}\/[a-z0-9!#$&^_.+-]{1,63}(?:;charset=utf-8)?$/

export const readerRoles = ['arbiters', 'stewards'] as const

export const discloseContentData = z.strictObject({
  salt: saltSchema,
  content: z
    .string()
    .max(Math.ceil(contentBytesMax / 3) * 4)
    .regex(base64, 'must be base64')
    .describe('Base64 of at most 48 KiB'),
  mediaType: z.string().regex(mediaType, 'must be a media type in lower case, such as text/plain;charset=utf-8'),
  readers: z
    .array(z.union([publicKeySchema, z.enum(readerRoles)]))
    .max(16)
    .exactOptional()
    .describe('Who may read it beside you, the authority and the service keys: keys, or whoever has a role by then'),
})

export const eraseDisclosureData = z.strictObject({ commitment: commitmentSchema })

/** What one key has handed in. */
export interface Disclosure {
  readonly commitment: string
  readonly discloser: string
  /** Undefined once it was erased. */
  readonly disclosed: { readonly salt: Uint8Array; readonly content: Uint8Array } | undefined
  readonly mediaType: string
  readonly readers: readonly string[]
  readonly createdAt: Date
  readonly erasedAt: Date | undefined
}

/** Whether `key` may read it: the one who handed it in and whom that one named, the authority, and the network's own services. */
export function mayRead(key: string, { discloser, readers }: Disclosure, network: NetworkState): boolean {
  if (key === discloser || key === network.authority || Object.values(network.serviceKeys).includes(key)) return true
  return readers.includes(key) || readerRoles.some((role) => readers.includes(role) && network[role].members.includes(key))
}

/** Whether `key` may erase it: the authority may too, because it answers for what is kept here. */
export function mayErase(key: string, { discloser }: Disclosure, network: NetworkState): boolean {
  return key === discloser || key === network.authority
}

/** What a key has here that is not erased. */
export interface DisclosureUsage {
  readonly count: number
  readonly bytes: number
}

const perKeyMax: DisclosureUsage = { count: 1000, bytes: 16 * 1024 * 1024 }

/** Throws `DisclosureQuotaExceeded` when a key that has `usage` may not add `bytes` more. */
export function admitDisclosure({ count, bytes: kept }: DisclosureUsage, bytes: number): void {
  if (count < perKeyMax.count && kept + bytes <= perKeyMax.bytes) return
  throw new DomainError('DisclosureQuotaExceeded', { countMax: perKeyMax.count, bytesMax: perKeyMax.bytes, count, bytes: kept })
}
